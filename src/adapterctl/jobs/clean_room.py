"""A clean room: a small project laid out from one record, with nothing that is not pinned.

Data and code come from the DVC remote and are re-hashed; the working tree plays no part.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import msgspec

from adapterctl.errors import Mismatch
from adapterctl.jobs.forget import must_have_data
from adapterctl.jobs.inputs.base_folder import locate
from adapterctl.jobs.inputs.pinning import code_digest
from adapterctl.jobs.project import Project
from adapterctl.records.base import Base, BaseSource
from adapterctl.records.policy import Policy
from adapterctl.records.recipe import Recipe
from adapterctl.records.version import BasePin, DatasetPin, VersionRecord
from adapterctl.records.yaml_edit import dump_yaml
from adapterctl.rules.data_pins import data_pins
from adapterctl.stores.code import pinned
from adapterctl.stores.files import write_atomically


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
        the room as a project.

    Raises:
        NotFound: an object is gone from the remote, or its data were removed lawfully.
        Mismatch: an object is not what the record says.
    """
    must_have_data(project, record)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    for pin in data_pins(record):
        fetch_data(project, pin, out, from_remote=from_remote)
    version = out / ".version"
    project.dvc.fetch_folder(record.artifacts, version, from_remote=from_remote)
    _place_code(record, version, out)
    write_atomically(out / "params.yaml", dump_yaml(Policy()).encode())
    put_recipe(out, record.recipe)
    return replace(project, root=out, holds_code=True)


def fetch_data(project: Project, pin: DatasetPin, out: Path, *, from_remote: bool) -> Path:
    """Brings pinned data to where the project in the folder ``out`` reads them.

    Raises:
        NotFound: they are gone from the remote, or their version from its bucket.
        Mismatch: they are not what the record says.
    """
    if pin.version_id is None:
        return project.dvc.fetch(pin, out, from_remote=from_remote)
    private = replace(project, root=out).private
    return project.bucket_data.fetch(pin, private, from_remote=from_remote)


def put_recorded_base(project: Project, record: VersionRecord, room: Path) -> None:
    """Declares the recorded base in the room, at its present place.

    Raises:
        NotFound: it is not there any more.
    """
    put_base(room, record.base, folder=locate(project, record.base))


def put_base(room: Path, base: Base | BasePin, *, folder: Path) -> None:
    """Declares a base in the room, at the absolute place where its weights lie."""
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
    path = room / "registry" / "bases" / f"{base.base}.yaml"
    write_atomically(path, dump_yaml(entry).encode())


def put_recipe(room: Path, recipe: Recipe) -> None:
    """Writes the recipe that the room builds; the code is in it, wherever that came from."""
    path = room / "registry" / "adapters" / recipe.adapter / "recipe.yaml"
    here = msgspec.structs.replace(recipe, code=None)
    write_atomically(path, dump_yaml(here).encode())


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
