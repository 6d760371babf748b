"""One slot's training: where it stands, and how it goes one optimizer step further."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from adapterctl.errors import AdapterctlError
from adapterctl.records.version import TrailStep, TrainingFacts
from adapterctl.rules.admission import Need, Sample
from adapterctl.training.learning import checkpoints
from adapterctl.training.learning.checkpoints import Checkpoint
from adapterctl.training.learning.gradients import Gradients
from adapterctl.training.learning.holdout import Holdout
from adapterctl.training.learning.job import Log, Progress, SlotJob
from adapterctl.training.learning.memory import held_bytes, is_out_of_memory
from adapterctl.training.learning.optimizers import optimizer_for, scheduler_for
from adapterctl.training.learning.ranks import ALONE, Ranks
from adapterctl.training.learning.schedule import Schedule
from adapterctl.training.learning.trail import trail_digest, weights_digest
from adapterctl.training.learning.trainee import Trainee, restore
from adapterctl.training.loading import LoadedBase

Clock = Callable[[], float]
"""A stopwatch in seconds."""


class Run:
    """One slot on its way; resumes by itself from the newest whole checkpoint in ``folder``.

    Args:
        base: what the trainee stands on.
        folder: where this job's checkpoints are; must be another one for another job.
        log: hears of each step.
        clock: measures this slot's own time; decides nothing.
        ranks: the processes that train it together.
        threads: intra-op threads on the CPU, which the halves of a pass share.
    """

    def __init__(
        self,
        job: SlotJob,
        trainee: Trainee,
        *,
        base: LoadedBase,
        folder: Path,
        log: Log,
        clock: Clock,
        ranks: Ranks = ALONE,
        threads: int = 1,
    ) -> None:
        self.job, self.trainee = job, trainee
        self.trail: list[TrailStep] = []
        self._schedule = Schedule(rows=len(job.examples), settings=job.training)
        self._optimizer = optimizer_for(trainee.tensors, job.training)
        self._scheduler = scheduler_for(
            self._optimizer,
            job.training,
            steps=self._schedule.steps,
            warmup_steps=self._schedule.warmup_steps,
        )
        self._parameters = [trainee.tensors[name] for name in sorted(trainee.tensors)]
        self._ranks, self._base = ranks, base
        self._gradients = Gradients(
            job, trainee, base=base, parameters=self._parameters, ranks=ranks, threads=threads
        )
        self._folder, self._log, self._clock = folder, log, clock
        self._tokens, self._seconds, self._widest = 0, 0.0, 0
        self._whole = True
        self._holdout = Holdout(
            job, base, folder=folder, steps=self._schedule.steps, keeps=ranks.leads
        )
        self._resume()

    @property
    def done(self) -> bool:
        """Whether every step has been taken, or held-out rows say that more are of no use."""
        steps = len(self.trail)
        return steps >= self._schedule.steps or self._holdout.hopeless(steps)

    @property
    def held_loss(self) -> float | None:
        """The lowest loss on the held-out rows."""
        return self._holdout.lowest

    def advance(self) -> None:
        """Takes one optimizer step.

        Raises:
            AdapterctlError: the loss is no longer a number, memory ran out, or a checkpoint
                cannot be written.
        """
        started, step = self._clock(), len(self.trail)
        with in_memory(self.job.name, step + 1):
            rows = [self.job.examples[row] for row in self._schedule.rows_of(step)]
            passes = self._gradients.passes(rows)
        self._widest = max(map(self._gradients.width, passes))
        with in_memory(self.job.name, step + 1):
            loss = self._gradients.add(passes, step=step)
            norm = self._clip()
        if not (math.isfinite(loss) and math.isfinite(norm)):
            raise _diverged(self.job.name, step + 1)
        self._whole = False
        with in_memory(self.job.name, step + 1):
            rate = self._update()
        self._whole = True
        own = sum(batch.tokens for batches in passes for batch in batches)
        tokens = round(self._ranks.total(own))
        self._note(loss, rate=rate, norm=norm)
        self._holdout.look(len(self.trail), self.trainee)
        spent = self._clock() - started
        self._tokens += tokens
        self._seconds += spent
        self._keep()
        self._tell(loss, rate=rate, speed=tokens / spent if spent else 0.0)

    def sample(self, *, peak: int) -> Sample:
        """Returns what the last step took.

        Args:
            peak: bytes in use during the step at the most, beyond those before it.
        """
        parameters = sum(parameter.numel() for parameter in self._parameters)
        need = Need(parameters=parameters, tokens=self._widest)
        # What the optimizer keeps was taken within the step, and stays.
        kept = held_bytes([], self._optimizer)
        held = held_bytes(self._parameters, self._optimizer)
        return Sample(need=need, held=held, peak=max(0, peak - kept))

    def put_aside(self) -> None:
        """Keeps what was learned, so that another `Run` of the job goes on from here.

        A step that ended while weights were moving is forgotten back to the last checkpoint.

        Raises:
            AdapterctlError: the checkpoint cannot be written.
        """
        self._optimizer.zero_grad(set_to_none=True)
        if self._whole and self.trail:
            self._save()

    def facts(self) -> TrainingFacts:
        """Returns the run in numbers; call it when it is done."""
        losses = [float.fromhex(step.loss) for step in self.trail]
        return TrainingFacts(
            steps=len(self.trail),
            epochs=len(self.trail) / self._schedule.steps_per_epoch,
            rows=len(self.job.examples),
            tokens=self._tokens,
            seconds=self._seconds,
            first_loss=losses[0],
            last_loss=losses[-1],
            trainable_parameters=sum(parameter.numel() for parameter in self._parameters),
            target_modules=self.trainee.targets,
            labels=list(self.job.labels),
            trainer="builtin",
            trail_sha256=trail_digest(self.trail),
            unpadded=self._base.unpadded,
            arithmetic=self.job.arithmetic,
            shards=self._ranks.size,
        )

    def _clip(self) -> float:
        """Scales the gradients down to ``max_grad_norm``; returns their norm before."""
        limit = self.job.training.max_grad_norm or math.inf
        return float(torch.nn.utils.clip_grad_norm_(self._parameters, limit))

    def _update(self) -> float:
        """Moves the tensors and the schedule; returns the learning rate that was used."""
        rate = float(self._optimizer.param_groups[0]["lr"])
        self._optimizer.step()
        self._scheduler.step()
        self._optimizer.zero_grad(set_to_none=True)
        return rate

    def _note(self, loss: float, *, rate: float, norm: float) -> None:
        step = len(self.trail) + 1
        logged = step % self.job.training.logging_steps == 0 or step == self._schedule.steps
        self.trail.append(
            TrailStep(
                step=step,
                loss=loss.hex(),
                learning_rate=rate.hex(),
                grad_norm=norm.hex(),
                weights_sha256=weights_digest(self.trainee.tensors) if logged else None,
            )
        )

    def _keep(self) -> None:
        if len(self.trail) % self.job.training.save_steps == 0 or self.done:
            self._save()

    def _save(self) -> None:
        if not self._ranks.leads:
            return
        tensors = {name: tensor.detach() for name, tensor in self.trainee.tensors.items()}
        checkpoint = Checkpoint(
            step=len(self.trail),
            tensors=tensors,
            optimizer=self._optimizer.state_dict(),
            scheduler=self._scheduler.state_dict(),
            tokens=self._tokens,
            seconds=self._seconds,
            trail=self.trail,
        )
        checkpoints.save(self._folder, checkpoint)

    def _resume(self) -> None:
        found = checkpoints.newest(self._folder)
        if found is not None:
            restore(self.trainee, found.tensors)
            self._optimizer.load_state_dict(found.optimizer)
            self._scheduler.load_state_dict(found.scheduler)
            self._tokens, self._seconds = found.tokens, found.seconds
            self.trail = list(found.trail)

    def _tell(self, loss: float, *, rate: float, speed: float) -> None:
        self._log(
            Progress(
                slot=self.job.name,
                step=len(self.trail),
                steps=self._schedule.steps,
                loss=loss,
                learning_rate=rate,
                tokens_per_second=speed,
            )
        )


def _diverged(name: str, step: int) -> AdapterctlError:
    return AdapterctlError(
        f"the loss or its gradient is not a number any more at step {step}",
        place=name,
        hint="lower training.learning_rate, or warm it up",
    )


class OutOfMemory(AdapterctlError):
    """There was not enough memory for a step; fewer slots may do."""


@contextmanager
def in_memory(name: str, step: int) -> Iterator[None]:
    """Turns torch's words for a lack of memory into `OutOfMemory`."""
    try:
        yield
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        # Not `from error`: its frames hold what should be freed.
        raise OutOfMemory(
            f"out of memory at step {step}",
            place=name,
            hint="lower training.per_device_train_batch_size and raise "
            "gradient_accumulation_steps as much, or set gradient_checkpointing: true",
        ) from None
