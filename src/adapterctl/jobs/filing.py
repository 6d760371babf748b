"""Filing a finished build: bytes to DVC, the record to the registry, the mirror to MLflow.

The order makes interruption harmless: bytes are pushed before a number is claimed, the claim is
one atomic step, and what follows is derived from the record and can be repeated.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from adapterctl.errors import AdapterctlError, MissingExtra, Unreachable
from adapterctl.jobs import environment_lock
from adapterctl.jobs.inputs.base_folder import locate
from adapterctl.jobs.inputs.starting import START
from adapterctl.jobs.locks import alone
from adapterctl.jobs.parity import Answers
from adapterctl.jobs.project import Project
from adapterctl.jobs.stages import enlist
from adapterctl.jobs.trail_file import TRAIL, read_trail
from adapterctl.records.adopted import HOSTED_FILE, AdoptedVersion, AnyRecord
from adapterctl.records.canonical import compact, pretty
from adapterctl.records.parity import Prediction
from adapterctl.records.reading import read_json
from adapterctl.records.version import ArtifactPin, FilePin, VersionRecord
from adapterctl.rules.adoption.adopted import grade_adopted
from adapterctl.rules.aliases import aliases, is_retired
from adapterctl.rules.grades import grade
from adapterctl.stores import files
from adapterctl.stores.code import bundle
from adapterctl.stores.files import write_atomically
from adapterctl.stores.tensor_lists import SUFFIX

if TYPE_CHECKING:
    from adapterctl.stores.mlflow import MirrorEntry

PROBE = "probe.jsonl"

Announce = Callable[[VersionRecord], None]
"""Writes the events that come with a version, once."""

PENDING = "the MLflow mirror is pending: {reason}; when it answers again: adapterctl sync"


@dataclass(frozen=True, kw_only=True)
class Filed:
    """A filed version.

    Attributes:
        new: this run claimed the number; else the version was there already.
        pending: why MLflow was not brought in line, when it was not.
        written: files to add to git, relative to the root.
    """

    record: VersionRecord
    new: bool
    pending: str | None
    written: tuple[str, ...]


def unannounced(record: VersionRecord) -> None:
    """Default of ``announce``: nothing is to be told of the version."""


def must_be_writable(project: Project, adapter: str) -> None:
    """Looks whether a version could be filed, before hours are spent on making it.

    Raises:
        AdapterctlError: the registry, the project's own files or the scratch folder cannot be
            written, or the disk is full.
    """
    events = project.registry.events_path(adapter)
    files.must_be_writable(
        events.parent, project.root, project.private, *([events] if events.exists() else [])
    )


def assemble(
    code_root: Path,
    work: Path,
    *,
    recipe_text: str,
    code: Sequence[FilePin],
    predictions: Mapping[str, Answers],
) -> Path:
    """Puts the version's folder together in ``work``: adapter, trail, probe, recipe, code, answers.

    From nothing each time: what an interrupted run left there would become part of the version.
    """
    folder = work / "version"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "adapter").mkdir(parents=True)
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        shutil.copyfile(work / "adapter" / name, folder / "adapter" / name)
    for name in (TRAIL, PROBE):
        if (work / "adapter" / name).is_file():
            shutil.copyfile(work / "adapter" / name, folder / name)
    if (work / START).is_dir():
        shutil.copytree(work / START, folder / START)
    write_atomically(folder / "recipe.yaml", recipe_text.encode())
    bundle(code_root, code, folder / "code")
    for side, answers in predictions.items():
        write_predictions(folder, side, answers)
    return folder


def write_predictions(folder: Path, side: str, predictions: Answers) -> None:
    """Writes one JSON line per row under ``predictions/<side>/<set>.jsonl``."""
    for name, answers in predictions.items():
        lines = b"".join(compact(answer) + b"\n" for answer in answers)
        write_atomically(folder / "predictions" / side / f"{name}.jsonl", lines)


def read_predictions(folder: Path, side: str, name: str) -> list[Prediction] | None:
    """Returns the recorded predictions of one side on one set, or None without a file."""
    path = folder / "predictions" / side / f"{name}.jsonl"
    if not path.is_file():
        return None
    lines = enumerate(path.read_bytes().splitlines(), start=1)
    return [read_json(line, Prediction, file=f"{path}:{number}") for number, line in lines]


def store(project: Project, folder: Path) -> ArtifactPin:
    """Puts the version's folder into DVC and pushes it; returns its pin."""
    pin = project.dvc.add_folder(folder)
    project.dvc.push([pin], progress=project.display.progress)
    return pin


def find(project: Project, adapter: str, inputs: str) -> VersionRecord | None:
    """Returns the version that was built from the same five, if there is one."""
    records = project.registry.records(adapter)
    return next((record for record in records if record.inputs_digest == inputs), None)


def highest_known(project: Project, adapter: str) -> int:
    """Returns the highest number MLflow knows; 0 when it does not answer, or is not installed."""
    try:
        return project.mirror.highest_version(adapter)
    except (Unreachable, MissingExtra):
        return 0


def finish(
    project: Project,
    record: VersionRecord,
    *,
    folder: Path | None,
    new: bool,
    announce: Announce = unannounced,
) -> Filed:
    """Does what follows from a record, whatever was done before: pointer, lock, stages, mirror.

    ``announce`` writes what events the version needs, once; aliases are mirrored after it.
    """
    adapter = record.adapter
    pointer = project.registry.adapter_folder(adapter) / f"{record.version}.dvc"
    project.dvc.write_pointer(pointer, record.artifacts, out_name=str(record.version))
    if not environment_lock.is_filed(project, record):
        environment_lock.file(project, record, folder=folder or fetched(project, record))
    enlist(project, adapter)
    announce(record)
    pending = mirror(project, record, folder=folder)
    paths = [
        project.root / "params.yaml",
        project.root / "dvc.yaml",
        pointer,
        project.registry.record_path(adapter, record.version),
        project.registry.lock_path(adapter, record.version),
        project.registry.events_path(adapter),
        project.registry.base_path(record.base.base),
        project.registry.base_path(record.base.base).with_suffix(SUFFIX),
        *_data_pointers(project, record),
    ]
    written = sorted({p.relative_to(project.root).as_posix() for p in paths if p.is_file()})
    return Filed(record=record, new=new, pending=pending, written=tuple(written))


def mirror(project: Project, record: AnyRecord, *, folder: Path | None) -> str | None:
    """Brings an adapter over to MLflow; returns why it could not, if so.

    The version is registered by then: nothing that MLflow says can undo it.
    """
    try:
        bring_in_line(project, record.adapter, folders={record.version: folder} if folder else {})
    except AdapterctlError as error:
        return error.problems[0].what
    return None


def bring_in_line(
    project: Project, adapter: str, *, folders: Mapping[int, Path] | None = None
) -> tuple[int, ...]:
    """Replays every record of an adapter that MLflow lacks, and sets its aliases.

    Args:
        project: where.
        adapter: whose versions.
        folders: version folders that are at hand; others are fetched from DVC.

    Returns:
        the versions that were replayed now, ascending.
    """
    digests = [(v, _digest(project, adapter, v)) for v in project.registry.versions(adapter)]
    missing = project.mirror.missing(adapter, digests)
    for done, version in enumerate(missing, start=1):
        record = project.registry.any_record(adapter, version)
        folder = (folders or {}).get(version)
        project.mirror.mirror(entry(project, record, folder=folder))
        project.display.progress(f"mirroring {adapter} to MLflow", done, len(missing))
    events = project.registry.events(adapter)
    project.mirror.set_aliases(adapter, aliases(events))
    if is_retired(events):
        project.mirror.tag(adapter, digests[-1][0], {"adapterctl.state": "retired"})
    return tuple(missing)


def entry(project: Project, record: AnyRecord, *, folder: Path | None) -> MirrorEntry:
    """Returns what the mirror is handed for a version; its folder is fetched when not given."""
    from adapterctl.stores.mlflow import MirrorEntry

    place = folder or fetched(project, record)
    raw = project.registry.record_bytes(record.adapter, record.version)
    digest = hashlib.sha256(raw).hexdigest()
    if isinstance(record, AdoptedVersion):
        letter = grade_adopted(record, None, record.owners).letter
        return MirrorEntry(
            record=record, record_bytes=raw, record_digest=digest, folder=place, grade=letter
        )
    return MirrorEntry(
        record=record,
        record_bytes=raw,
        record_digest=digest,
        recipe_text=(place / "recipe.yaml").read_text(),
        folder=place,
        trail=read_trail(place / TRAIL),
        base_dir=_base_hint(project, record),
        grade=grade(record, record.recipe).letter,
    )


def fetched(project: Project, record: AnyRecord) -> Path:
    """Returns the version's folder in the private cache, fetched when it is not there intact."""
    if record.artifacts is None:
        return _config_alone(project, record)
    place = project.private / "versions" / record.artifacts.md5.removesuffix(".dir")
    with alone(place):
        if not _intact(place, record.artifacts):
            shutil.rmtree(place, ignore_errors=True)
            project.dvc.fetch_folder(record.artifacts, place, from_remote=False)
    return place


def _config_alone(project: Project, record: AdoptedVersion) -> Path:
    """Returns a folder with what is known of an adopted version without weights."""
    if record.hosted is not None:
        there = project.private / "versions" / f"hosted-{record.content_sha256}"
        write_atomically(there / "adapter" / HOSTED_FILE, pretty(record.hosted))
        return there
    place = project.private / "versions" / f"config-{record.adapter_config_sha256}"
    write_atomically(place / "adapter" / "adapter_config.json", pretty(record.config))
    return place


def _intact(place: Path, pin: ArtifactPin) -> bool:
    return all(
        (place / file.path).is_file() and _sha256(place / file.path) == file.sha256
        for file in pin.files
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _digest(project: Project, adapter: str, version: int) -> str:
    return hashlib.sha256(project.registry.record_bytes(adapter, version)).hexdigest()


def _base_hint(project: Project, record: VersionRecord) -> Path | None:
    source = record.base.source
    return (project.root / source.path).resolve() if source.path else locate(project, record.base)


def _data_pointers(project: Project, record: VersionRecord) -> list[Path]:
    pins = [record.train, *record.evaluation.values()]
    if record.selection is not None:
        pins.append(record.selection.pool)
    files = [project.root / f"{pin.path}.dvc" for pin in pins]
    return [*files, *(path.parent / ".gitignore" for path in files)]
