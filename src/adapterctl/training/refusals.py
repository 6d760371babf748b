"""What the builtin trainer does not do, said before a base is loaded; nothing is ignored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import msgspec
import torch

from adapterctl.errors import InvalidInput, Problem
from adapterctl.records.recipe import LoraSettings, TrainingSettings
from adapterctl.training.learning.job import SlotJob
from adapterctl.training.learning.optimizers import scheduler_for
from adapterctl.training.learning.schedule import Schedule
from adapterctl.training.quantized import installed, quantization_problems

NOT_OFFERED = {
    "arrow_config": "routes between adapters when it serves; there is nothing to train",
    "auto_mapping": "PEFT fills it in for bases without a task",
    "base_model_name_or_path": "comes from the recipe's base",
    "inference_mode": "true in what is written, false while training",
    "kasa_config": "truncates the base's weights",
    "lora_ga_config": "needs gradients of the base before training starts",
    "megatron_config": "Megatron's parallel layers are not supported",
    "megatron_core": "Megatron's parallel layers are not supported",
    "monteclora_config": "adds a loss of its own, which the builtin trainer does not add",
    "peft_type": "always LORA",
    "peft_version": "PEFT fills it in",
    "revision": "comes from the recipe's base",
    "runtime_config": "PEFT does not write it down",
    "task_type": "comes from the recipe's task",
    "use_bdlora": "shards for one serving engine; not supported",
    "velora_config": "replaces the backward pass; not supported",
}
"""Fields of ``peft.LoraConfig`` that a recipe has no word for, and why."""

INITIALISATIONS = ("gaussian", "mica", "olora", "orthogonal", "pissa")
"""Values of ``init_lora_weights``, beside true, false and ``pissa_niter_<n>``."""

TAKING_OUT = ("olora", "pissa")
"""Initialisations that take a part out of the base's weights, and train that part."""

_UNTRAINED = {
    "loftq_config": "LoftQ needs a quantized base",
    "eva_config": "EVA needs activations of the base before training starts",
    "corda_config": "CorDA needs covariances of the base before training starts",
    "alora_invocation_tokens": "adapters that switch on inside a text cannot be evaluated here",
    "use_qalora": "PEFT has QALoRA for GPTQ-quantized bases only",
    "qalora_group_size": "PEFT has QALoRA for GPTQ-quantized bases only",
}
_ADAM = ("adam_beta1", "adam_beta2", "adam_epsilon")
_REMOVE = "remove it, or train with a command of your own (trainer: {command: ...})"


def check_jobs(jobs: Sequence[SlotJob], *, device: str | None = None) -> None:
    """Refuses what cannot be trained, naming everything that is wrong with every job.

    Args:
        device: where they are to be trained; what depends on it is not judged without.

    Raises:
        InvalidInput: with ``<job>: <field>`` as the place of each problem.
    """
    problems = [problem for job in jobs for problem in _problems(job, device=device)]
    names = [job.name for job in jobs]
    problems += [
        Problem(place=name, what="two jobs have this name", hint="name each slot differently")
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    if problems:
        raise InvalidInput(problems)


def lora_problems(lora: LoraSettings) -> Iterator[Problem]:
    """Yields what the trainer does not honour in the LoRA settings."""
    for field, why in _UNTRAINED.items():
        if getattr(lora, field) != _default(LoraSettings, field):
            yield Problem(place=f"lora.{field}", what=f"not honoured: {why}", hint=_REMOVE)
    start = lora.init_lora_weights
    if isinstance(start, str) and start.partition("_niter_")[0] not in INITIALISATIONS:
        known = ", ".join(("true", "false", *INITIALISATIONS, "pissa_niter_<n>"))
        yield Problem(
            place="lora.init_lora_weights", what=f"not honoured: {start!r}", hint=f"known: {known}"
        )
    if lora.use_dora and str(start).partition("_")[0] in TAKING_OUT:
        what = f"{start} changes the weights whose length DoRA learns; it cannot be saved apart"
        yield Problem(place="lora.use_dora", what=what, hint="choose one of the two")


def training_problems(training: TrainingSettings) -> Iterator[Problem]:
    """Yields training settings that would have no effect beside the others."""
    if not training.optim.startswith("adamw"):
        for field in _ADAM:
            if getattr(training, field) != _default(TrainingSettings, field):
                what = f"{training.optim} has no such setting"
                yield Problem(place=f"training.{field}", what=what, hint="remove it")
    constant = training.lr_scheduler_type in {"constant", "constant_with_warmup"}
    if constant and training.lr_scheduler_kwargs:
        what = f"{training.lr_scheduler_type} takes none"
        yield Problem(place="training.lr_scheduler_kwargs", what=what, hint="remove it")
    if training.lr_scheduler_type == "constant":
        for field in ("warmup_steps", "warmup_ratio"):
            if getattr(training, field):
                hint = "lr_scheduler_type: constant_with_warmup"
                what = "a constant learning rate has no warm-up"
                yield Problem(place=f"training.{field}", what=what, hint=hint)
    if training.warmup_steps and training.warmup_ratio:
        what = "warmup_steps is set too"
        yield Problem(place="training.warmup_ratio", what=what, hint="keep one of the two")
    for field in ("bnb_4bit_quant_type", "bnb_4bit_use_double_quant"):
        if not training.load_in_4bit and getattr(training, field) != _default(
            TrainingSettings, field
        ):
            what = "the base is not held in 4 bits"
            yield Problem(place=f"training.{field}", what=what, hint="load_in_4bit: true")
    if training.max_steps == 0:
        hint = "a number of steps, or -1 for whole epochs"
        yield Problem(place="training.max_steps", what="out of range: 0", hint=hint)


def _problems(job: SlotJob, *, device: str | None) -> Iterator[Problem]:
    found = [
        *lora_problems(job.lora),
        *training_problems(job.training),
        *quantization_problems(job.training, device=device, available=installed()),
        *_example_problems(job),
    ]
    for problem in found or _scheduler_problems(job):
        yield replace(problem, place=f"{job.name}: {problem.place}")


def _scheduler_problems(job: SlotJob) -> Iterator[Problem]:
    """Builds the schedule over a parameter of no consequence, to hear what it refuses."""
    schedule = Schedule(rows=len(job.examples), settings=job.training)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    try:
        scheduler_for(
            optimizer, job.training, steps=schedule.steps, warmup_steps=schedule.warmup_steps
        )
    except InvalidInput as error:
        yield from error.problems


def _example_problems(job: SlotJob) -> Iterator[Problem]:
    if not job.examples:
        yield Problem(place="examples", what="there are none", hint="give at least one row")
    if job.task == "SEQ_CLS":
        yield from _label_problems(job)
    elif job.task == "CAUSAL_LM":
        if job.examples and not any(any(e.loss_mask[1:]) for e in job.examples):
            hint = "raise training.max_length: the answers are cut off"
            yield Problem(place="examples", what="no token is learned", hint=hint)
    else:
        yield Problem(
            place="task", what=f"{job.task} cannot be trained yet", hint="SEQ_CLS or CAUSAL_LM"
        )


def _label_problems(job: SlotJob) -> Iterator[Problem]:
    if len(job.labels) < 2:
        what = f"{len(job.labels)} in the training set: nothing to tell apart"
        yield Problem(place="labels", what=what, hint="give rows of at least two labels")
    outside = [e.id for e in job.examples if e.label is None or not 0 <= e.label < len(job.labels)]
    if outside:
        what = f"{len(outside)} have no label of the training set, first {outside[0]!r}"
        yield Problem(place="examples", what=what, hint="label every row")


def _default(kind: type[msgspec.Struct], field: str) -> object:
    return {info.name: info.default for info in msgspec.structs.fields(kind)}[field]
