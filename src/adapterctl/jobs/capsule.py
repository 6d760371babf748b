"""A capsule: a small project laid out from one record, with nothing that is not pinned.

Data and code come from the DVC remote and are re-hashed; the working tree plays no part.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from adapterctl.errors import Mismatch
from adapterctl.jobs.base_folder import locate
from adapterctl.jobs.pinning import code_digest
from adapterctl.jobs.project import Project
from adapterctl.records.base import Base, BaseSource
from adapterctl.records.policy import Policy
from adapterctl.records.recipe import Recipe
from adapterctl.records.version import BasePin, DatasetPin, VersionRecord
from adapterctl.stores.code import pinned
from adapterctl.stores.files import write_atomically
from adapterctl.stores.registry import dump_yaml


def unpack(
    project: Project, record: VersionRecord, out: Path, *, from_remote: bool = False
) -> Project:
    """Lays out data, code and recipe of ``record`` in the new folder ``out``.

    Bases are put in by `put_base`: data and code are of use without the base, too.

    Args:
        project: where the record is registered.
        record: the version.
        out: replaced if it exists.
        from_remote: fetch every byte from the remote, even what DVC's cache holds.

    Returns:
        the capsule as a project.

    Raises:
        NotFound: an object is gone from the remote.
        Mismatch: an object is not what the record says.
    """
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    for pin in data_pins(record):
        project.dvc.fetch(pin, out, from_remote=from_remote)
    version = out / ".version"
    project.dvc.fetch_folder(record.artifacts, version, from_remote=from_remote)
    _place_code(record, version, out)
    write_atomically(out / "params.yaml", dump_yaml(Policy()).encode())
    put_recipe(out, record.recipe)
    return replace(project, root=out)


def put_recorded_base(project: Project, record: VersionRecord, capsule: Path) -> None:
    """Declares the recorded base in the capsule, at its present place.

    Raises:
        NotFound: it is not there any more.
    """
    put_base(capsule, record.base, folder=locate(project, record.base))


def put_base(capsule: Path, base: Base | BasePin, *, folder: Path) -> None:
    """Declares a base in the capsule, at the absolute place where its weights lie."""
    entry = Base(
        schema_version=1,
        base=base.base,
        source=BaseSource(path=str(folder)),
        revision=base.revision,
        fingerprint=base.fingerprint,
        digests=base.digests,
        family=base.family,
        architecture=base.architecture,
    )
    path = capsule / "registry" / "bases" / f"{base.base}.yaml"
    write_atomically(path, dump_yaml(entry).encode())


def put_recipe(capsule: Path, recipe: Recipe) -> None:
    """Writes the recipe that the capsule builds."""
    path = capsule / "registry" / "adapters" / recipe.adapter / "recipe.yaml"
    write_atomically(path, dump_yaml(recipe).encode())


def data_pins(record: VersionRecord) -> list[DatasetPin]:
    """Returns the pins of every data set that the recipe reads."""
    pool = [record.selection.pool] if record.selection is not None else []
    pins = {pin.path: pin for pin in [record.train, *record.evaluation.values(), *pool]}
    return list(pins.values())


def _place_code(record: VersionRecord, version: Path, out: Path) -> None:
    for pin in record.code.files:
        target = out / pin.path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(version / "code" / pin.path, target)
    found = pinned(out, (pin.path for pin in record.code.files))
    if code_digest(found) != record.code.digest:
        raise Mismatch(
            f"the code bundle of {record.adapter}@{record.version} is not the recorded one",
            place=record.code.entry_point,
            hint=f"adapterctl verify {record.adapter}@{record.version}",
        )
