"""Checking every pin of a version against the world (B0), each on its own."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from adapterctl.errors import AdapterctlError
from adapterctl.jobs.base_folder import checked
from adapterctl.jobs.capsule import data_pins
from adapterctl.jobs.locks import alone
from adapterctl.jobs.project import Project
from adapterctl.records.version import VersionRecord
from adapterctl.rules.outcomes import Checked
from adapterctl.stores.safetensors import weights_digest


def verify(project: Project, wanted: str) -> list[Checked]:
    """Fetches every input from the remote into an empty cache and compares digests."""
    adapter, version = project.version_of(wanted)
    record = project.registry.record(adapter, version)
    place = project.private / "verifications" / f"{adapter}-{version}"
    with alone(place):
        shutil.rmtree(place, ignore_errors=True)
        try:
            return list(_checks(project, record, place))
        finally:
            shutil.rmtree(place, ignore_errors=True)


def _checks(project: Project, record: VersionRecord, folder: Path) -> Iterator[Checked]:
    yield _check("base", record.base.fingerprint, lambda: checked(project, record.base))
    for number, pin in enumerate(data_pins(record)):
        yield _check(
            f"data {pin.path}",
            pin.sha256,
            partial(project.dvc.fetch, pin, folder / str(number), from_remote=True),
        )
    yield _check("artifacts", record.artifacts.md5, lambda: _artifacts(project, record, folder))


def _artifacts(project: Project, record: VersionRecord, folder: Path) -> None:
    version = folder / "version"
    project.dvc.fetch_folder(record.artifacts, version, from_remote=True)
    found = weights_digest(version / "adapter" / "adapter_model.safetensors")
    if found != record.weights_sha256:
        raise AdapterctlError(f"WGT004 the weights have digest {found}")


def _check(what: str, pin: str, test: Callable[[], object]) -> Checked:
    try:
        test()
    except AdapterctlError as error:
        first = error.problems[0]
        return Checked(what=what, pin=pin, problem=first.what, hint=first.hint)
    return Checked(what=what, pin=pin, problem=None)
