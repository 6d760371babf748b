"""The door to ``registry/``: the truth, as small text files in git.

Reading needs nothing but this folder. Records are claimed by exclusive creation and never
rewritten; ledgers are only added to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TypeVar

import msgspec

from adapterctl.errors import InvalidInput, NotFound, Problem
from adapterctl.records.adopted import AnyRecord, read_record
from adapterctl.records.base import Base, BaseIdentity
from adapterctl.records.canonical import compact, pretty
from adapterctl.records.event import Event
from adapterctl.records.lifecycle import Observation
from adapterctl.records.policy import People, Policy, Waiver, Waivers
from adapterctl.records.reading import build, merge, read_json, read_yaml
from adapterctl.records.recipe import Recipe
from adapterctl.records.version import VersionRecord
from adapterctl.records.yaml_edit import dump_yaml, put_entries
from adapterctl.records.yaml_text import parse
from adapterctl.rules.adoption.adopted import built
from adapterctl.rules.contradiction import Contradiction
from adapterctl.rules.recipes import contradictions
from adapterctl.rules.trainer_commands import command_of, config_mistakes, is_outside
from adapterctl.stores.files import append_line, append_lines, create_exclusively, write_atomically

T = TypeVar("T", bound=msgspec.Struct)
R = TypeVar("R", bound=AnyRecord)


class FolderRegistry:
    """``registry/`` and ``params.yaml`` of the project at ``root``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "registry"

    def must_exist(self) -> None:
        """Raises `NotFound` when ``root`` is not a project."""
        if not self.folder.is_dir():
            raise NotFound(
                "not an adapterctl project: no registry/ here",
                place=str(self.root),
                hint="adapterctl init, or name the project with --project DIR",
            )

    # bases

    def base_path(self, base: str) -> Path:
        """Returns the file of a base, whether it exists or not."""
        return self.folder / "bases" / f"{base}.yaml"

    def bases(self) -> list[str]:
        """Returns the names of all bases, sorted."""
        return sorted(path.stem for path in (self.folder / "bases").glob("*.yaml"))

    def base(self, base: str) -> Base:
        """Returns a base; the identity that a stage wrote is filled in when it is there."""
        path = self.base_path(base)
        if not path.is_file():
            raise NotFound(
                f"no base {base!r}",
                place=self._shown(path),
                hint=f"known: {', '.join(self.bases()) or 'none'}; or: adapterctl bases add {base}",
            )
        found = read_yaml(self._text(path), Base, file=self._shown(path))
        return self._with_identity(found)

    def _with_identity(self, base: Base) -> Base:
        path = self.root / base.fingerprint_file if base.fingerprint_file else None
        if base.fingerprint is not None or path is None or not path.is_file():
            return base
        identity = read_json(path.read_bytes(), BaseIdentity, file=self._shown(path))
        return msgspec.structs.replace(
            base,
            fingerprint=identity.fingerprint,
            digests=identity.digests,
            family=identity.family,
            architecture=identity.architecture,
            parameters=identity.parameters,
            bytes=identity.bytes,
            revision=base.revision or f"sha256:{identity.fingerprint.removeprefix('fp1:')}",
        )

    def write_base(self, base: Base) -> Path:
        """Writes a base's file and returns its path."""
        path = self.base_path(base.base)
        write_atomically(path, dump_yaml(base).encode())
        return path

    # adapters

    def adapters(self) -> list[str]:
        """Returns the names of all adapters that have a recipe or a version, sorted."""
        folder = self.folder / "adapters"
        return sorted(p.name for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else []

    def adapter_folder(self, adapter: str) -> Path:
        """Returns the adapter's folder, whether it exists or not."""
        return self.folder / "adapters" / adapter

    def recipe_path(self, adapter: str) -> Path:
        """Returns the path of an adapter's recipe."""
        return self.adapter_folder(adapter) / "recipe.yaml"

    def recipe(self, adapter: str) -> Recipe:
        """Returns the recipe as it stands today."""
        path = self.recipe_path(adapter)
        if not path.is_file():
            raise self._unknown_adapter(adapter)
        return self.recipe_at(path)

    def recipe_at(self, path: Path) -> Recipe:
        """Returns the recipe in the file ``path``."""
        if not path.is_file():
            raise NotFound("no such recipe", place=str(path), hint="adapterctl new NAME writes one")
        document = parse(self._text(path), file=self._shown(path))
        recipe = build(document, Recipe)
        merge(
            Problem(place=document.place(wrong.path), what=wrong.what, hint=wrong.hint)
            for wrong in [*contradictions(recipe), *self._in_trainer_config(recipe)]
        )
        return recipe

    def _in_trainer_config(self, recipe: Recipe) -> Iterator[Contradiction]:
        """Yields what is wrong with a trainer's config that lies in this repository."""
        command = command_of(recipe)
        if command is None or command.config is None or recipe.code is not None:
            return
        path = self.root / command.config
        if not is_outside(command.config):
            yield from config_mistakes(command, self._text(path) if path.is_file() else None)

    def versions(self, adapter: str) -> list[int]:
        """Returns the registered version numbers, ascending."""
        folder = self.adapter_folder(adapter)
        return sorted(int(path.stem) for path in folder.glob("*.json") if path.stem.isdigit())

    def record_path(self, adapter: str, version: int) -> Path:
        """Returns the path of a version's record."""
        return self.adapter_folder(adapter) / f"{version}.json"

    def lock_path(self, adapter: str, version: int) -> Path:
        """Returns the path of the lock of a version's environment."""
        return self.adapter_folder(adapter) / f"{version}.pylock.toml"

    def record_bytes(self, adapter: str, version: int) -> bytes:
        """Returns a record as it stands."""
        path = self.record_path(adapter, version)
        if not path.is_file():
            known = ", ".join(map(str, self.versions(adapter))) or "none"
            raise NotFound(
                f"no version {version} of {adapter!r}",
                place=self._shown(path),
                hint=f"registered versions: {known}",
            )
        return path.read_bytes()

    def record(self, adapter: str, version: int) -> VersionRecord:
        """Returns the record of a version that was built.

        Raises:
            InvalidInput: it was imported, and its sources are not recorded.
        """
        return built(self.any_record(adapter, version))

    def any_record(self, adapter: str, version: int) -> AnyRecord:
        """Returns the record of a version, built or adopted."""
        raw = self.record_bytes(adapter, version)
        return read_record(raw, file=self._shown(self.record_path(adapter, version)))

    def records(self, adapter: str) -> Iterator[VersionRecord]:
        """Yields the records of an adapter's versions that were built, ascending."""
        for record in self.any_records(adapter):
            if isinstance(record, VersionRecord):
                yield record

    def any_records(self, adapter: str) -> Iterator[AnyRecord]:
        """Yields all records of an adapter, ascending."""
        for version in self.versions(adapter):
            yield self.any_record(adapter, version)

    def claim(self, adapter: str, build: Callable[[int], R], *, above: int = 0) -> R:
        """Claims the next number by exclusive creation and writes the record, whole.

        Args:
            adapter: whose version.
            build: makes the record for the number it is given.
            above: the highest number known elsewhere (MLflow); the claim lies above it.
        """
        number = max([above, *self.versions(adapter)]) + 1
        while True:
            record = build(number)
            if create_exclusively(self.record_path(adapter, number), pretty(record)):
                return record
            number += 1

    def _unknown_adapter(self, adapter: str) -> NotFound:
        known = ", ".join(self.adapters()) or "none"
        return NotFound(
            f"no adapter {adapter!r}",
            place=self._shown(self.adapter_folder(adapter)),
            hint=f"known: {known}; or: adapterctl new {adapter}",
        )

    # ledgers

    def events_path(self, adapter: str) -> Path:
        """Returns the path of an adapter's events."""
        return self.adapter_folder(adapter) / "events.jsonl"

    def events(self, adapter: str) -> list[Event]:
        """Returns what happened to an adapter since its registration, oldest first."""
        return self._ledger(self.events_path(adapter), Event)

    def append_event(self, adapter: str, event: Event) -> Path:
        """Adds one event."""
        return append_line(self.events_path(adapter), compact(event))

    def observations(self) -> list[Observation]:
        """Returns every observation of every feed, feeds in order of name."""
        feeds = sorted(path.stem for path in (self.folder / "lifecycle").glob("*.jsonl"))
        return [line for feed in feeds for line in self.observations_of(feed)]

    def observations_of(self, feed: str) -> list[Observation]:
        """Returns every observation of one feed, in the order of its ledger."""
        return self._ledger(self._feed_path(feed), Observation)

    def append_observations(self, feed: str, *observations: Observation) -> Path:
        """Adds observations to a feed's ledger, all of them or none."""
        return append_lines(self._feed_path(feed), list(map(compact, observations)))

    def _feed_path(self, feed: str) -> Path:
        return self.folder / "lifecycle" / f"{feed}.jsonl"

    def _ledger(self, path: Path, kind: type[T]) -> list[T]:
        if not path.is_file():
            return []
        lines = enumerate(path.read_bytes().splitlines(), start=1)
        shown = self._shown(path)
        return [read_json(line, kind, file=f"{shown}:{n}") for n, line in lines if line.strip()]

    # policy

    def policy(self) -> Policy:
        """Returns ``params.yaml``, or the defaults without one."""
        path = self.root / "params.yaml"
        return (
            read_yaml(self._text(path), Policy, file="params.yaml") if path.is_file() else Policy()
        )

    def people(self) -> People:
        """Returns the teams and their members; nobody without ``people.yaml``."""
        path = self.folder / "people.yaml"
        if not path.is_file():
            return People()
        return read_yaml(self._text(path), People, file=self._shown(path))

    def waivers(self) -> list[Waiver]:
        """Returns the accepted gaps."""
        path = self.folder / "waivers.yaml"
        if not path.is_file():
            return []
        return read_yaml(self._text(path), Waivers, file=self._shown(path)).waivers

    def add_waivers(self, waivers: Sequence[Waiver]) -> Path:
        """Adds accepted gaps; one of the same code and subject is superseded, at its place."""
        path = self.folder / "waivers.yaml"
        text = self._text(path) if path.is_file() else ""
        entries = [
            {**msgspec.structs.asdict(one), "until": date.fromisoformat(one.until)}
            for one in waivers
        ]
        text = put_entries(text, "waivers", entries, same=("code", "subject"))
        write_atomically(path, text.encode())
        return path

    def _shown(self, path: Path) -> str:
        inside = path.is_relative_to(self.root)
        return path.relative_to(self.root).as_posix() if inside else str(path)

    def _text(self, path: Path) -> str:
        try:
            return path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise InvalidInput.one(
                f"not UTF-8 at byte {error.start}", place=self._shown(path), hint="save it as UTF-8"
            ) from None
