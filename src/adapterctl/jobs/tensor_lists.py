"""Digests of the tensors of bases, as far as they were kept: which have the same weights."""

from __future__ import annotations

from collections.abc import Iterable

from adapterctl.jobs.project import Project
from adapterctl.records.base import Base, BaseIdentity
from adapterctl.records.reading import read_json
from adapterctl.stores.tensor_lists import read_lists


def weights_of(project: Project, built: Iterable[Base]) -> dict[str, frozenset[str]]:
    """Returns base to digests of its floating-point tensors, as far as they were kept.

    Args:
        project: where.
        built: bases whose identity a stage of dvc.yaml writes are looked for among these.
    """
    stages = {base.base: identity_of(project, base) for base in built if base.fingerprint_file}
    known = {name: frozenset(one.float_digests) for name, one in stages.items() if one}
    return {**known, **read_lists(project.registry.folder / "bases")}


def identity_of(project: Project, base: Base) -> BaseIdentity | None:
    """Returns the identity that a stage wrote, or ``None`` before it has run."""
    path = project.root / (base.fingerprint_file or "")
    return read_json(path.read_bytes(), BaseIdentity, file=str(path)) if path.is_file() else None
