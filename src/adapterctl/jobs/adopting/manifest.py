"""What is asked of an import, folder by folder, and what is known beside the folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from adapterctl.errors import AdapterctlError, InvalidInput
from adapterctl.jobs.adopting.adapter_folder import adapter_folders
from adapterctl.jobs.bases import check_name
from adapterctl.jobs.project import Project
from adapterctl.records.adopted import AnyRecord, StatedBase
from adapterctl.records.recipe import Owners, Recipe
from adapterctl.records.run import StatedRun
from adapterctl.records.version import DatasetPin, VersionRecord
from adapterctl.rules.adoption.manifests import Entry, entries
from adapterctl.rules.names.stated import stated_base
from adapterctl.stores.files import create_exclusively
from adapterctl.stores.rows import read_rows


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A PEFT folder to import, absolute, and what was said of it.

    Attributes:
        root: what the paths in ``entry`` are relative to.
        origin: where it was fetched from; ``None``: it is the folder itself.
        label: the path that it is called after, when that is not the folder's.
        run: what MLflow says of it.
        either: of two files of weights, the one that PEFT loads is meant.
    """

    path: Path
    entry: Entry
    root: Path
    origin: str | None = None
    label: PurePath | None = None
    run: StatedRun | None = None
    either: bool = False


@dataclass(frozen=True, kw_only=True)
class Refused:
    """What cannot be taken, and why."""

    path: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a manifest says of an adapter, looked at and pinned; ``None`` where it says nothing."""

    name: str | None = None
    owners: Owners = field(default_factory=Owners)
    base: StatedBase | None = None
    train: DatasetPin | None = None
    recipe: Path | None = None
    run: StatedRun | None = None

    def are_those_of(self, record: AnyRecord) -> bool:
        """Whether a version already says everything that is said here."""
        if isinstance(record, VersionRecord):
            return True
        return (
            self.base in {None, record.base}
            and self.train in (None, record.train)
            and self.owners.team in {None, record.owners.team}
            and (self.run is None or record.run is not None)
        )


def listed(manifest: Path) -> Iterator[Wish | Refused]:
    """Yields the folders of a manifest, a CSV file, in its order.

    Raises:
        InvalidInput: the manifest cannot be read.
    """
    rows = read_rows(manifest, place=str(manifest))
    for entry in entries(rows, place=str(manifest)):
        path = (manifest.parent / entry.path).resolve()
        try:
            _must_be_one(path, adapter_folders(path))
            yield Wish(path=path, entry=entry, root=manifest.parent)
        except AdapterctlError as error:
            yield Refused(path=str(path), why=str(error))


def _must_be_one(path: Path, folders: Sequence[Path]) -> None:
    if folders != [path]:
        raise InvalidInput.one(
            f"holds {len(folders)} adapters in folders below it",
            place=str(path),
            hint="a row of a manifest is about one PEFT folder",
        )


class FactFinder:
    """Looks at what wishes say; a data set that several share is pinned once."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._pins: dict[str, DatasetPin] = {}

    def facts(self, wish: Wish) -> Facts:
        """Returns what is known of an adapter beside its folder.

        Raises:
            AdapterctlError: a name that is not valid, data that cannot be pinned, or a recipe
                that is not one, or another adapter's.
        """
        entry = wish.entry
        recipe = wish.root / entry.recipe if entry.recipe else None
        name = self._name(entry, recipe)
        return Facts(
            name=name,
            owners=Owners(team=entry.team),
            base=self._base(entry.base) if entry.base else None,
            train=self._pin(entry.data) if entry.data else None,
            recipe=recipe,
            run=wish.run,
        )

    def _name(self, entry: Entry, path: Path | None) -> str | None:
        if entry.name is not None:
            check_name(entry.name)
        if path is None:
            return entry.name
        recipe: Recipe = self._project.registry.recipe_at(path)
        if entry.name not in {None, recipe.adapter}:
            raise InvalidInput.one(
                f"the recipe of {recipe.adapter!r}, not of {entry.name!r}", place=str(path)
            )
        return recipe.adapter

    def _base(self, text: str) -> StatedBase:
        name, _, revision = text.partition("@")
        return stated_base(name, revision=revision)

    def _pin(self, path: str) -> DatasetPin:
        if path not in self._pins:
            pin = self._project.dvc.pin(path, progress=self._project.display.progress)
            self._project.dvc.push([pin], progress=self._project.display.progress)
            self._pins[path] = pin
        return self._pins[path]


def keep_recipe(project: Project, adapter: str, path: Path) -> Path:
    """Puts a recipe where the registry keeps it, and returns that place.

    Raises:
        InvalidInput: another recipe is there already.
    """
    home = project.registry.recipe_path(adapter)
    content = path.read_bytes()
    if not create_exclusively(home, content) and home.read_bytes() != content:
        raise InvalidInput.one(
            f"adapter {adapter!r} has another recipe already: {home}",
            place=str(path),
            hint="edit that one, or leave the column empty",
        )
    return home
