"""`FolderRegistry`: what is registered, read and written as nouns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TypeVar

import msgspec

from adapterctl.errors import NotFound
from adapterctl.records.adopted import AnyRecord, read_record
from adapterctl.records.base import Base, BaseIdentity
from adapterctl.records.canonical import compact, pretty
from adapterctl.records.event import Event
from adapterctl.records.lifecycle import Naming, Observation
from adapterctl.records.policy import People, Policy, Waiver, Waivers
from adapterctl.records.reading import read_json
from adapterctl.records.recipe import Command, Recipe
from adapterctl.records.version import VersionRecord
from adapterctl.records.yaml_edit import dump_yaml, put_entries
from adapterctl.rules.adoption.adopted import built
from adapterctl.stores.files import append_line, append_lines, create_exclusively, write_atomically
from adapterctl.stores.registry.reading import ProjectFiles, text_of, versions_in

T = TypeVar("T", bound=msgspec.Struct)
R = TypeVar("R", bound=AnyRecord)

RECIPE = "recipe.yaml"
_ADAPTERS = "registry/adapters"


class FolderRegistry:
    """``registry/`` and ``params.yaml`` of the project at ``root``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "registry"
        self._files = ProjectFiles(root)

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
        file = f"registry/bases/{base}.yaml"
        found = self._files.yaml(file, Base)
        if found is None:
            raise NotFound(
                f"no base {base!r}",
                place=file,
                hint=f"known: {', '.join(self.bases()) or 'none'}; or: adapterctl bases add {base}",
            )
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
        return self._files.folders(_ADAPTERS)

    def adapter_folder(self, adapter: str) -> Path:
        """Returns the adapter's folder, whether it exists or not."""
        return self.folder / "adapters" / adapter

    def recipe_path(self, adapter: str) -> Path:
        """Returns the path of an adapter's recipe."""
        return self.adapter_folder(adapter) / RECIPE

    def recipe(self, adapter: str) -> Recipe:
        """Returns the recipe as it stands today."""
        file = f"{_ADAPTERS}/{adapter}/{RECIPE}"
        raw = self._files.read(file)
        if raw is None:
            raise self._unknown_adapter(adapter)
        return self._recipe(raw, file=file)

    def recipe_at(self, path: Path) -> Recipe:
        """Returns the recipe in the file ``path``."""
        if not path.is_file():
            raise NotFound("no such recipe", place=str(path), hint="adapterctl new NAME writes one")
        return self._recipe(path.read_bytes(), file=self._shown(path))

    def _recipe(self, raw: bytes, *, file: str) -> Recipe:
        # What decides whether a recipe can be honoured is not imported where none is read.
        from adapterctl.stores.registry.recipes import read_recipe

        return read_recipe(self._files, raw, file=file)

    def versions(self, adapter: str) -> list[int]:
        """Returns the registered version numbers, ascending."""
        return versions_in(self.names_in(adapter))

    def names_in(self, adapter: str) -> list[str]:
        """Returns the names of an adapter's files; none without a folder."""
        return self._files.names(f"{_ADAPTERS}/{adapter}")

    def files_of(
        self, adapter: str, versions: Iterable[int], recipe: Recipe | None
    ) -> Iterator[str]:
        """Yields all that decides what is read of an adapter, relative to ``registry/adapters/``.

        Its folder stands for files that are not there.

        Args:
            adapter: its name.
            versions: those whose records are read.
            recipe: today's, whose trainer's config is read with it.
        """
        yield adapter
        yield f"{adapter}/{RECIPE}"
        yield f"{adapter}/events.jsonl"
        yield from (f"{adapter}/{version}.json" for version in versions)
        trainer = recipe.trainer if recipe else None
        if isinstance(trainer, Command) and trainer.config is not None:
            yield f"../../{trainer.config}"

    def record_path(self, adapter: str, version: int) -> Path:
        """Returns the path of a version's record."""
        return self.adapter_folder(adapter) / f"{version}.json"

    def lock_path(self, adapter: str, version: int) -> Path:
        """Returns the path of the lock of a version's environment."""
        return self.adapter_folder(adapter) / f"{version}.pylock.toml"

    def record_bytes(self, adapter: str, version: int) -> bytes:
        """Returns a record as it stands."""
        file = f"{_ADAPTERS}/{adapter}/{version}.json"
        raw = self._files.read(file)
        if raw is None:
            known = ", ".join(map(str, self.versions(adapter))) or "none"
            raise NotFound(
                f"no version {version} of {adapter!r}",
                place=file,
                hint=f"registered versions: {known}",
            )
        return raw

    def record(self, adapter: str, version: int) -> VersionRecord:
        """Returns the record of a version that was built.

        Raises:
            InvalidInput: it was imported, and its sources are not recorded.
        """
        return built(self.any_record(adapter, version))

    def any_record(self, adapter: str, version: int) -> AnyRecord:
        """Returns the record of a version, built or adopted."""
        raw = self.record_bytes(adapter, version)
        return read_record(raw, file=f"{_ADAPTERS}/{adapter}/{version}.json")

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
        return self._files.ledger(f"{_ADAPTERS}/{adapter}/events.jsonl", Event)

    def append_event(self, adapter: str, event: Event) -> Path:
        """Adds one event."""
        return append_line(self.events_path(adapter), compact(event))

    def observations(self) -> list[Observation]:
        """Returns every observation of every feed, feeds in order of name."""
        feeds = sorted(path.stem for path in (self.folder / "lifecycle").glob("*.jsonl"))
        return [line for feed in feeds for line in self.observations_of(feed)]

    def observations_of(self, feed: str) -> list[Observation]:
        """Returns every observation of one feed, in the order of its ledger."""
        return self._files.ledger(f"registry/lifecycle/{feed}.jsonl", Observation)

    def append_observations(self, feed: str, *observations: Observation) -> Path:
        """Adds observations to a feed's ledger, all of them or none."""
        return append_lines(self._feed_path(feed), list(map(compact, observations)))

    def namings(self) -> list[Naming]:
        """Returns every other name that feeds stated, feeds in order of name."""
        feeds = sorted(path.stem for path in (self.folder / "names").glob("*.jsonl"))
        ledgers = (f"registry/names/{feed}.jsonl" for feed in feeds)
        return [line for file in ledgers for line in self._files.ledger(file, Naming)]

    def append_namings(self, feed: str, *namings: Naming) -> Path:
        """Adds other names that a feed stated, all of them or none."""
        return append_lines(self.folder / "names" / f"{feed}.jsonl", list(map(compact, namings)))

    def _feed_path(self, feed: str) -> Path:
        return self.folder / "lifecycle" / f"{feed}.jsonl"

    # policy

    def policy(self) -> Policy:
        """Returns ``params.yaml``, or the defaults without one."""
        return self._files.yaml("params.yaml", Policy) or Policy()

    def people(self) -> People:
        """Returns the teams and their members; nobody without ``people.yaml``."""
        return self._files.yaml("registry/people.yaml", People) or People()

    def waivers(self) -> list[Waiver]:
        """Returns the accepted gaps."""
        found = self._files.yaml("registry/waivers.yaml", Waivers)
        return found.waivers if found else []

    def add_waivers(self, waivers: Sequence[Waiver]) -> Path:
        """Adds accepted gaps; one of the same code and subject is superseded, at its place."""
        file = "registry/waivers.yaml"
        path, text = self.root / file, text_of(self._files.read(file) or b"", file)
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
