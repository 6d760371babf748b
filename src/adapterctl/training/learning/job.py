"""What the trainer is handed for one slot, and what it hands back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from adapterctl.errors import AdapterctlError
from adapterctl.records.recipe import LoraSettings, Task, TrainingSettings
from adapterctl.records.version import TrailStep, TrainingFacts
from adapterctl.rules.arithmetic import LATEST
from adapterctl.training.rows.text import Example


@dataclass(frozen=True, kw_only=True)
class SlotJob:
    """One adapter to train; a fleet is several of them on one base.

    Attributes:
        name: the slot's name, different for each job of a fleet; it changes no byte.
        examples: what is learned, in the order of the training set.
        labels: the training labels, sorted; empty for ``CAUSAL_LM``.
        work_dir: folder for checkpoints; see `checkpoints.forget`.
        out_dir: folder that becomes the adapter; replaced when it exists.
        base_name: what ``adapter_config.json`` names as its base: a Hub repository or a path.
        base_revision: the base's commit, for ``adapter_config.json``.
        initial_weights: a safetensors file with every trainable tensor under PEFT's name, to
            start from instead of weights drawn from the seed.
        held: rows that are not learned from: the loss on them is looked at on the way, and
            training stops when it has not fallen for `holdout.PATIENCE` looks.
        padded: pad the examples of a batch also where the base could do without: what versions
            were trained with before, to train them again.
        arithmetic: how numbers are computed; that of an older version, to train it again.
    """

    name: str
    task: Task
    lora: LoraSettings
    training: TrainingSettings
    examples: Sequence[Example]
    labels: Sequence[str]
    work_dir: Path
    out_dir: Path
    base_name: str
    base_revision: str | None = None
    initial_weights: Path | None = None
    held: Sequence[Example] = ()
    padded: bool = False
    arithmetic: int = LATEST


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A slot that came through: its adapter folder, its trail, its numbers.

    ``held_loss`` is the lowest loss per target on rows that were held out, if there were some.
    """

    name: str
    adapter: Path
    trail: list[TrailStep]
    facts: TrainingFacts
    held_loss: float | None = None


@dataclass(frozen=True, kw_only=True)
class Failed:
    """A slot that was stopped; its neighbours were not. ``trail`` ends before the failing step."""

    name: str
    error: AdapterctlError
    trail: list[TrailStep]


SlotResult = Trained | Failed


@dataclass(frozen=True, kw_only=True)
class Progress:
    """One optimizer step of one slot; ``steps`` is how many there will be.

    ``tokens_per_second`` counts real tokens over this step's own time, neighbours left out.
    """

    slot: str
    step: int
    steps: int
    loss: float
    learning_rate: float
    tokens_per_second: float


Log = Callable[[Progress], None]
"""Called after each optimizer step of each slot."""
