"""Slots take turns on what they share, one optimizer step each; a free slot takes the next job.

Nothing of it decides a byte: a job's own seed, data and settings do.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence

from adapterctl.errors import AdapterctlError
from adapterctl.rules.admission import Need, Sample, admits, costs
from adapterctl.training.adapter_files import write_adapter
from adapterctl.training.learning.job import Failed, SlotJob, SlotResult, Trained
from adapterctl.training.learning.memory import Meter
from adapterctl.training.learning.run import OutOfMemory, Run, in_memory

Start = Callable[[SlotJob], Run]
"""Begins a job, or goes on with it where its checkpoints end."""


class Turns:
    """A queue of jobs and the slots that work on it.

    A job joins while there is a slot, and memory for it as the first steps of the others measured
    it. When memory runs out all the same, the job goes back to the head of the queue with what it
    has learned, and there is a slot less; a job that runs out of memory alone has failed.

    Args:
        jobs: in the order in which they are begun.
        start: begins one.
        needs: what each takes, by its name.
        meter: measures.
        slots: at most so many at once; ``None`` leaves it to memory.
    """

    def __init__(
        self,
        jobs: Sequence[SlotJob],
        start: Start,
        *,
        needs: Mapping[str, Need],
        meter: Meter,
        slots: int | None,
    ) -> None:
        self._waiting = deque(jobs)
        self._start, self._needs, self._meter = start, needs, meter
        self._slots = len(jobs) if slots is None else slots
        self._runs: list[Run] = []
        self._samples: dict[str, Sample] = {}

    def results(self) -> Iterator[SlotResult]:
        """Yields each job's result as soon as it is there."""
        yield from self._admit(place=0)
        while self._runs:
            run = self._runs.pop(0)
            self._runs.append(run)
            yield from self._turn(run)
            # A free slot's next job has the turn of the one that ended; others have had none yet.
            yield from self._admit(place=0 if run in self._runs else len(self._runs))

    def _admit(self, *, place: int) -> Iterator[SlotResult]:
        """Begins what there is room for, at a place in the order of turns."""
        while self._waiting and self._has_room():
            job = self._waiting.popleft()
            try:
                with in_memory(job.name, 1):
                    self._runs.insert(place, self._start(job))
                place += 1
            except OutOfMemory as error:
                if not self._runs:
                    yield Failed(name=job.name, error=error, trail=[])
                    continue
                self._waiting.appendleft(job)
                self._slots = len(self._runs)
            except AdapterctlError as error:
                yield Failed(name=job.name, error=error, trail=[])

    def _has_room(self) -> bool:
        if not self._runs:
            return True
        if not self._samples or len(self._runs) >= self._slots:
            return False
        beside = [run.job.name for run in self._runs]
        return admits(
            self._needs[self._waiting[0].name],
            beside=[self._needs[name] for name in beside],
            new=[self._needs[name] for name in beside if name not in self._samples],
            costs=costs([*self._samples.values()]),
            free=self._meter.free(),
        )

    def _turn(self, run: Run) -> Iterator[SlotResult]:
        try:
            if not run.done:
                self._advance(run)
            result: SlotResult | None = _finished(run) if run.done else None
        except OutOfMemory as error:
            result = Failed(name=run.job.name, error=error, trail=run.trail)
            if len(self._runs) > 1:
                result = self._put_back(run)
        except AdapterctlError as error:
            result = Failed(name=run.job.name, error=error, trail=run.trail)
        if result is not None:
            self._leave(run)
            yield result

    def _advance(self, run: Run) -> None:
        name = run.job.name
        if name in self._samples:
            run.advance()
            return
        self._meter.start()
        run.advance()
        self._samples[name] = run.sample(peak=self._meter.peak())

    def _put_back(self, run: Run) -> Failed | None:
        """Makes room: returns nothing, or why what was learned cannot be kept."""
        try:
            run.put_aside()
        except AdapterctlError as error:
            return Failed(name=run.job.name, error=error, trail=run.trail)
        self._waiting.appendleft(run.job)
        self._slots = len(self._runs) - 1
        self._samples.pop(run.job.name, None)
        self._leave(run)
        return None

    def _leave(self, run: Run) -> None:
        self._runs.remove(run)
        run.trainee.leave()
        self._meter.release()


def _finished(run: Run) -> Trained:
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
