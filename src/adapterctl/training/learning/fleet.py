"""Training: one adapter or many on one frozen base. A solo run is a fleet of one.

Slots take turns, one optimizer step each. What slots cannot do is trained by itself, through
PEFT's own layers. How it differs from ``transformers.Trainer`` is said in `departures`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path

from adapterctl.errors import AdapterctlError, InvalidInput, Problem
from adapterctl.records.canonical import digest
from adapterctl.records.recipe import Task
from adapterctl.rules.arithmetic import base_dtype
from adapterctl.rules.unpadded import runs_unpadded
from adapterctl.training.adapter_files import write_adapter
from adapterctl.training.determinism import cores, strict
from adapterctl.training.identity import job_key
from adapterctl.training.learning import grouped, unpadded
from adapterctl.training.learning.job import Failed, Log, SlotJob, SlotResult, Trained
from adapterctl.training.learning.run import Clock, Run
from adapterctl.training.learning.slots import SlottedBase, SlotTrainee
from adapterctl.training.learning.trainee import Trainee
from adapterctl.training.learning.unpadded import can_unpad, choose_attention, unpad
from adapterctl.training.loading import LoadedBase, load_base
from adapterctl.training.refusals import check_jobs
from adapterctl.training.twin import Reading, read
from adapterctl.training.variants import VariantTrainee

# A slot brings its own head; the loaded one is never asked.
_NO_LABELS = 2


def train(
    jobs: Sequence[SlotJob],
    *,
    base_dir: Path,
    device: str,
    log: Log,
    threads: int | None = None,
    trust_remote_code: bool = False,
    clock: Clock = time.perf_counter,
) -> list[SlotResult]:
    """Trains one adapter per job, resuming what was interrupted; results in the order of jobs.

    An adapter's bytes depend on its own job, the base, the device, the libraries and ``threads``:
    not on the other jobs, the process or an interruption.

    Args:
        jobs: what to train; each has its own settings, data and folders.
        base_dir: the base's folder.
        device: ``cpu`` or ``cuda``; see `determinism.resolve_device`.
        log: hears of each step of each slot.
        threads: intra-op threads on the CPU; by default one per core. To reproduce a version,
            give its recorded number.
        trust_remote_code: whether code in the base's folder may run.
        clock: stopwatch for what is reported; decides nothing.

    Raises:
        InvalidInput: anything that can be refused before a base is loaded, for all jobs at once.
        AdapterctlError: the base cannot be loaded. What befalls one slot later is in its result.
    """
    check_jobs(jobs)
    place = _Place(base_dir, device, threads or cores(), trust_remote_code, log, clock)
    with strict(device, threads=place.threads):
        readings = _read_all(jobs, place)
        results: dict[str, SlotResult] = {}
        for slots in _passes(jobs, readings, place):
            results |= {result.name: result for result in _train_together(slots, readings, place)}
    return [results[job.name] for job in jobs]


def refused(
    jobs: Sequence[SlotJob], *, base_dir: Path, trust_remote_code: bool = False
) -> dict[str, AdapterctlError]:
    """Returns which of the jobs `train` would refuse before a base is loaded, each with why."""
    refusals: dict[str, AdapterctlError] = {}
    for job in jobs:
        try:
            check_jobs([job])
            read(
                job.lora,
                base_dir=base_dir,
                task=job.task,
                labels=len(job.labels),
                trust_remote_code=trust_remote_code,
            )
        except InvalidInput as error:
            refusals[job.name] = error
    return refusals


@dataclass(frozen=True, order=True)
class _Form:
    """What jobs that share a loaded base must agree on."""

    task: Task
    _: KW_ONLY
    unpadded: bool
    dtype: str


@dataclass(frozen=True)
class _Place:
    """Where and on what a fleet is trained, and who hears of it."""

    base_dir: Path
    device: str
    threads: int
    trust_remote_code: bool
    log: Log
    clock: Clock

    def form(self, job: SlotJob, reading: Reading) -> _Form:
        """Returns the form that a job's base is loaded in."""
        wanted = not job.padded and runs_unpadded(self.device, arithmetic=job.arithmetic)
        dtype = base_dtype(bf16=job.training.bf16, plain=reading.plain, arithmetic=job.arithmetic)
        unpadded = wanted and can_unpad(reading.base, own=reading.own)
        return _Form(job.task, unpadded=unpadded, dtype=dtype)

    def load(self, form: _Form, *, labels: int) -> LoadedBase:
        base = load_base(
            self.base_dir,
            task=form.task,
            head_seed=0,
            device=self.device,
            num_labels=labels if form.task == "SEQ_CLS" else None,
            dtype=form.dtype,
            trust_remote_code=self.trust_remote_code,
        )
        base.model.config.get_text_config().use_cache = False
        choose_attention(base.model)
        if form.unpadded:
            unpad(base.model, task=form.task, attention=self.attention)
        return replace(base, unpadded=form.unpadded)

    @property
    def attention(self) -> str:
        """What examples without padding attend by: on a GPU few large products are faster."""
        return unpadded.NAME if self.device.startswith("cpu") else grouped.NAME

    def run(self, job: SlotJob, trainee: Trainee, base: LoadedBase) -> Run:
        key = job_key(job, base_dir=self.base_dir, device=self.device, threads=self.threads)
        return Run(
            job,
            trainee,
            base=base,
            folder=job.work_dir / key,
            log=self.log,
            clock=self.clock,
        )


def _read_all(jobs: Sequence[SlotJob], place: _Place) -> dict[str, Reading]:
    """Asks PEFT what each job's settings mean on this base; jobs with the same share an answer."""
    known: dict[str, Reading] = {}
    readings: dict[str, Reading] = {}
    problems: list[Problem] = []
    for job in jobs:
        key = digest([job.lora, job.task, len(job.labels)])
        try:
            known[key] = readings[job.name] = known.get(key) or read(
                job.lora,
                base_dir=place.base_dir,
                task=job.task,
                labels=len(job.labels),
                trust_remote_code=place.trust_remote_code,
            )
        except InvalidInput as error:
            problems += [replace(p, place=f"{job.name}: {p.place}") for p in error.problems]
    if problems:
        raise InvalidInput(problems)
    return readings


def _passes(
    jobs: Sequence[SlotJob], readings: dict[str, Reading], place: _Place
) -> Iterator[list[SlotJob]]:
    """Yields the jobs that share a loaded base: plain ones of one form, variants alone."""
    plain = [job for job in jobs if readings[job.name].plain]
    kinds = {job.name: place.form(job, readings[job.name]) for job in plain}
    for kind in sorted(set(kinds.values())):
        yield [job for job in plain if kinds[job.name] == kind]
    for job in jobs:
        if not readings[job.name].plain:
            yield [job]


def _train_together(
    jobs: list[SlotJob], readings: dict[str, Reading], place: _Place
) -> Iterator[SlotResult]:
    prepare = _slots if readings[jobs[0].name].plain else _variant
    trainees = prepare(jobs, readings, place)
    runs: list[Run] = []
    for job in jobs:
        try:
            runs.append(place.run(job, *trainees(job)))
        except AdapterctlError as error:
            yield Failed(name=job.name, error=error, trail=[])
    while runs:
        runs, ended = _round(runs)
        yield from ended


Make = Callable[[SlotJob], tuple[Trainee, LoadedBase]]
"""From a job to what is trained for it, and the base that it stands on."""


def _slots(jobs: list[SlotJob], readings: dict[str, Reading], place: _Place) -> Make:
    form = place.form(jobs[0], readings[jobs[0].name])
    slotted = SlottedBase(place.load(form, labels=_NO_LABELS))
    return lambda job: (SlotTrainee(job, slotted, readings[job.name]), slotted.base)


def _variant(jobs: list[SlotJob], readings: dict[str, Reading], place: _Place) -> Make:
    form = place.form(jobs[0], readings[jobs[0].name])
    base = place.load(form, labels=len(jobs[0].labels))
    return lambda job: (VariantTrainee(job, base, readings[job.name]), base)


def _round(runs: list[Run]) -> tuple[list[Run], list[SlotResult]]:
    """Takes one step of each run; returns those that go on, and the results of those that end."""
    going: list[Run] = []
    ended: list[SlotResult] = []
    for run in runs:
        try:
            if not run.done:
                run.advance()
            if run.done:
                ended.append(_finish(run))
            else:
                going.append(run)
        except AdapterctlError as error:
            ended.append(Failed(name=run.job.name, error=error, trail=run.trail))
    return going, ended


def _finish(run: Run) -> Trained:
    job = run.job
    write_adapter(
        job.out_dir,
        run.trainee.saved(),
        config=run.trainee.config,
        base_name=job.base_name,
        base_revision=job.base_revision,
    )
    return Trained(
        name=job.name,
        adapter=job.out_dir,
        trail=run.trail,
        facts=run.facts(),
        held_loss=run.held_loss,
    )
