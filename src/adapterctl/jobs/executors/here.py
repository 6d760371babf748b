"""Builds in this process, side by side; what shares a base stands on one load of it.

`train`, `register`, `rebuild` and `reproduce` all build through here; one is many of one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from adapterctl.errors import AdapterctlError
from adapterctl.jobs.building import (
    Build,
    Built,
    Outcome,
    Ready,
    finished,
    follow,
    readied,
    succeeded,
)
from adapterctl.jobs.executors.seats import gpu_seats, seated
from adapterctl.jobs.inputs.sources import Sources
from adapterctl.jobs.project import Project
from adapterctl.jobs.trainers.command_training import Seat, train_by_command
from adapterctl.rules.arithmetic import LATEST
from adapterctl.rules.recipes import TRAIN
from adapterctl.rules.trainer_commands import command_of

if TYPE_CHECKING:
    from adapterctl.training.learning.job import SlotJob, Trained


class Here:
    """The executor that needs nothing else.

    Args:
        processes: how many trainer commands run at once; see `seats`.
    """

    def __init__(self, *, processes: int | None = None) -> None:
        self._processes = processes

    def build(self, builds: Sequence[Build]) -> list[Outcome]:
        """Builds in this process; see `build_all`."""
        return build_all(builds, processes=self._processes)


def build(
    project: Project,
    sources: Sources,
    *,
    work: Path,
    device: str,
    threads: int | None = None,
    padded: bool = False,
    arithmetic: int = LATEST,
    shards: int | None = None,
) -> Built:
    """Builds one adapter; see `Build`."""
    [outcome] = build_all(
        [
            Build(
                name=sources.recipe.adapter,
                place=project,
                sources=sources,
                work=work,
                device=device,
                threads=threads,
                padded=padded,
                arithmetic=arithmetic,
                shards=shards,
            )
        ]
    )
    return succeeded(outcome)


def build_all(builds: Sequence[Build], *, processes: int | None = None) -> list[Outcome]:
    """Builds adapters side by side, those that share a base on one load of it.

    Trainer commands run first, ``processes`` at once; by default one per GPU, else one.

    Returns:
        the outcomes in the order of ``builds``.
    """
    outcomes: dict[str, Outcome] = {}
    ready: list[Ready] = []
    for build in builds:
        try:
            ready.append(readied(build))
        except AdapterctlError as error:
            outcomes[build.name] = error
    for one, result in _trained(ready, processes=processes):
        outcomes[one.build.name] = (
            result if isinstance(result, AdapterctlError) else finished(one, result)
        )
    return [outcomes[build.name] for build in builds]


def _trained(
    ready: Sequence[Ready], *, processes: int | None
) -> Iterable[tuple[Ready, Trained | AdapterctlError]]:
    by_command = [one for one in ready if one.slot is None]
    if by_command:
        yield from zip(by_command, _in_seats(by_command, processes=processes), strict=True)
    slotted = [one for one in ready if one.slot is not None]
    for shared in _sharing(slotted).values():
        yield from zip(shared, _in_slots(shared), strict=True)


def _in_seats(ready: Sequence[Ready], *, processes: int | None) -> list[Trained | AdapterctlError]:
    """Trains through the recipes' own commands."""
    from adapterctl.training.determinism import resolve_device

    seats = gpu_seats(resolve_device(ready[0].build.device), processes)
    return seated([(one.build.name, partial(_commanded, one.build)) for one in ready], seats)


def _commanded(build: Build, seat: Seat) -> Trained | AdapterctlError:
    from adapterctl.training.determinism import cores, resolve_device
    from adapterctl.training.learning.job import Trained

    sources = build.sources
    command = command_of(sources.recipe)
    assert command is not None  # else the builtin trainer trains it
    rows = [row for number, row in enumerate(sources.rows[TRAIN]) if number not in build.held]
    try:
        facts = train_by_command(
            build.place,
            replace(sources, rows={**sources.rows, TRAIN: rows}),
            command,
            work=build.work,
            device=resolve_device(build.device),
            threads=build.threads or cores(),
            seat=seat,
        )
    except AdapterctlError as error:
        return error
    return Trained(name=build.name, adapter=build.work / "adapter", trail=[], facts=facts)


def _sharing(ready: Iterable[Ready]) -> Mapping[object, list[Ready]]:
    """Returns builds by what one run of the trainer has in common."""
    shared: dict[object, list[Ready]] = {}
    for one in ready:
        build = one.build
        trusted = build.sources.recipe.trust_remote_code
        key = build.sources.base_dir, trusted, build.device, build.threads, build.shards
        shared.setdefault(key, []).append(one)
    return shared


def _in_slots(ready: Sequence[Ready]) -> list[Trained | AdapterctlError]:
    """Trains with the builtin trainer; what it refuses beforehand, it refuses to one alone."""
    from adapterctl.training.determinism import resolve_device
    from adapterctl.training.learning.fleet import refused

    build = ready[0].build
    slots = [one.slot for one in ready if one.slot is not None]
    try:
        return _train(build, slots)
    except AdapterctlError as error:
        stopped: dict[str, AdapterctlError] = {slot.name: error for slot in slots}
    refusals = refused(
        slots,
        base_dir=build.sources.base_dir,
        device=resolve_device(build.device),
        trust_remote_code=build.sources.recipe.trust_remote_code,
    )
    others = [slot for slot in slots if slot.name not in refusals]
    if not refusals or not others:
        return [refusals.get(slot.name, stopped[slot.name]) for slot in slots]
    found = iter(_train(build, others))
    return [refusals[s.name] if s.name in refusals else next(found) for s in slots]


def _train(build: Build, slots: Sequence[SlotJob]) -> list[Trained | AdapterctlError]:
    """Trains jobs that have device, threads, shards and base of ``build``."""
    from adapterctl.training.determinism import cores, resolve_device
    from adapterctl.training.learning.fleet import train
    from adapterctl.training.learning.job import Failed

    shards = build.shards or build.place.policy.shards
    if shards > 1:
        return [_in_shards(build, slot, shards=shards) for slot in slots]
    results = train(
        slots,
        base_dir=build.sources.base_dir,
        device=resolve_device(build.device),
        threads=build.threads or cores(),
        trust_remote_code=build.sources.recipe.trust_remote_code,
        log=follow(build.place),
    )
    return [result.error if isinstance(result, Failed) else result for result in results]


def _in_shards(build: Build, slot: SlotJob, *, shards: int) -> Trained | AdapterctlError:
    from adapterctl.jobs.trainers.sharded_training import train_in_shards

    try:
        return train_in_shards(build, slot, shards=shards)
    except AdapterctlError as error:
        return error
