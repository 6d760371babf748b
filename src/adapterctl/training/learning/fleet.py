"""Training: one adapter or many on one frozen base. A solo run is a fleet of one.

The base is loaded once, whatever the tasks. Slots take turns on it; what slots cannot do is
trained by itself, through PEFT's own layers. How it differs from ``transformers.Trainer`` is said
in `departures`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path

from adapterctl.errors import AdapterctlError, InvalidInput, Problem
from adapterctl.records.canonical import digest
from adapterctl.records.recipe import Task, TrainingSettings
from adapterctl.rules.admission import Need
from adapterctl.rules.arithmetic import base_dtype, is_quick
from adapterctl.rules.unpadded import runs_unpadded
from adapterctl.training.determinism import cores, strict
from adapterctl.training.faces import can_share, face
from adapterctl.training.identity import job_key
from adapterctl.training.learning import grouped, short, unpadded
from adapterctl.training.learning.job import Log, SlotJob, SlotResult
from adapterctl.training.learning.layers import Switch
from adapterctl.training.learning.memory import Meter
from adapterctl.training.learning.ranks import ALONE, Ranks, spread, spreading_problems
from adapterctl.training.learning.run import Clock, Run
from adapterctl.training.learning.slots import SlottedBase, SlotTrainee
from adapterctl.training.learning.trainee import Trainee
from adapterctl.training.learning.turns import Turns
from adapterctl.training.learning.unpadded import Layout, can_unpad, choose_attention
from adapterctl.training.loading import LoadedBase, load_base
from adapterctl.training.quantized import in_words, plainness_problems, quantization_config
from adapterctl.training.refusals import check_jobs
from adapterctl.training.twin import Reading, read
from adapterctl.training.variants import VariantTrainee

# A slot brings its own head; the loaded one is never asked.
_NO_LABELS = 2

Ended = Callable[[SlotResult], None]
"""Called with each result as soon as it is there."""


def unheard(_: SlotResult) -> None:
    """The `Ended` that nobody hears."""


def train(
    jobs: Sequence[SlotJob],
    *,
    base_dir: Path,
    device: str,
    log: Log,
    threads: int | None = None,
    slots: int | None = None,
    ended: Ended = unheard,
    trust_remote_code: bool = False,
    clock: Clock = time.perf_counter,
    ranks: Ranks = ALONE,
) -> list[SlotResult]:
    """Trains one adapter per job, resuming what was interrupted; results in the order of jobs.

    An adapter's bytes depend on its own job, the base, the device, the libraries and ``threads``:
    not on the other jobs, the process or an interruption.

    Args:
        jobs: what to train; each has its own settings, data and folders. They are a queue: the
            first ones begin, and who has ended makes room for the next.
        base_dir: the base's folder.
        device: ``cpu`` or ``cuda``; see `determinism.resolve_device`.
        log: hears of each step of each slot.
        threads: intra-op threads on the CPU; by default one per core. To reproduce a version,
            give its recorded number.
        slots: how many adapters train at once; by default as many as memory holds, which the
            first steps measure. When it runs out all the same, there are fewer from then on, and
            nothing is lost.
        ended: hears of each result when it is there, its adapter's folder in place. What it
            raises ends all training; the rest resumes when it is asked for again.
        trust_remote_code: whether code in the base's folder may run.
        clock: stopwatch for what is reported; decides nothing.
        ranks: the processes over which the base is spread; each of them calls this.

    Raises:
        InvalidInput: anything that can be refused before a base is loaded, for all jobs at once.
        AdapterctlError: the base cannot be loaded. What befalls one slot later is in its result.
    """
    check_jobs(jobs, device=device)
    place = _Place(base_dir, device, threads or cores(), trust_remote_code, log, clock, ranks)
    with strict(device, threads=place.threads):
        readings = _read_all(jobs, place)
        results: dict[str, SlotResult] = {}
        for group in _groups(jobs, readings, place):
            for result in _train_together(group, readings, place, slots=slots):
                results[result.name] = result
                ended(result)
    return [results[job.name] for job in jobs]


def refused(
    jobs: Sequence[SlotJob], *, base_dir: Path, device: str, trust_remote_code: bool = False
) -> dict[str, AdapterctlError]:
    """Returns which of the jobs `train` would refuse before a base is loaded, each with why."""
    place = _Place(base_dir, device, 1, trust_remote_code, lambda _: None, time.perf_counter)
    refusals: dict[str, AdapterctlError] = {}
    for job in jobs:
        try:
            check_jobs([job], device=device)
            _read_all([job], place)
        except InvalidInput as error:
            refusals[job.name] = error
    return refusals


@dataclass(frozen=True, order=True)
class _Form:
    """How a job's base is loaded and run; jobs that share one agree on how it is held."""

    task: Task
    _: KW_ONLY
    unpadded: bool
    dtype: str
    quantization: str
    quick: bool

    @property
    def held(self) -> tuple[str, str, bool]:
        """Its type, its bits, and how it computes."""
        return self.dtype, self.quantization, self.quick


@dataclass(frozen=True)
class _Place:
    """Where and on what a fleet is trained, and who hears of it."""

    base_dir: Path
    device: str
    threads: int
    trust_remote_code: bool
    log: Log
    clock: Clock
    ranks: Ranks = ALONE

    def form(self, job: SlotJob, reading: Reading) -> _Form:
        """Returns the form that a job's base is loaded in."""
        wanted = not job.padded and runs_unpadded(self.device, arithmetic=job.arithmetic)
        dtype = base_dtype(bf16=job.training.bf16, plain=reading.plain, arithmetic=job.arithmetic)
        unpadded = wanted and can_unpad(reading.base, own=reading.own)
        return _Form(
            job.task,
            unpadded=unpadded,
            dtype=dtype,
            quantization=in_words(job.training),
            quick=is_quick(arithmetic=job.arithmetic),
        )

    def load(self, training: TrainingSettings, form: _Form, *, labels: int) -> LoadedBase:
        base = load_base(
            self.base_dir,
            task=form.task,
            head_seed=0,
            device="cpu" if self.ranks.size > 1 else self.device,
            num_labels=labels if form.task == "SEQ_CLS" else None,
            dtype=form.dtype,
            quantization=quantization_config(training),
            quick=form.quick,
            trust_remote_code=self.trust_remote_code,
        )
        base.model.config.get_text_config().use_cache = False
        choose_attention(base.model)
        if self.ranks.size > 1:
            spread(base.model, self.ranks)
        return replace(base, device=self.device)

    def layout(self, base: LoadedBase, form: _Form) -> Layout:
        """Returns how examples lie in a base: on a GPU they attend in few large products."""
        if not self.device.startswith("cpu"):
            return Layout(base.model, attention=grouped.NAME)
        attention = short.NAME if form.quick else unpadded.NAME
        return Layout(base.model, attention=attention, narrow=form.quick)

    def run(self, job: SlotJob, trainee: Trainee, base: LoadedBase) -> Run:
        device = self.ranks.named(self.device)
        key = job_key(job, base_dir=self.base_dir, device=device, threads=self.threads)
        return Run(
            job,
            trainee,
            base=base,
            folder=job.work_dir / key,
            log=self.log,
            clock=self.clock,
            ranks=self.ranks,
            threads=self.threads,
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
            plain = readings[job.name].plain
            found = [*plainness_problems(job.training, plain=plain)]
            if place.ranks.size > 1:
                found += spreading_problems(job.training, plain=plain)
        except InvalidInput as error:
            found = list(error.problems)
        problems += [replace(p, place=f"{job.name}: {p.place}") for p in found]
    if problems:
        raise InvalidInput(problems)
    return readings


def _groups(
    jobs: Sequence[SlotJob], readings: dict[str, Reading], place: _Place
) -> Iterator[list[SlotJob]]:
    """Yields the jobs that share a loaded base: plain ones where a head will do, variants alone."""
    plain = [job for job in jobs if readings[job.name].plain]
    forms = {job.name: place.form(job, readings[job.name]) for job in plain}
    for held in sorted({form.held for form in forms.values()}):
        alike = [job for job in plain if forms[job.name].held == held]
        tasks = {job.task: readings[job.name].base for job in alike}
        if len(tasks) == 1 or can_share(
            place.base_dir, whole=tasks["CAUSAL_LM"], headed=tasks["SEQ_CLS"]
        ):
            yield alike
        else:
            yield from ([job for job in alike if job.task == task] for task in sorted(tasks))
    for job in jobs:
        if not readings[job.name].plain:
            yield [job]


def _train_together(
    jobs: list[SlotJob], readings: dict[str, Reading], place: _Place, *, slots: int | None
) -> Iterator[SlotResult]:
    prepare = _slots if readings[jobs[0].name].plain else _variant
    trainees = prepare(jobs, readings, place)
    return Turns(
        jobs,
        lambda job: place.run(job, *trainees(job)),
        needs={job.name: _need(job, readings[job.name], place) for job in jobs},
        meter=Meter(place.device),
        slots=slots,
    ).results()


Make = Callable[[SlotJob], tuple[Trainee, LoadedBase]]
"""From a job to what is trained for it, and the base that it stands on."""


def _slots(jobs: list[SlotJob], readings: dict[str, Reading], place: _Place) -> Make:
    """Loads what has all weights, and puts the other task's head on its trunk."""
    forms = {job.task: place.form(job, readings[job.name]) for job in jobs}
    first, *others = sorted(forms)
    base = place.load(jobs[0].training, forms[first], labels=_NO_LABELS)
    switch = Switch(place.layout(base, forms[first]))
    faces = [base, *(face(base, task=task, labels=_NO_LABELS) for task in others)]
    slotted = {each.task: SlottedBase(each, switch) for each in faces}

    def make(job: SlotJob) -> tuple[Trainee, LoadedBase]:
        own, reading = slotted[job.task], readings[job.name]
        bare = replace(own.base, unpadded=place.form(job, reading).unpadded)
        return SlotTrainee(job, own, reading, unpadded=bare.unpadded), bare

    return make


def _variant(jobs: list[SlotJob], readings: dict[str, Reading], place: _Place) -> Make:
    def make(job: SlotJob) -> tuple[Trainee, LoadedBase]:
        reading = readings[job.name]
        form = place.form(job, reading)
        base = place.load(job.training, form, labels=len(job.labels))
        if form.unpadded:
            place.layout(base, form).use(job.task)
        return VariantTrainee(job, base, reading), replace(base, unpadded=form.unpadded)

    return make


def _need(job: SlotJob, reading: Reading, place: _Place) -> Need:
    """Returns what a job takes: its tensors, and the longest rows that may share a pass."""
    longest = sorted((len(example.input_ids) for example in job.examples), reverse=True)
    rows = longest[: job.training.per_device_train_batch_size]
    return Need(
        parameters=sum(map(math.prod, reading.shapes.values())),
        tokens=sum(rows) if place.form(job, reading).unpadded else rows[0] * len(rows),
    )
