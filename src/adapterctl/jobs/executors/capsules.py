"""What a job leaves in its folder: a capsule that hashes right, or word of what stopped it."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Literal

from adapterctl.errors import AdapterctlError, InvalidInput, Problem
from adapterctl.jobs.building import Build, BuildFacts, Built, Outcome
from adapterctl.jobs.executors.job_folder import FAILURE, JOB, digests
from adapterctl.jobs.trail_file import TRAIL, read_trail
from adapterctl.records.canonical import pretty
from adapterctl.records.noun import Noun, Sha256
from adapterctl.records.reading import read_json
from adapterctl.records.recipe import Recipe
from adapterctl.stores.files import write_atomically

CAPSULE, DELIVERY, ADAPTER = "capsule", "capsule.json", "adapter"


class Delivery(Noun, frozen=True, kw_only=True):
    """``capsule/capsule.json``: what was built for which job, file by file.

    ``recipe`` is as it was used; ``files`` are below ``capsule/adapter``.
    """

    schema_version: Literal[1] = 1
    job: Sha256
    recipe: Recipe
    facts: BuildFacts
    files: dict[str, Sha256]
    held_loss: float | None = None


class Failure(Noun, frozen=True, kw_only=True):
    """``failure.json``: why a job came to nothing; it would again. Each is place, what, hint."""

    problems: list[tuple[str, str, str]]

    def error(self) -> AdapterctlError:
        """Returns it as it was raised where the job ran."""
        return InvalidInput([Problem(place=p, what=w, hint=h) for p, w, h in self.problems])


def deliver(folder: Path, built: Built) -> None:
    """Puts the capsule into a job's folder, whole or not at all."""
    partial, final = folder / f".{CAPSULE}.partial", folder / CAPSULE
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(built.folder, partial / ADAPTER)
    delivery = Delivery(
        job=_key(folder),
        recipe=built.sources.recipe,
        facts=built.facts,
        files=digests(partial / ADAPTER),
        held_loss=built.held_loss,
    )
    write_atomically(partial / DELIVERY, pretty(delivery))
    shutil.rmtree(final, ignore_errors=True)
    partial.rename(final)


def give_up(folder: Path, error: AdapterctlError) -> None:
    """Leaves word of what stopped a job."""
    problems = [(one.place, one.what, one.hint) for one in error.problems]
    write_atomically(folder / FAILURE, pretty(Failure(problems=problems)))


def delivered(folder: Path) -> Delivery | None:
    """Returns the delivery of a job's folder if it is for this job, and every file hashes right."""
    path = folder / CAPSULE / DELIVERY
    if not path.is_file():
        return None
    try:
        found = read_json(path.read_bytes(), Delivery, file=str(path))
    except InvalidInput:
        return None
    right = found.job == _key(folder) and found.files == digests(folder / CAPSULE / ADAPTER)
    return found if right else None


def has_failed(folder: Path) -> bool:
    """Whether a job has left word of what stopped it."""
    return (folder / FAILURE).is_file()


def outcome(build: Build, folder: Path, *, otherwise: AdapterctlError) -> Outcome:
    """Takes over what a job's folder holds by now.

    Args:
        build: the build that was laid out there.
        folder: its folder.
        otherwise: the outcome where it holds neither a capsule nor word of a failure.
    """
    delivery = delivered(folder)
    if delivery is None:
        if not has_failed(folder):
            return otherwise
        path = folder / FAILURE
        return read_json(path.read_bytes(), Failure, file=str(path)).error()
    own = build.work / ADAPTER
    shutil.rmtree(own, ignore_errors=True)
    shutil.copytree(folder / CAPSULE / ADAPTER, own)
    return Built(
        folder=own,
        facts=delivery.facts,
        trail=tuple(read_trail(own / TRAIL)),
        sources=replace(build.sources, recipe=delivery.recipe),
        held_loss=delivery.held_loss,
    )


def _key(folder: Path) -> str:
    return hashlib.sha256((folder / JOB).read_bytes()).hexdigest()
