"""What a run of ``transformers.Trainer``, or of one derived from it, really did."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import msgspec
import torch
from peft import PeftModel
from transformers import TrainerState, TrainingArguments

from adapterctl.records.recipe import TrainingSettings
from adapterctl.records.version import Environment, TrailStep, TrainingFacts
from adapterctl.rules.redaction import redacted
from adapterctl.training.determinism import environment
from adapterctl.training.learning.trail import trail_digest
from adapterctl.training.rows.text import Example

_OF_THE_OUTPUT = ("output", "logging", "log_", "save", "eval", "hub", "push", "report", "trackio")
"""Arguments that begin like this say where a run tells of itself, not what it trains."""

_OF_THE_PROCESS = frozenset(
    {
        "debug",
        "disable_tqdm",
        "do_eval",
        "do_predict",
        "do_train",
        "include_num_input_tokens_seen",
        "local_rank",
        "project",
        "resume_from_checkpoint",
        "run_name",
        "skip_memory_metrics",
        "use_cpu",
    }
)
"""And so do these."""


@dataclass(frozen=True, kw_only=True)
class EndedRun:
    """A run at its end, on the one process that speaks for all of them.

    Attributes:
        adapted: with the adapter as the run leaves it (the best one, where it goes back to that).
        dataset: the examples as the run was given them, tokenized.
        seconds: wall-clock of the run.
    """

    adapted: PeftModel
    arguments: TrainingArguments
    state: TrainerState
    dataset: Any

    @property
    def replicas(self) -> int:
        """How many devices each took a batch per forward pass."""
        return int(self.arguments.world_size * max(1, self.arguments.n_gpu))

    @property
    def labels(self) -> int:
        """How many labels its head has."""
        return int(self.adapted.config.num_labels)

    @property
    def rows(self) -> int | None:
        """How many examples it was given; ``None`` for a stream."""
        return len(self.dataset) if hasattr(self.dataset, "__len__") else None

    @property
    def base_name(self) -> str:
        """What the base was loaded from: a folder, or a name at the Hub."""
        named = self.adapted.peft_config[self.adapted.active_adapter].base_model_name_or_path
        return str(named or self.adapted.config._name_or_path)


def save(run: EndedRun, folder: Path) -> None:
    """Writes the adapter as PEFT does."""
    run.adapted.save_pretrained(str(folder), safe_serialization=True)


def trainer_of(arguments: TrainingArguments) -> str:
    """Returns what kind of run has such arguments: ``trl.SFTTrainer``."""
    kind = type(arguments)
    name = kind.__name__.removesuffix("Config").removesuffix("TrainingArguments")
    return f"{kind.__module__.partition('.')[0]}.{name}Trainer"


def training_used(run: EndedRun) -> dict[str, Any]:
    """Returns the run's arguments that a recipe has words for."""
    names = (name for name in TrainingSettings.__struct_fields__ if hasattr(run.arguments, name))
    used = {name: _plain(getattr(run.arguments, name)) for name in names}
    return {name: value for name, value in used.items() if value is not None}


def unsaid(run: EndedRun) -> dict[str, Any]:
    """Returns what the run was told besides its defaults, that no recipe has words for."""
    default = type(run.arguments)(output_dir="", use_cpu=run.arguments.use_cpu)
    told: dict[str, Any] = {}
    for name in (each.name for each in dataclasses.fields(run.arguments)):
        value = _plain(getattr(run.arguments, name))
        ours = name in TrainingSettings.__struct_fields__ or name in _OF_THE_PROCESS
        if not (ours or name.startswith(_OF_THE_OUTPUT) or value == _plain(getattr(default, name))):
            told[name] = value
    planned, taken = run.state.max_steps, run.state.global_step
    if taken != planned:
        told["stopped"] = f"after {taken} of {planned} steps"
    if run.arguments.load_best_model_at_end and run.state.best_global_step is not None:
        told["best_step"] = run.state.best_global_step
    return told


def _plain(value: Any) -> Any:
    """Returns a value as JSON has it; of what JSON has no word for, its text."""
    if isinstance(value, Enum):
        return _plain(value.value)
    if isinstance(value, set | frozenset):
        return sorted(map(_plain, value), key=str)
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return redacted(str(value))


def lora_config(run: EndedRun) -> dict[str, Any]:
    """Returns the run's ``peft.LoraConfig``, as JSON would have it."""
    config = run.adapted.peft_config[run.adapted.active_adapter]
    return {name: _plain(value) for name, value in config.to_dict().items()}


def targets(run: EndedRun) -> list[str]:
    """Returns the modules that the run has LoRA on, as PEFT names them."""
    return list(run.adapted.base_model.targeted_module_names)


def facts(run: EndedRun, *, labels: Sequence[str], trail: Sequence[TrailStep]) -> TrainingFacts:
    """Returns the run in numbers, from what it logged."""
    history = run.state.log_history
    totals: Mapping[str, Any] = next((e for e in reversed(history) if "train_runtime" in e), {})
    losses = [float.fromhex(step.loss) for step in trail]
    return TrainingFacts(
        steps=run.state.global_step,
        epochs=float(run.state.epoch or 0.0),
        rows=run.rows or 0,
        # transformers counts them only when it is told to, and says 0 when it is not.
        tokens=int(run.state.num_input_tokens_seen) or None,
        seconds=float(totals.get("train_runtime", 0.0)),
        first_loss=losses[0] if losses else None,
        last_loss=losses[-1] if losses else None,
        trainable_parameters=sum(p.numel() for p in run.adapted.parameters() if p.requires_grad),
        target_modules=sorted(targets(run)),
        labels=list(labels),
        trainer=trainer_of(run.arguments),
        trail_sha256=trail_digest(trail),
    )


def trail(run: EndedRun) -> list[TrailStep]:
    """Returns the steps that the run logged; their losses are means since the one before."""
    return [_step(entry) for entry in run.state.log_history if "loss" in entry]


def _step(entry: Mapping[str, Any]) -> TrailStep:
    norm = entry.get("grad_norm")
    return TrailStep(
        step=int(entry["step"]),
        loss=float(entry["loss"]).hex(),
        learning_rate=float(entry.get("learning_rate", 0.0)).hex(),
        grad_norm=None if norm is None else float(norm).hex(),
    )


def environment_of(run: EndedRun) -> Environment:
    """Returns what the run was built with: a deterministic one only if torch was told so."""
    found = environment(str(run.arguments.device), threads=torch.get_num_threads())
    told = torch.are_deterministic_algorithms_enabled()
    return msgspec.structs.replace(found, deterministic=told)


@dataclass(frozen=True, kw_only=True)
class RowsUsed:
    """How the examples of a run stand to those that a recipe gives.

    Attributes:
        given: examples of the run.
        same: those with tokens and label of an example of the recipe.
        relabelled: those with its tokens under another label id.
    """

    given: int
    same: int
    relabelled: int


def rows_used(run: EndedRun, examples: Sequence[Example], *, tokenizer: Any) -> RowsUsed | None:
    """Compares what the run trained on with a recipe's examples; ``None`` where that is a stream.

    Token ids are compared without special tokens (padding and marks of the ends differ between
    trainers), up to the length of the longest row of the side that cuts its rows shorter. Packed
    examples of TRL are taken apart.
    """
    if run.rows is None:
        return None
    special = set(tokenizer.all_special_ids)
    used = [(_without(ids, special), label) for ids, label in _examples(run.dataset)]
    ours = [(_without(each.input_ids, special), each.label) for each in examples]
    if not used or not ours:
        return RowsUsed(given=len(used), same=0, relabelled=0)
    longest = min(max(len(ids) for ids, _ in side) for side in (used, ours))
    left = Counter((ids[:longest], label) for ids, label in ours)
    tokens = {ids for ids, _ in left}
    same = relabelled = 0
    for ids, label in used:
        key = (ids[:longest], label)
        if left[key] > 0:
            left[key] -= 1
            same += 1
        elif key[0] in tokens:
            relabelled += 1
    return RowsUsed(given=len(used), same=same, relabelled=relabelled)


def _without(ids: Sequence[int], special: set[int]) -> tuple[int, ...]:
    return tuple(number for number in map(int, ids) if number not in special)


def _examples(dataset: Any) -> Iterator[tuple[Sequence[int], int | None]]:
    """Yields token ids and label id of each example; the label only where it is one number."""
    for row in (dataset[number] for number in range(len(dataset))):
        ids, start = row["input_ids"], 0
        for length in row.get("seq_lengths", [len(ids)]):
            yield ids[start : start + length], _number(row.get("label", row.get("labels")))
            start += length


def _number(label: Any) -> int | None:
    """Returns a label id; ``None`` for the labels of tokens, and for none."""
    one = label is not None and not isinstance(label, list) and getattr(label, "ndim", 0) == 0
    return int(label) if one else None
