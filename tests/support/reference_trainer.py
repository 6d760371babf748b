"""``transformers.Trainer`` with PEFT, fed our order of rows: what the builtin trainer follows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import save_file
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    Trainer,
    TrainingArguments,
)

from adapterctl.training.learning.job import SlotJob
from adapterctl.training.learning.order import row_order


class OurOrder(torch.utils.data.Sampler[int]):
    """Row numbers epoch after epoch, as `row_order` has them."""

    def __init__(self, rows: int, *, seed: int) -> None:
        self.rows, self.seed, self.epoch = rows, seed, 0

    def __len__(self) -> int:
        return self.rows

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        return iter(row_order(self.rows, seed=self.seed, epoch=self.epoch))


class ReferenceTrainer(Trainer):
    """Trainer that reads rows in our order and keeps the loss of every optimizer step."""

    def __init__(self, *, seed: int, **settings: Any) -> None:
        super().__init__(**settings)
        self.order = OurOrder(len(self.train_dataset), seed=seed)
        self.losses: dict[int, float] = {}

    def _get_train_sampler(self, train_dataset: Any = None) -> OurOrder:
        return self.order

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> Any:
        self.order.epoch = int(self.state.epoch or 0)
        loss = super().training_step(model, inputs, num_items_in_batch)
        step = self.state.global_step
        self.losses[step] = self.losses.get(step, 0.0) + loss.item()
        return loss


def reference(job: SlotJob, base_dir: Path) -> PeftModel:
    """The base of a job with PEFT's own layers, every trainable tensor drawn anew."""
    torch.manual_seed(5)
    if job.task == "SEQ_CLS":
        kind, labels = AutoModelForSequenceClassification, {"num_labels": len(job.labels)}
    else:
        kind, labels = AutoModelForCausalLM, {}
    base = kind.from_pretrained(base_dir, dtype=torch.float32, **labels)
    if base.config.pad_token_id is None:
        base.config.pad_token_id = base.config.eos_token_id
    settings = {"r": job.lora.r, "lora_alpha": job.lora.lora_alpha, "target_modules": "all-linear"}
    config = LoraConfig(
        task_type=job.task,
        lora_dropout=job.lora.lora_dropout,
        fan_in_fan_out="GPT2" in type(base).__name__,
        **settings,
    )
    return get_peft_model(base, config)


def saved_start(model: PeftModel, file: Path) -> Path:
    """The model's trainable tensors in a file that a job can start from."""
    state = {name: value for name, value in model.named_parameters() if value.requires_grad}
    names = {
        name.replace(".default", "").replace(".modules_to_save", ""): value.detach().clone()
        for name, value in state.items()
    }
    save_file(names, file)
    return file


def trainer(job: SlotJob, model: PeftModel, folder: Path) -> ReferenceTrainer:
    """Trainer with a job's settings, over its examples."""
    said = {name: getattr(job.training, name) for name in job.training.__struct_fields__}
    left_out = {"max_length", "warmup_ratio", "lr_scheduler_kwargs", "gradient_checkpointing"}
    left_out |= {"load_in_4bit", "bnb_4bit_quant_type", "bnb_4bit_use_double_quant"}
    settings = {name: value for name, value in said.items() if name not in left_out}
    known = {field.name for field in fields(TrainingArguments)}
    recompute = {"activation_checkpointing", "gradient_checkpointing"} & known
    arguments = TrainingArguments(
        output_dir=str(folder),
        use_cpu=True,
        report_to=[],
        disable_tqdm=True,
        save_strategy="no",
        dataloader_pin_memory=False,
        remove_unused_columns=False,
        **{min(recompute): said["gradient_checkpointing"]},
        **settings,
    )
    return ReferenceTrainer(
        seed=job.training.seed,
        model=model,
        args=arguments,
        train_dataset=[_row(example) for example in job.examples],
        data_collator=lambda rows: _batch(rows, pad=model.config.pad_token_id or 0),
    )


def _row(example: Any) -> dict[str, Any]:
    learned = [t if m else -100 for t, m in zip(example.input_ids, example.loss_mask, strict=True)]
    return {
        "input_ids": list(example.input_ids),
        "labels": learned if example.label is None else example.label,
    }


def _batch(rows: list[dict[str, Any]], *, pad: int) -> dict[str, torch.Tensor]:
    width = max(len(row["input_ids"]) for row in rows)

    def fill(values: list[int], filler: int) -> list[int]:
        return values + [filler] * (width - len(values))

    labels = [
        fill(row["labels"], -100) if isinstance(row["labels"], list) else row["labels"]
        for row in rows
    ]
    return {
        "input_ids": torch.tensor([fill(row["input_ids"], pad) for row in rows]),
        "attention_mask": torch.tensor([fill([1] * len(row["input_ids"]), 0) for row in rows]),
        "labels": torch.tensor(labels),
    }
