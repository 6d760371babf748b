"""Four ways to train the same adapter on the same rows, each timed from first step to last."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from adapterctl.records.recipe import LoraSettings, Task, TrainingSettings
from adapterctl.training.determinism import cores
from adapterctl.training.learning.fleet import train
from adapterctl.training.learning.job import SlotJob, Trained
from adapterctl.training.learning.schedule import Schedule
from adapterctl.training.rows.text import Example

RATE, RANK, ALPHA, SEED = 1e-3, 16, 32, 17
_FORWARD_AND_BACK = 4
"""Through frozen weights: a multiplication and an addition each way."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """What is learned, once over all rows.

    Attributes:
        pad: token that fills short rows.
        weights: how many weights a token passes, embeddings and heads left out.
    """

    name: str
    base: str
    folder: Path
    task: Task
    examples: Sequence[Example]
    labels: Sequence[str]
    modules: list[str]
    batch: int
    pad: int
    weights: int

    @property
    def tokens(self) -> int:
        """Real tokens."""
        return sum(len(example.input_ids) for example in self.examples)

    @property
    def operations(self) -> float:
        """Floating-point operations that the frozen layers need for the real tokens."""
        return float(_FORWARD_AND_BACK * self.weights * self.tokens)

    @property
    def facts(self) -> dict[str, Any]:
        """Counts; ``padded_tokens`` as our order of rows has them, batch by batch."""
        schedule = Schedule(rows=len(self.examples), settings=self.settings)
        steps = [schedule.rows_of(step) for step in range(schedule.steps)]
        longest = [max(len(self.examples[row].input_ids) for row in rows) for rows in steps]
        padded = sum(len(rows) * most for rows, most in zip(steps, longest, strict=True))
        return {
            "base": self.base,
            "rows": len(self.examples),
            "steps": schedule.steps,
            "batch": self.batch,
            "tokens": self.tokens,
            "padded_tokens": padded,
        }

    @property
    def settings(self) -> TrainingSettings:
        """The settings that all ways share."""
        return TrainingSettings(
            num_train_epochs=1,
            per_device_train_batch_size=self.batch,
            learning_rate=RATE,
            save_steps=10**6,
            seed=SEED,
        )

    @property
    def lora(self) -> LoraSettings:
        """The LoRA settings that all ways share."""
        return LoraSettings(r=RANK, lora_alpha=ALPHA, target_modules=self.modules)


def ours(work: Work, folder: Path) -> tuple[float, float]:
    """Returns seconds and mean loss of the builtin trainer."""
    job = SlotJob(
        name="one",
        task=work.task,
        lora=work.lora,
        training=work.settings,
        examples=work.examples,
        labels=work.labels,
        work_dir=folder / "work",
        out_dir=folder / "adapter",
        base_name=work.base,
    )
    [result] = train([job], base_dir=work.folder, device="cpu", log=lambda _: None)
    if not isinstance(result, Trained):
        raise RuntimeError("ours did not come through")
    losses = [float.fromhex(step.loss) for step in result.trail]
    return result.facts.seconds, sum(losses) / len(losses)


def trainer(work: Work, folder: Path) -> tuple[float, float]:
    """Returns the same of ``transformers.Trainer`` with PEFT, as configured."""
    return _trainer(work, folder)


def grouped(work: Work, folder: Path) -> tuple[float, float]:
    """Returns the same of Trainer with rows of like length in one batch."""
    return _trainer(work, folder, train_sampling_strategy="group_by_length")


def bare(work: Work, _: Path) -> tuple[float, float]:
    """Returns the same of a loop with nothing in it: forward, backward, clip, step."""
    model = _adapted(work)
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=RATE, weight_decay=0.0, fused=True)
    schedule = Schedule(rows=len(work.examples), settings=work.settings)
    started, total = time.perf_counter(), 0.0
    for step in range(schedule.steps):
        rows = [_row(work.examples[row]) for row in schedule.rows_of(step)]
        loss = model(**_collated(rows, pad=work.pad)).loss
        loss.backward()
        total += loss.item()
        torch.nn.utils.clip_grad_norm_(weights, work.settings.max_grad_norm)
        for group in optimizer.param_groups:
            group["lr"] = RATE * (1 - step / schedule.steps)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return time.perf_counter() - started, total / schedule.steps


Way = Callable[[Work, Path], tuple[float, float]]
WAYS: dict[str, Way] = {"ours": ours, "trainer": trainer, "grouped": grouped, "bare": bare}


def roofline(*, size: int = 1024, rounds: int = 30) -> float:
    """Returns floating-point operations per second of one float32 matrix product, at its best."""
    torch.set_num_threads(cores())
    one, other = torch.randn(size, size), torch.randn(size, size)
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        one @ other
        seconds.append(time.perf_counter() - started)
    return 2 * size**3 / min(seconds)


def _trainer(work: Work, folder: Path, **settings: Any) -> tuple[float, float]:
    from transformers import Trainer, TrainingArguments

    arguments = TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=1,
        per_device_train_batch_size=work.batch,
        learning_rate=RATE,
        logging_steps=10**6,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        use_cpu=True,
        seed=SEED,
        dataloader_pin_memory=False,
        remove_unused_columns=False,
        **settings,
    )
    learner = Trainer(
        model=_adapted(work),
        args=arguments,
        train_dataset=[_row(example) for example in work.examples],
        data_collator=lambda rows: _collated(rows, pad=work.pad),
    )
    found = learner.train()
    return found.metrics["train_runtime"], found.training_loss


def _adapted(work: Work) -> Any:
    """Returns the base with PEFT's LoRA in it, on as many threads as ours."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

    torch.set_num_threads(cores())
    torch.manual_seed(SEED)
    if work.task == "SEQ_CLS":
        labels = len(work.labels)
        base = AutoModelForSequenceClassification.from_pretrained(work.folder, num_labels=labels)
    else:
        base = AutoModelForCausalLM.from_pretrained(work.folder)
        base.config.use_cache = False
    config = LoraConfig(
        task_type=work.task,
        r=RANK,
        lora_alpha=ALPHA,
        lora_dropout=work.lora.lora_dropout,
        target_modules=work.modules,
    )
    return get_peft_model(base.float(), config).train()


def _row(example: Example) -> dict[str, Any]:
    pairs = zip(example.input_ids, example.loss_mask, strict=True)
    learned = [token if learn else -100 for token, learn in pairs]
    labels = learned if example.label is None else example.label
    return {"input_ids": list(example.input_ids), "labels": labels}


def _collated(rows: Sequence[dict[str, Any]], *, pad: int) -> dict[str, torch.Tensor]:
    width = max(len(row["input_ids"]) for row in rows)

    def filled(values: list[int], fill: int) -> list[int]:
        return values + [fill] * (width - len(values))

    labels = [
        row["labels"] if isinstance(row["labels"], int) else filled(row["labels"], -100)
        for row in rows
    ]
    return {
        "input_ids": torch.tensor([filled(row["input_ids"], pad) for row in rows]),
        "attention_mask": torch.tensor([filled([1] * len(row["input_ids"]), 0) for row in rows]),
        "labels": torch.tensor(labels),
    }
