"""Adopting adapters that exist already: each folder examined, graded and recorded.

Records are written at once, and MLflow follows with `sync`. Bytes are pushed before a number is
claimed, a hundred folders at a time; what a killed import has not done, the next one does.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from adapterctl.errors import AdapterctlError, InvalidInput
from adapterctl.jobs.adopting.adapter_folder import AdapterFolder, examine
from adapterctl.jobs.adopting.adopted_before import Before
from adapterctl.jobs.adopting.import_answer import Import, answer, readable_bases
from adapterctl.jobs.adopting.import_sources import Place
from adapterctl.jobs.adopting.manifest import FactFinder, Facts, Refused, Wish, keep_recipe, listed
from adapterctl.jobs.bases import check_name
from adapterctl.jobs.project import Project
from adapterctl.records.adopted import AdoptedVersion, AnyRecord, StatedBase
from adapterctl.records.version import ArtifactPin
from adapterctl.rules.adoption.adapter_names import free_name, name_for
from adapterctl.rules.adoption.adopted import Declared, Imported, adopted, lasting, registered
from adapterctl.rules.adoption.peft_releases import release_of
from adapterctl.rules.names.stated import stated_base
from adapterctl.stores.files import must_be_writable

AT_ONCE = 100
"""So many folders share one transaction with DVC."""


@dataclass(frozen=True, kw_only=True)
class _Looked:
    """A folder that was looked into, and what is known beside it."""

    folder: AdapterFolder
    facts: Facts
    wish: Wish

    @property
    def wanted(self) -> str:
        """The name of an adapter that nobody has named."""
        return name_for(self.wish.label or self.folder.path)

    @property
    def base(self) -> StatedBase:
        """What its base is: as a manifest says, or else its config."""
        config = self.folder.config
        stated, revision = config.get("base_model_name_or_path"), config.get("revision")
        return self.facts.base or stated_base(stated, revision=revision)


def import_adapters(
    project: Project,
    sources: Sequence[str | Path],
    *,
    name: str | None = None,
    manifest: Path | None = None,
) -> Import:
    """Records every PEFT folder at or below ``sources`` as a version of an adapter.

    A folder that cannot be taken concerns itself alone: its result says why.

    Args:
        project: where.
        sources: PEFT folders, folders that hold such folders, or where some lie:
            ``hub:REPO[@REV]``, ``s3://BUCKET/PREFIX``, ``mlflow:NAME[/VERSION]``.
        name: what the adapter is called; only with a single PEFT folder.
        manifest: a CSV file that names more folders, and says what they do not.

    Raises:
        InvalidInput: a name that is not valid, or is given to more than one folder; a manifest
            that cannot be read.
        AdapterctlError: registry, cache or remote cannot be written.
    """
    if name is not None:
        check_name(name)
    must_be_writable(project.registry.folder / "adapters", project.private)
    project.private.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=project.private, prefix="import-") as staging:
        place = Place(project=project, staging=Path(staging), name=name)
        found = [*place.wishes([*map(str, sources)]), *(listed(manifest) if manifest else ())]
        if name is not None:
            _must_be_one(found, name)
        return _imported(project, found)


def _imported(project: Project, found: Sequence[Wish | Refused]) -> Import:
    importer = _Importer(project)
    for begin in range(0, len(found), AT_ONCE):
        importer.take(found[begin : begin + AT_ONCE])
        done = min(begin + AT_ONCE, len(found))
        project.display.progress("importing", done, len(found))
    return answer(project, importer.results, importer.new)


def _must_be_one(found: Sequence[Wish | Refused], name: str) -> None:
    if len(found) != 1:
        raise InvalidInput.one(
            f"--name {name} is for one folder, and there are {len(found)}",
            hint="name one PEFT folder, or leave --name out",
        )


class _Importer:
    """Takes batches of folders, and remembers what became of them."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._finder = FactFinder(project)
        self._before = Before(project.registry)
        self._declared = Declared(readable_bases(project))
        self.results: list[Imported] = []
        self.new: list[AdoptedVersion] = []

    def take(self, batch: Sequence[Wish | Refused]) -> None:
        """Imports some folders: looked into one by one, pushed together, recorded one by one."""
        looked = [self._looked(one) for one in batch]
        pins = self._pushed([one for one in looked if isinstance(one, _Looked)])
        for one in looked:
            if isinstance(one, Refused):
                self.results.append(Imported(path=one.path, error=one.why))
            else:
                self.results.append(self._recorded(one, pins))

    def _looked(self, one: Wish | Refused) -> _Looked | Refused:
        if isinstance(one, Refused):
            return one
        cache = self._project.private / "cache" / "adapters"
        try:
            folder = examine(one.path, cache=cache, either=one.either)
            facts = self._finder.facts(one)
            if facts.recipe is not None and facts.name is not None:
                keep_recipe(self._project, facts.name, facts.recipe)
            return _Looked(folder=folder, facts=facts, wish=one)
        except AdapterctlError as error:
            return Refused(path=one.origin or str(one.path), why=str(error))
        except OSError as error:
            why = f"{error.filename}: cannot read: {error.strerror}"
            return Refused(path=one.origin or str(one.path), why=why)

    def _pushed(self, folders: Sequence[_Looked]) -> dict[Path, ArtifactPin]:
        fresh = [one.folder for one in folders if one.folder.weights and not self._known(one)]
        if not fresh:
            return {}
        dvc, progress = self._project.dvc, self._project.display.progress
        pins = dvc.add_parts([(folder.path, folder.files) for folder in fresh], under="adapter")
        dvc.push(pins, progress=progress)
        return {folder.path: pin for folder, pin in zip(fresh, pins, strict=True)}

    def _recorded(self, one: _Looked, pins: Mapping[Path, ArtifactPin]) -> Imported:
        record = self._known(one) or self._claimed(one, pins.get(one.folder.path))
        path = one.wish.origin or str(one.folder.path)
        if not isinstance(record, AdoptedVersion):
            return registered(path, record, peft_type=one.folder.peft_type)
        self._point(record)
        return adopted(path, record, self._declared.meant_by(record.base))

    def _known(self, one: _Looked) -> AnyRecord | None:
        """Returns the version that a folder is already, unless something new is said of it."""
        return next((record for record in self._same(one) if one.facts.are_those_of(record)), None)

    def _same(self, one: _Looked) -> Iterator[AnyRecord]:
        """Yields the versions that have a folder's content, the newest first.

        The same weights under the same name are the same version, wherever they lie. A config
        alone tells nothing apart: it has to come from the same folder.
        """
        folder, name = one.folder, one.facts.name
        origin = self._origin(one)
        names = {one.wanted, _marked(one.wanted, origin)} if folder.weights else set()
        return self._before.find(
            folder.content_sha256,
            names=names if name is None else {name},
            origin=origin if name is None else None,
        )

    def _claimed(self, one: _Looked, pin: ArtifactPin | None) -> AdoptedVersion:
        draft = self._draft(one, self._adapter(one), pin=pin)
        record = self._project.registry.claim(
            draft.adapter, lambda number: msgspec.structs.replace(draft, version=number)
        )
        self._before.add(record)
        self.new.append(record)
        return record

    def _adapter(self, one: _Looked) -> str:
        """Returns the given name, what the folder was before, or a name that is free."""
        if one.facts.name is not None:
            return one.facts.name
        origin = self._origin(one)
        found = next(self._same(one), None)
        same = found.adapter if found else self._before.adapter_from(origin)
        return same or free_name(one.wanted, self._before.names, mark=_mark(origin))

    def _draft(self, one: _Looked, adapter: str, *, pin: ArtifactPin | None) -> AdoptedVersion:
        folder = one.folder
        return AdoptedVersion(
            schema_version=1,
            adapter=adapter,
            version=0,
            created=self._project.stamp,
            created_by=self._project.by,
            origin=self._origin(one),
            peft_type=folder.peft_type,
            peft_release=release_of(folder.config),
            base=one.base,
            config=folder.config,
            adapter_config_sha256=folder.config_sha256,
            content_sha256=folder.content_sha256,
            owners=one.facts.owners,
            train=one.facts.train,
            artifacts=pin,
            weights_sha256=folder.weights_sha256,
            run=one.facts.run,
        )

    def _origin(self, one: _Looked) -> str:
        if one.wish.origin is not None:
            return one.wish.origin
        root, folder = self._project.root, one.folder
        inside = folder.path.is_relative_to(root)
        return (folder.path.relative_to(root) if inside else folder.path).as_posix()

    def _point(self, record: AdoptedVersion) -> None:
        """Writes the pointer by which DVC knows the bytes, unless a run before this one has."""
        home = self._project.registry.adapter_folder(record.adapter)
        pointer = home / f"{record.version}.dvc"
        if record.artifacts is not None and not pointer.is_file():
            name = str(record.version)
            self._project.dvc.write_pointer(pointer, record.artifacts, out_name=name)


def _mark(origin: str) -> str:
    return hashlib.sha256(lasting(origin).encode()).hexdigest()


def _marked(wanted: str, origin: str) -> str:
    return free_name(wanted, {wanted}, mark=_mark(origin))
