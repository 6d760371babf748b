"""The ways of training that are compared on a GPU, each on the same rows.

Ours, with strict determinism and without; ``transformers.Trainer`` with PEFT as a careful user sets
it up (SDPA, bfloat16 base, fused AdamW, TF32, batches of like length); TRL with packing.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from adapterctl.training.determinism import cores
from adapterctl.training.learning import fleet
from adapterctl.training.learning.job import Progress, SlotJob, Trained
from adapterctl.training.learning.schedule import Schedule
from benchmarks.gpu_shapes import RATE, SEED, Work


class NotInstalled(Exception):
    """What a way needs is not here."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What one way did with one work.

    Attributes:
        steps: optimizer steps, warm-up included.
        tokens: real tokens that went through the base, warm-up included.
        timed_tokens: those after the warm-up.
        seconds: what they took.
        loss: the mean over all steps.
        gradients: whether every step's gradient was above 0 and finite.
        peak_gib: GPU memory at the most; ``None`` on the CPU.
    """

    steps: int
    tokens: int
    timed_tokens: int
    seconds: float
    loss: float
    gradients: bool
    peak_gib: float | None


@dataclass
class _Watch:
    """Times and counts the steps of a ``transformers.Trainer``."""

    work: Work
    at: list[float] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    norms: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)

    def pass_of(self, given: dict[str, Any]) -> None:
        """Counts a forward pass; packed rows have no mask, and no padding."""
        mask = given.get("attention_mask")
        real = given["input_ids"].numel() if mask is None else int(mask.sum())
        self.tokens[-1] += real

    def callback(self) -> Any:
        from transformers import TrainerCallback

        watch = self

        class Callback(TrainerCallback):
            def on_step_begin(self, *_: Any, **__: Any) -> None:
                watch.tokens.append(0)

            def on_step_end(self, *_: Any, **__: Any) -> None:
                _wait(watch.work.device)
                watch.at.append(time.perf_counter())

            def on_log(self, *given: Any, logs: dict[str, float], **__: Any) -> None:
                if "grad_norm" in logs:
                    watch.norms.append(logs["grad_norm"])
                    watch.losses.append(logs["loss"])

        return Callback()

    def found(self) -> Found:
        warm = self.work.warm
        return Found(
            steps=len(self.at),
            tokens=sum(self.tokens),
            timed_tokens=sum(self.tokens[warm:]),
            seconds=self.at[-1] - self.at[warm - 1],
            loss=sum(self.losses) / len(self.losses),
            gradients=len(self.norms) == len(self.at) and all(map(_is_felt, self.norms)),
            peak_gib=_peak(self.work.device),
        )


def ours(work: Work, folder: Path) -> Found:
    """The builtin trainer, as everyone runs it."""
    at: list[float] = []

    def log(_: Progress) -> None:
        at.append(time.perf_counter())

    job = SlotJob(
        name="one",
        task="CAUSAL_LM",
        lora=work.lora,
        training=work.training,
        examples=work.examples,
        labels=[],
        work_dir=folder / "work",
        out_dir=folder / "adapter",
        base_name=work.shape.name,
    )
    [result] = fleet.train([job], base_dir=work.folder, device=work.device, log=log)
    if not isinstance(result, Trained):
        raise RuntimeError(str(result.error))
    schedule = Schedule(rows=len(work.examples), settings=work.training)
    rows = [schedule.rows_of(step) for step in range(work.warm, schedule.steps)]
    losses = [float.fromhex(step.loss) for step in result.trail]
    return Found(
        steps=len(result.trail),
        tokens=result.facts.tokens or 0,
        timed_tokens=sum(len(work.examples[row].input_ids) for step in rows for row in step),
        seconds=at[-1] - at[work.warm - 1],
        loss=sum(losses) / len(losses),
        gradients=all(_is_felt(float.fromhex(step.grad_norm)) for step in result.trail),
        peak_gib=_peak(work.device),
    )


def loose(work: Work, folder: Path) -> Found:
    """The same without strict determinism: what that costs."""
    strict = fleet.strict
    fleet.strict = _unset  # type: ignore[assignment]
    try:
        return ours(work, folder)
    finally:
        fleet.strict = strict


def trainer(work: Work, folder: Path) -> Found:
    """``transformers.Trainer`` with PEFT."""
    from transformers import Trainer, TrainingArguments

    watch = _Watch(work)
    arguments = TrainingArguments(
        **shared(work, folder), **by_length(TrainingArguments), remove_unused_columns=False
    )
    learner = Trainer(
        model=adapted(work),
        args=arguments,
        train_dataset=[as_row(example.input_ids) for example in work.examples],
        data_collator=collated,
        callbacks=[watch.callback()],
    )
    return _watched(learner, watch)


def packed(work: Work, folder: Path) -> Found:
    """TRL with packing; rows of the longest length take no other with them."""
    if importlib.util.find_spec("trl") is None:
        raise NotInstalled("TRL: not installed")
    from datasets import Dataset
    from transformers import AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    watch = _Watch(work)
    rows = [list(example.input_ids) for example in work.examples]
    settings = shared(work, folder)
    # As many tokens at once as the others have at the most.
    settings["per_device_train_batch_size"] = work.shape.batch
    learner = SFTTrainer(
        model=adapted(work),
        args=SFTConfig(**settings, packing=True, max_length=work.shape.longest),
        train_dataset=Dataset.from_dict({"input_ids": rows}),
        processing_class=AutoTokenizer.from_pretrained(work.folder),
        callbacks=[watch.callback()],
    )
    return _watched(learner, watch)


Way = Callable[[Work, Path], Found]
WAYS: dict[str, Way] = {
    "ours": ours,
    "ours, not strict": loose,
    "Trainer + PEFT": trainer,
    "TRL, packed": packed,
}


@contextmanager
def _unset(_: str, *, threads: int) -> Iterator[None]:
    torch.set_num_threads(threads)
    yield


def _watched(learner: Any, watch: _Watch) -> Found:
    forward = learner.model.register_forward_pre_hook(
        lambda _, __, given: watch.pass_of(given), with_kwargs=True
    )
    try:
        learner.train()
    finally:
        forward.remove()
    return watch.found()


def shared(work: Work, folder: Path) -> dict[str, Any]:
    """Returns what a ``TrainingArguments`` is told in every way that has one."""
    on_gpu = work.device == "cuda"
    return {
        "output_dir": str(folder),
        "num_train_epochs": 1,
        "per_device_train_batch_size": work.batch,
        "learning_rate": RATE,
        "max_grad_norm": 1.0,
        "bf16": True,
        "tf32": True if on_gpu else None,
        "use_cpu": not on_gpu,
        "optim": "adamw_torch_fused",
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": [],
        "disable_tqdm": True,
        "seed": SEED,
        "dataloader_pin_memory": on_gpu,
    }


def by_length(kind: Any) -> dict[str, Any]:
    """Returns how batches of like length are asked for, under its name before and after 5.20."""
    names = {each.name for each in dataclasses.fields(kind)}
    if "train_sampling_strategy" in names:
        return {"train_sampling_strategy": "group_by_length"}
    return {"group_by_length": True}


def adapted(work: Work) -> Any:
    """Returns the base in bfloat16 with a fresh adapter of PEFT's on it, to be trained."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(cores())
    torch.manual_seed(SEED)
    base = AutoModelForCausalLM.from_pretrained(
        work.folder, dtype=torch.bfloat16, attn_implementation="sdpa"
    )
    base.config.use_cache = False
    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=work.lora.r,
        lora_alpha=work.lora.lora_alpha,
        target_modules=work.lora.target_modules,
        lora_dropout=0.0,
    )
    return get_peft_model(base.to(work.device), config).train()


def as_row(ids: tuple[int, ...]) -> dict[str, Any]:
    """Returns an example of which every token is learned, as a dataset holds it."""
    return {"input_ids": list(ids), "labels": list(ids)}


def collated(rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    """Returns rows as a padded batch."""
    width = max(len(row["input_ids"]) for row in rows)
    real = [[1] * len(row["input_ids"]) + [0] * (width - len(row["input_ids"])) for row in rows]
    ids = [row["input_ids"] + [0] * (width - len(row["input_ids"])) for row in rows]
    mask = torch.tensor(real)
    filled = torch.tensor(ids)
    return {
        "input_ids": filled,
        "attention_mask": mask,
        "labels": filled.masked_fill(mask == 0, -100),
    }


def _is_felt(norm: float) -> bool:
    return 0 < norm < float("inf")


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def _peak(device: str) -> float | None:
    return round(torch.cuda.max_memory_allocated() / 2**30, 2) if device == "cuda" else None
