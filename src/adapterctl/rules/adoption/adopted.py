"""What can be said of an adopted version: its grade, its base, and what it cannot do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from adapterctl.errors import InvalidInput
from adapterctl.records.adopted import AdoptedVersion, AnyRecord, PeftRelease, StatedBase
from adapterctl.records.base import Base
from adapterctl.records.noun import Noun
from adapterctl.records.recipe import Owners
from adapterctl.records.version import VersionRecord
from adapterctl.rules.adoption.hosted import grade_hosted, without_owners
from adapterctl.rules.grades import Gap, Grade, Letter, grade
from adapterctl.rules.names.renames import Renames

NO_BASE = "(unknown)"
"""Stands for the base of an adapter that names none; no base can be called so."""

SAFETENSORS, PICKLE = "adapter_model.safetensors", "adapter_model.bin"


def built(record: AnyRecord) -> VersionRecord:
    """Returns the record of a version that was built here.

    Raises:
        InvalidInput: it was imported: the sources that a command needs were never recorded.
    """
    if isinstance(record, VersionRecord):
        return record
    adapter, name = record.adapter, f"{record.adapter}@{record.version}"
    if record.hosted is not None:
        raise at_a_provider(record)
    raise InvalidInput.one(
        f"{name} was imported: its data, code, recipe and environment are not recorded",
        place=f"registry/adapters/{adapter}/{record.version}.json",
        hint=f"write registry/adapters/{adapter}/recipe.yaml with its base, data and "
        f"preprocessing; then {_how_to_register(record)}",
    )


def at_a_provider(record: AdoptedVersion) -> InvalidInput:
    """Returns the error for a command that needs the weights, or the sources, of a hosted one."""
    job, adapter = record.hosted, record.adapter
    where = job.provider if job else "a provider"
    recipe = f"registry/adapters/{adapter}/recipe.yaml"
    return InvalidInput.one(
        f"{adapter}@{record.version} lives at {where}: its weights are not obtainable",
        place=f"registry/adapters/{adapter}/{record.version}.json",
        hint=f"name a base with open weights in {recipe}; then adapterctl register {recipe} "
        "trains it there",
    )


def _how_to_register(record: AdoptedVersion) -> str:
    command = f"adapterctl register registry/adapters/{record.adapter}/recipe.yaml"
    if record.artifacts is None or has_pickle(record):
        return f"{command} trains it again"
    return (
        f"adapterctl pull {record.adapter}@{record.version} --out DIR, and {command} --adapter DIR"
    )


_STATE = re.compile(r"^(hub:[^@]+)@[0-9a-f]{40}|^(mlflow:[^/]+)/[0-9]+")


def lasting(origin: str) -> str:
    """Returns an origin without the commit or version: what stays when the source moves on."""
    return _STATE.sub(lambda found: found[1] or found[2], origin)


class Declared:
    """The declared bases, looked up by what an adapter says of its own.

    A repository of the Hub is found by its old name and by its new one.
    """

    def __init__(self, bases: Iterable[Base], renames: Renames | None = None) -> None:
        self._renames = renames or Renames()
        self._by_name: dict[str, list[Base]] = {}
        for base in bases:
            source = base.source
            there = _at(source.provider, source.model)
            for name in {base.base, source.hub, source.path, there, *base.names} - {None}:
                self._by_name.setdefault(self._now(str(name)), []).append(base)

    def _now(self, name: str) -> str:
        return self._renames.newest(name).lower()

    def meant_by(self, stated: StatedBase) -> Base | None:
        """Returns the base that is meant: by its repository, or else by a name or path of it.

        One that is pinned to the stated commit goes before others of the repository.
        """
        there = _at(stated.provider, stated.stated)
        names = (there, stated.canonical, stated.repository, stated.stated)
        found = [one for name in names if name for one in self._by_name.get(self._now(name), ())]
        exact = [one for one in found if stated.commit and one.revision == stated.commit]
        return next(iter([*exact, *found]), None)


def _at(provider: str | None, model: str | None) -> str | None:
    """Returns a provider's name of a base; no other name has a tab in it."""
    return f"{provider}\t{model}" if provider and model else None


def grade_adopted(
    record: AdoptedVersion, base: Base | None, owners: Owners, *, data_removed: bool = False
) -> Grade:
    """Returns the grade of an adopted version: C, or D when it cannot even be loaded.

    Args:
        record: what its folder said.
        base: the declared base that it means, if there is one.
        owners: who answers for it today.
        data_removed: its data were deleted since, as an event says.

    A hosted one is graded by other rules; see `rules.adoption.hosted`.
    """
    if record.hosted is not None:
        return grade_hosted(record, owners, data_removed=data_removed)
    letters: tuple[tuple[Letter, Iterator[Gap]], ...] = (
        ("D", _to_load(record, base)),
        ("C", _to_rebuild(record, data_removed=data_removed)),
        ("B", _to_rebuild_surely(record, base, owners)),
    )
    gaps = {letter: [*found] for letter, found in letters}
    worst: Letter = next((letter for letter, found in gaps.items() if found), "A")
    return Grade(letter=worst, gaps=[gap for found in gaps.values() for gap in found])


def _to_load(record: AdoptedVersion, base: Base | None) -> Iterator[Gap]:
    if record.artifacts is None:
        yield Gap(code="WGT002", what="no weights")
    if record.base.kind == "none" and base is None:
        yield Gap(code="BASE003", what="nothing says what its base is")


def _to_rebuild(record: AdoptedVersion, *, data_removed: bool) -> Iterator[Gap]:
    if record.train is None:
        yield Gap(code="DATA001", what="its training data are not recorded")
    elif data_removed:
        yield Gap(code="DATA001", what="its training data were removed")
    yield Gap(code="CODE001", what="its preprocessing is not recorded")
    yield Gap(code="ENV001", what="its environment is not recorded")


def _to_rebuild_surely(record: AdoptedVersion, base: Base | None, owners: Owners) -> Iterator[Gap]:
    commit = record.base.commit if record.base.origin is None else None
    if commit is None and record.base.kind != "none":
        yield Gap(code="BASE001", what=f"base stated, unverified: {record.base.stated}")
    if base is None or base.fingerprint is None:
        listed = base is not None and base.files
        what = "file hashes known, no tensor" if listed else "no"
        yield Gap(code="BASE002", what=f"{what} fingerprint of its base")
    if has_pickle(record):
        yield Gap(code="WGT003", what="pickled weights")
    yield from without_owners(owners)


def has_pickle(record: AdoptedVersion) -> bool:
    """Whether the weights are a pickle, which only ``torch.load(weights_only=True)`` may open."""
    files = record.artifacts.files if record.artifacts else []
    return any(file.path.rsplit("/", 1)[-1] == PICKLE for file in files)


class Imported(Noun, frozen=True, kw_only=True):
    """What became of one folder; the keys are the contract's (DESIGN.md, section 6).

    Attributes:
        base: the declared base that is meant, else the repository; ``None`` where only a local
            or bare name is stated, or nothing.
        gaps: codes, each once.
        error: why nothing was recorded.
    """

    path: str
    adapter: str | None = None
    version: int | None = None
    grade: Letter | None = None
    peft_type: str | None = None
    base: str | None = None
    base_stated: str | None = None
    peft_release: PeftRelease = PeftRelease()
    gaps: list[str] = []
    error: str | None = None


def adopted(path: str, record: AdoptedVersion, meant: Base | None) -> Imported:
    """Returns what is said of a folder that is recorded as ``record``."""
    found = grade_adopted(record, meant, record.owners)
    return Imported(
        path=path,
        adapter=record.adapter,
        version=record.version,
        grade=found.letter,
        peft_type=record.peft_type,
        base=meant.base if meant else record.base.canonical,
        base_stated=record.base.stated,
        peft_release=record.peft_release,
        gaps=_codes(found),
    )


def registered(path: str, record: VersionRecord, *, peft_type: str) -> Imported:
    """Returns what is said of a folder whose content is that of a registered version."""
    found = grade(record, record.recipe)
    return Imported(
        path=path,
        adapter=record.adapter,
        version=record.version,
        grade=found.letter,
        peft_type=peft_type,
        base=record.base.base,
        gaps=_codes(found),
    )


def _codes(found: Grade) -> list[str]:
    return list(dict.fromkeys(gap.code for gap in found.gaps))
