"""Adopting fine-tunes that live at a provider: no weights, but data, recipe and people of ours."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec

from adapterctl.errors import AdapterctlError, InvalidInput
from adapterctl.jobs.adopting.adopted_before import Before
from adapterctl.jobs.adopting.import_answer import Import, answer, readable_bases
from adapterctl.jobs.adopting.manifest import FactFinder, Wish, keep_recipe
from adapterctl.jobs.project import Project
from adapterctl.records.adopted import AdoptedVersion, HostedJob, StatedBase
from adapterctl.records.canonical import digest
from adapterctl.records.reading import build
from adapterctl.records.recipe import Owners, Recipe
from adapterctl.records.version import DatasetPin, FilePin
from adapterctl.records.yaml_text import Document
from adapterctl.rules.adoption.adapter_names import free_name
from adapterctl.rules.adoption.adopted import Declared, Imported, adopted
from adapterctl.rules.adoption.hosted import HostedEntry, is_path, name_of, says_nothing_new
from adapterctl.rules.adoption.manifests import Entry
from adapterctl.stores.files import must_be_writable
from adapterctl.stores.rows import read_numbered


def import_hosted(project: Project, file: Path) -> Import:
    """Records every fine-tune that a list names as a version of an adapter.

    A line that cannot be taken concerns itself alone: its result says why.

    Args:
        project: where.
        file: YAML, JSON, JSONL or CSV; see `HostedEntry`.

    Raises:
        InvalidInput: the file is no such list.
        AdapterctlError: registry or remote cannot be written.
    """
    lines = read_numbered(file, place=str(file))
    must_be_writable(project.registry.folder / "adapters", project.private)
    importer = _Importer(project, file)
    for number, (line, row) in enumerate(lines, start=1):
        importer.take(line, row)
        project.display.progress("importing", number, len(lines))
    return answer(project, importer.results, importer.new)


class _Importer:
    """Takes line after line, and remembers what became of them."""

    def __init__(self, project: Project, file: Path) -> None:
        self._project = project
        self._file = file
        self._finder = FactFinder(project)
        self._before = Before(project.registry)
        self._declared = Declared(readable_bases(project))
        self.results: list[Imported] = []
        self.new: list[AdoptedVersion] = []

    def take(self, line: int, row: Any) -> None:
        """Records one line, or says why not."""
        place = f"{self._file}:{line}"
        try:
            document = Document(file=str(self._file), data=_given(row), lines={(): line})
            record = self._recorded(build(document, HostedEntry))
        except AdapterctlError as error:
            words = str(error)
            said = words if words.startswith(place) else f"{place}: {words}"
            self.results.append(Imported(path=place, error=said))
        else:
            meant = self._declared.meant_by(record.base)
            self.results.append(adopted(place, record, meant))

    def _recorded(self, entry: HostedEntry) -> AdoptedVersion:
        recipe = self._recipe(entry)
        data = _data(entry, recipe)
        wish = Entry(
            path=entry.model,
            name=entry.name,
            team=entry.team,
            data=data if data and is_path(data) else None,
            recipe=entry.recipe,
        )
        facts = self._finder.facts(Wish(path=self._file, entry=wish, root=self._file.parent))
        name = facts.name or self._name(entry)
        kept = keep_recipe(self._project, name, facts.recipe) if facts.recipe else None
        job = HostedJob(
            provider=entry.provider,
            model=entry.model,
            job=entry.job,
            region=entry.region,
            created=entry.created,
            recipe=_pinned(kept, self._project.root) if kept else None,
            data=None if facts.train else data,
        )
        draft = self._draft(entry, job, name=name, train=facts.train)
        return self._known(draft) or self._claimed(draft)

    def _recipe(self, entry: HostedEntry) -> Recipe | None:
        """Returns the recipe that is named: for a declared base with open weights, and whole."""
        if entry.recipe is None:
            return None
        path = self._file.parent / entry.recipe
        recipe: Recipe = self._project.registry.recipe_at(path)
        base = self._project.registry.base(recipe.base)
        if base.source.provider is not None:
            raise InvalidInput.one(
                f"its base {recipe.base} is at {base.source.provider}",
                place=f"{path}: base",
                hint="name a base with open weights, on which it could be rebuilt",
            )
        code = recipe.preprocessing.partition(":")[0]
        if recipe.code is None and not (self._project.root / code).is_file():
            raise InvalidInput.one(
                f"no such file: {code}",
                place=f"{path}: preprocessing",
                hint="put it into the project: without it the data are not those of a training",
            )
        return recipe

    def _draft(
        self, entry: HostedEntry, job: HostedJob, *, name: str, train: DatasetPin | None
    ) -> AdoptedVersion:
        return AdoptedVersion(
            schema_version=1,
            adapter=name,
            version=0,
            created=self._project.stamp,
            created_by=self._project.by,
            origin=_origin(entry),
            content_sha256=digest({"provider": entry.provider, "model": entry.model}),
            base=StatedBase(kind="provider", stated=entry.base, provider=entry.provider),
            owners=Owners(team=entry.team, backup=entry.backup),
            train=train,
            hosted=job,
        )

    def _name(self, entry: HostedEntry) -> str:
        origin = _origin(entry)
        mark = hashlib.sha256(origin.encode()).hexdigest()
        same = self._before.adapter_from(origin)
        return same or free_name(name_of(entry), self._before.names, mark=mark)

    def _known(self, draft: AdoptedVersion) -> AdoptedVersion | None:
        found = self._before.find(draft.content_sha256, names={draft.adapter}, origin=None)
        hosted = (one for one in found if isinstance(one, AdoptedVersion))
        return next((one for one in hosted if says_nothing_new(draft, one)), None)

    def _claimed(self, draft: AdoptedVersion) -> AdoptedVersion:
        record = self._project.registry.claim(
            draft.adapter, lambda number: msgspec.structs.replace(draft, version=number)
        )
        self._before.add(record)
        self.new.append(record)
        return record


def _origin(entry: HostedEntry) -> str:
    return f"{entry.provider}:{entry.model}"


def _pinned(path: Path, root: Path) -> FilePin:
    content = path.read_bytes()
    return FilePin(
        path=path.relative_to(root).as_posix(),
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
    )


def _given(row: Any) -> Any:
    """Returns a row without its empty fields; a number that stands for a name becomes text."""
    if not isinstance(row, dict):
        return row
    numbers = {key: str(value) for key, value in row.items() if type(value) in {int, float}}
    return {
        key: value.strip() if isinstance(value, str) else value
        for key, value in {**row, **numbers}.items()
        if value is not None and str(value).strip()
    }


def _data(entry: HostedEntry, recipe: Recipe | None) -> str | None:
    trained = recipe.data.train.path if recipe else None
    if entry.data and trained and entry.data != trained:
        raise InvalidInput.one(
            f"data: its recipe trains on {trained}, not on {entry.data}",
            hint="name the same data in both, or leave the column empty",
        )
    return entry.data or trained
