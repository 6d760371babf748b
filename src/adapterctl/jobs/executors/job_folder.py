"""A build as a folder: all that it needs goes in, one capsule comes out.

Whoever gets the folder, and adapterctl with torch, needs nothing else of the project: no registry,
no DVC, no git, no MLflow. The base is named by its path, or fetched from the Hub where it is not.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import msgspec

from adapterctl.errors import Mismatch, NotFound
from adapterctl.jobs.building import Build
from adapterctl.jobs.inputs.base_folder import checked
from adapterctl.jobs.inputs.code_root import code_root
from adapterctl.jobs.inputs.sources import Row, Sources
from adapterctl.jobs.inputs.starting import START
from adapterctl.jobs.project import Project
from adapterctl.records.base import BaseSource
from adapterctl.records.canonical import compact, pretty
from adapterctl.records.noun import Noun, Sha256
from adapterctl.records.reading import read_json
from adapterctl.records.recipe import Recipe
from adapterctl.records.version import BasePin, FilePin
from adapterctl.stores.code import bundle
from adapterctl.stores.files import write_atomically

JOB, RUN, ROWS, CODE, WORK = "job.json", "run.sh", "rows", "code", "work"
FAILURE = "failure.json"

_AGAIN = "copy the folder again, or begin the rebuild anew without --resume"

_RUN = """#!/bin/sh
# Builds {name} into ./capsule. Run again, it goes on from its last checkpoint.
cd "$(dirname "$0")" && exec "${{ADAPTERCTL:-adapterctl}}" build .
"""


class Job(Noun, frozen=True, kw_only=True):
    """``job.json``: a build, as it is handed over.

    Attributes:
        base_dir: where the weights lie; where that is no folder, they are fetched.
        rows: sha256 of the file of prepared rows of each set.
        started: sha256 of each file that training starts from.
    """

    schema_version: Literal[1] = 1
    name: str
    recipe: Recipe
    base: BasePin
    base_dir: str
    code: list[FilePin]
    labels: list[str]
    rows: dict[str, Sha256]
    started: dict[str, Sha256]
    device: str
    threads: int
    padded: bool
    arithmetic: int
    held: list[int]
    shards: int = 1


def lay_out(build: Build, folder: Path) -> Path:
    """Writes the folder of a build; one that is there for the very same build is left as it is.

    Raises:
        Mismatch: code changed since it was pinned.
        AdapterctlError: the folder cannot be written.
    """
    rows = {name: _lines(rows) for name, rows in build.sources.rows.items()}
    job = pretty(_job(build, rows))
    there = folder / JOB
    if there.is_file() and there.read_bytes() == job:
        (folder / FAILURE).unlink(missing_ok=True)
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    for name, content in rows.items():
        write_atomically(folder / ROWS / f"{name}.jsonl", content)
    bundle(code_root(build.place, build.sources.recipe), build.sources.code, folder / CODE)
    if (build.work / START).is_dir():
        shutil.copytree(build.work / START, folder / WORK / START)
    write_atomically(folder / RUN, _RUN.format(name=build.name).encode())
    (folder / RUN).chmod(0o755)
    write_atomically(there, job)
    return folder


def read_job(folder: Path) -> Job:
    """Returns what a folder asks for.

    Raises:
        NotFound: it is no job's folder. InvalidInput: its file is damaged.
    """
    path = folder / JOB
    if not path.is_file():
        raise NotFound(
            f"no {JOB} here: not the folder of a job",
            place=str(folder),
            hint="rebuild --executor command lays one out",
        )
    return read_json(path.read_bytes(), Job, file=str(path))


def _rows(folder: Path, job: Job) -> dict[str, list[Row]]:
    """Returns the prepared rows of every set.

    Raises:
        Mismatch: they are not those that were handed over.
    """
    found: dict[str, list[Row]] = {}
    for name, known in job.rows.items():
        path = folder / ROWS / f"{name}.jsonl"
        content = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(content).hexdigest() != known:
            raise Mismatch("not the rows that were handed over", place=str(path), hint=_AGAIN)
        found[name] = [msgspec.json.decode(line) for line in content.splitlines()]
    return found


def read_build(folder: Path, surroundings: Project) -> Build:
    """Returns the build that a folder asks for, to be run with the display of ``surroundings``.

    Raises:
        NotFound: it is no job's folder, or the base is not here and cannot be fetched.
        Mismatch: base or rows are not those that were handed over.
    """
    job = read_job(folder)
    place = replace(surroundings, root=folder / CODE, holds_code=True)
    sources = Sources(
        recipe=job.recipe,
        base=job.base,
        base_dir=checked(place, _here(job)),
        code=tuple(job.code),
        rows=_rows(folder, job),
        labels=tuple(job.labels),
    )
    return Build(
        name=job.name,
        place=place,
        sources=sources,
        work=folder / WORK,
        device=job.device,
        threads=job.threads,
        padded=job.padded,
        arithmetic=job.arithmetic,
        shards=job.shards,
        held=frozenset(job.held),
    )


def _here(job: Job) -> BasePin:
    """Returns the base at the path that was named; where that is no folder, at its source."""
    if not Path(job.base_dir).is_dir():
        return job.base
    return msgspec.structs.replace(job.base, source=BaseSource(path=job.base_dir))


def _job(build: Build, rows: dict[str, bytes]) -> Job:
    from adapterctl.training.determinism import cores

    sources = build.sources
    return Job(
        name=build.name,
        recipe=sources.recipe,
        base=sources.base,
        base_dir=str(sources.base_dir.resolve()),
        code=list(sources.code),
        labels=list(sources.labels),
        rows={name: hashlib.sha256(content).hexdigest() for name, content in rows.items()},
        started=digests(build.work / START),
        device=build.device,
        threads=build.threads or cores(),
        padded=build.padded,
        arithmetic=build.arithmetic,
        shards=build.shards or build.place.policy.shards,
        held=sorted(build.held),
    )


def _lines(rows: Iterable[Row]) -> bytes:
    return b"".join(compact(row) + b"\n" for row in rows)


def digests(folder: Path) -> dict[str, str]:
    """Returns path to sha256 of all files below a folder; nothing where it is not there."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }
