"""Checking every pin of a version against the world (B0), each on its own."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from adapterctl.errors import AdapterctlError, Mismatch
from adapterctl.jobs import environment_lock
from adapterctl.jobs.building import running_environment
from adapterctl.jobs.clean_room import fetch_data
from adapterctl.jobs.inputs.base_folder import checked
from adapterctl.jobs.locks import alone
from adapterctl.jobs.project import Project, require
from adapterctl.records.adopted import AdoptedVersion, AnyRecord
from adapterctl.records.event import Event
from adapterctl.records.version import VersionRecord
from adapterctl.rules.data_pins import data_pins
from adapterctl.rules.environments import compared
from adapterctl.rules.outcomes import Checked
from adapterctl.rules.recorded import recorded_pins
from adapterctl.rules.removal import removal, said
from adapterctl.stores.safetensors import weights_digest

FETCHED = "version"
"""The folder of the version inside the empty cache."""


def verify(project: Project, wanted: str) -> list[Checked]:
    """Checks every pin, then the lock beside the record, and compares environments (ENV003)."""
    adapter, version = project.version_of(wanted)
    record = project.registry.any_record(adapter, version)
    checks = pins(project, wanted)
    if isinstance(record, AdoptedVersion):
        return checks
    return [*checks, *_surroundings(project, record)]


def pins(project: Project, wanted: str) -> list[Checked]:
    """Fetches every input from the remote into an empty cache and compares digests.

    Of an adopted version these are its own files, and its data where a list named them.
    """
    record = project.registry.any_record(*project.version_of(wanted))
    with _empty_cache(project, f"{record.adapter}-{record.version}") as place:
        if isinstance(record, AdoptedVersion):
            found = _adopted_checks(project, record, place)
        else:
            found = _checks(project, record, place)
        return [*found, *_predictions(project, record, place)]


def pins_and(
    project: Project, record: VersionRecord, then: Callable[[Path], Iterable[Checked]]
) -> list[Checked]:
    """Does as `pins`, and where all is well ``then`` goes on with the version's fetched folder."""
    with _empty_cache(project, f"{record.adapter}-{record.version}") as place:
        found = list(_checks(project, record, place))
        whole = all(each.problem is None for each in found)
        return [*found, *(then(place / FETCHED) if whole else ())]


@contextmanager
def _empty_cache(project: Project, name: str) -> Iterator[Path]:
    place = project.private / "verifications" / name
    with alone(place):
        shutil.rmtree(place, ignore_errors=True)
        try:
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)


def _checks(project: Project, record: VersionRecord, folder: Path) -> Iterator[Checked]:
    whole = partial(checked, project, record.base, afresh=True)
    yield _check("base", record.base.fingerprint, whole)
    yield from _data(project, record, folder)
    yield _check("artifacts", record.artifacts.md5, lambda: _artifacts(project, record, folder))


def _data(project: Project, record: AnyRecord, folder: Path) -> Iterator[Checked]:
    gone = removal(project.registry.events(record.adapter), record.version)
    for number, pin in enumerate(data_pins(record)):
        fetch = partial(fetch_data, project, pin, folder / str(number), from_remote=True)
        found = _check(f"data {pin.path}", pin.sha256, fetch)
        yield found if gone is None else _removed(found, gone)


def _predictions(project: Project, record: AnyRecord, folder: Path) -> Iterator[Checked]:
    """Yields the check of the predictions that serve as an old side, where some were recorded."""
    events = project.registry.events(record.adapter)
    gone = removal(events, record.version)
    for pin in recorded_pins(events, record.version)[-1:]:
        out = folder / "predictions"
        fetch = partial(project.dvc.fetch_folder, pin, out, from_remote=True)
        found = _check("predictions", pin.md5, fetch)
        yield found if gone is None else _removed(found, gone)


def _removed(found: Checked, event: Event) -> Checked:
    """Returns the check of data that an event says were removed: nothing is amiss."""
    still = ("its bytes are still in the remote",) if found.problem is None else ()
    return replace(found, problem=None, hint="", notes=(said(event), *still))


def _surroundings(project: Project, record: VersionRecord) -> Iterator[Checked]:
    if record.lock is not None:
        yield _check("lock", record.lock.sha256, lambda: _lock(project, record))
    yield Checked(
        what="environment",
        pin=f"python {record.environment.python}",
        problem=None,
        notes=tuple(_environment_notes(record)),
    )


def _adopted_checks(project: Project, record: AdoptedVersion, folder: Path) -> Iterator[Checked]:
    yield from _data(project, record, folder)
    if record.hosted is None:
        yield _adopted(project, record, folder)
        return
    problem = "DATA001 its training data are not recorded" if record.train is None else None
    note = f"it lives at {record.hosted.provider}: its weights are not obtainable"
    yield Checked(what="hosted", pin=record.hosted.model, problem=problem, notes=(note,))


def _adopted(project: Project, record: AdoptedVersion, folder: Path) -> Checked:
    stated = record.base.stated or "nothing"
    found = _check("artifacts", _md5(record), lambda: _artifacts(project, record, folder))
    data = "" if record.train else "data, "
    note = f"base stated, unverified: {stated}; {data}code and environment are not recorded"
    return replace(found, notes=(note,))


def _md5(record: AdoptedVersion) -> str:
    return record.artifacts.md5 if record.artifacts else "none"


def _artifacts(project: Project, record: AnyRecord, folder: Path) -> None:
    if record.artifacts is None:
        raise AdapterctlError("WGT002 imported without weights")
    version = folder / FETCHED
    project.dvc.fetch_folder(record.artifacts, version, from_remote=True)
    if record.weights_sha256 is None:
        return  # pickled: the fetch has compared the file
    found = weights_digest(version / "adapter" / "adapter_model.safetensors")
    if found != record.weights_sha256:
        raise AdapterctlError(f"WGT004 the weights have digest {found}")


def _lock(project: Project, record: VersionRecord) -> None:
    if not environment_lock.is_filed(project, record):
        path = project.registry.lock_path(record.adapter, record.version)
        raise Mismatch(
            f"{path.name} is not the lock that was recorded",
            hint=f"git checkout {path.relative_to(project.root).as_posix()}",
        )


def _environment_notes(record: VersionRecord) -> Iterator[str]:
    """Yields how the running environment differs (ENV003): what can change results comes first."""
    recorded = record.environment
    try:
        require("torch", extra="train", needed_for="a look at the running environment")
    except AdapterctlError as error:
        yield f"not compared with the running one: {error.problems[0].what}"
        return
    found = compared(recorded, running_environment("cpu" if recorded.device == "cpu" else "auto"))
    yield from (f"ENV003 can change results: {line}" for line in found.can_change)
    yield from (f"ENV003 cannot change results: {line}" for line in found.cannot_change)


def _check(what: str, pin: str, test: Callable[[], object]) -> Checked:
    try:
        test()
    except AdapterctlError as error:
        first = error.problems[0]
        return Checked(what=what, pin=pin, problem=first.what, hint=first.hint)
    return Checked(what=what, pin=pin, problem=None)
