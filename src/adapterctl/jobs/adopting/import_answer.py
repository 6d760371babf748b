"""What an import did, and what of it is to be added to git."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from adapterctl.errors import AdapterctlError
from adapterctl.jobs.project import Project
from adapterctl.records.adopted import AdoptedVersion
from adapterctl.records.base import Base
from adapterctl.rules.adoption.adopted import Imported

NAMED = 8
"""So many new adapters are named for git; of more, the folder of all."""


@dataclass(frozen=True, kw_only=True)
class Import:
    """What an import did.

    Attributes:
        results: one per folder or line, in their order.
        new: the versions that were recorded now, as ``NAME@VERSION``.
        written: what to add to git, relative to the root.
    """

    results: tuple[Imported, ...]
    new: tuple[str, ...]
    written: tuple[str, ...]


def answer(project: Project, results: Sequence[Imported], new: Sequence[AdoptedVersion]) -> Import:
    """Returns what was done.

    Args:
        project: where.
        results: one per folder or line.
        new: the versions that were recorded now.
    """
    folder = project.registry.folder / "adapters"
    adapters = sorted({record.adapter for record in new})
    places = [folder / name for name in adapters] if len(adapters) <= NAMED else [folder]
    written = [path.relative_to(project.root).as_posix() for path in places]
    return Import(
        results=tuple(results),
        new=tuple(f"{record.adapter}@{record.version}" for record in new),
        written=(*written, *_data_pointers(project, new)),
    )


def both(one: Import, other: Import) -> Import:
    """Returns two imports as one."""
    return Import(
        results=(*one.results, *other.results),
        new=(*one.new, *other.new),
        written=tuple(dict.fromkeys((*one.written, *other.written))),
    )


def readable_bases(project: Project) -> Iterator[Base]:
    """Yields the declared bases; one that cannot be read is the audit's to report."""
    for name in project.registry.bases():
        try:
            yield project.registry.base(name)
        except AdapterctlError:
            continue


def _data_pointers(project: Project, new: Sequence[AdoptedVersion]) -> list[str]:
    data = {record.train.path for record in new if record.train is not None}
    pointers = [project.root / f"{path}.dvc" for path in sorted(data)]
    ignores = sorted({pointer.with_name(".gitignore") for pointer in pointers})
    paths = (path for path in (*pointers, *ignores) if path.is_file())
    return [path.relative_to(project.root).as_posix() for path in paths]
