"""The builtin trainer beside ``transformers.Trainer`` with PEFT."""

from __future__ import annotations

import math
import statistics
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from adapterctl.training.learning.job import SlotJob, Trained
from support.reference_trainer import reference, saved_start, trainer
from support.training_jobs import (
    classified,
    completions,
    job,
    train_all,
    with_dropout,
    without_dropout,
)

TOLERANCE = 1e-4
NO_DROPOUT = {"lora_dropout": 0.0}


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def followed(task: SlotJob, base: Path, folder: Path) -> tuple[list[float], list[float], Trained]:
    """Losses of Trainer and of the builtin trainer from the same start; and our result."""
    model = reference(task, base)
    start = saved_start(model, folder / "start.safetensors")
    other = trainer(task, model, folder / "trainer")
    other.train()
    [ours] = train_all([_starting_at(task, start)], base)
    return list(other.losses.values()), losses(ours), ours


def losses(result: Trained) -> list[float]:
    return [float.fromhex(step.loss) for step in result.trail]


def has_learned(found: list[float]) -> bool:
    """Whether losses moved by far more than they may differ: standing still is easy to follow."""
    return found[0] - found[-1] > 100 * TOLERANCE * found[0]


def _starting_at(task: SlotJob, start: Path) -> SlotJob:
    return replace(task, initial_weights=start)


CASES = {
    "classification on BERT": (
        "bert",
        {"weight_decay": 0.1, "warmup_steps": 5, "lr_scheduler_type": "cosine"},
    ),
    "classification on Llama": ("llama", {"max_grad_norm": 0.5}),
}


@pytest.mark.parametrize(("base", "settings"), CASES.values(), ids=CASES)
def test_classification_follows_trainer_for_50_steps(
    base: str, settings: dict[str, Any], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    plain = without_dropout(request.getfixturevalue(base), tmp_path / "base")
    task = job(tmp_path, classified(150), lora=NO_DROPOUT, max_steps=50, **settings)
    theirs, ours, _ = followed(task, plain, tmp_path)
    assert ours == pytest.approx(theirs, rel=TOLERANCE)
    assert has_learned(ours)


def test_completions_follow_trainer_for_50_steps(llama: Path, tmp_path: Path) -> None:
    plain = without_dropout(llama, tmp_path / "base")
    settings = {"gradient_accumulation_steps": 2, "max_grad_norm": 0.7}
    task = job(tmp_path, completions(120), lora=NO_DROPOUT, max_steps=50, **settings)
    theirs, ours, _ = followed(task, plain, tmp_path)
    assert ours == pytest.approx(theirs, rel=TOLERANCE)
    assert has_learned(ours)


def test_trainer_still_adds_up_what_a_classifier_has_averaged(bert: Path, tmp_path: Path) -> None:
    # Known departure: classifiers of transformers take `num_items_in_batch` and ignore it, so
    # Trainer's loss and gradient grow with the number of accumulated batches. Ours do not.
    plain = without_dropout(bert, tmp_path / "base")
    settings = {"gradient_accumulation_steps": 3, "max_steps": 1}
    theirs, ours, _ = followed(
        job(tmp_path, classified(48), lora=NO_DROPOUT, **settings), plain, tmp_path
    )
    assert theirs == pytest.approx([3 * ours[0]], rel=TOLERANCE)


@pytest.mark.parametrize(
    "settings",
    [
        {"label_smoothing_factor": 0.2},
        {"optim": "adafactor"},
        {"optim": "sgd", "weight_decay": 0.01, "learning_rate": 0.5},
        {"optim": "adamw_torch", "adam_beta1": 0.8, "adam_beta2": 0.95, "adam_epsilon": 1e-6},
        {"lr_scheduler_type": "constant_with_warmup", "warmup_steps": 0.3},
        {"max_grad_norm": 0.0},
        {"gradient_checkpointing": True},
        {"bf16": True},
    ],
    ids=lambda settings: next(iter(settings.items())).__str__(),
)
def test_each_setting_does_what_trainer_does(
    settings: dict[str, Any], gpt2: Path, tmp_path: Path
) -> None:
    plain = without_dropout(gpt2, tmp_path / "base")
    task = job(tmp_path, completions(40), lora=NO_DROPOUT, max_steps=8, **settings)
    theirs, ours, _ = followed(task, plain, tmp_path)
    # Two roundings of bfloat16 apart: 8 bits of mantissa.
    assert ours == pytest.approx(theirs, rel=2e-3 if settings.get("bf16") else TOLERANCE)


def test_gradient_norms_and_learning_rates_are_trainers(bert: Path, tmp_path: Path) -> None:
    plain = without_dropout(bert, tmp_path / "base")
    task = job(
        tmp_path,
        classified(40),
        lora=NO_DROPOUT,
        warmup_steps=3,
        max_grad_norm=0.1,
        logging_steps=1,
    )
    model = reference(task, plain)
    start = saved_start(model, tmp_path / "start.safetensors")
    other = trainer(task, model, tmp_path / "trainer")
    other.train()
    [ours] = train_all([_starting_at(task, start)], plain)
    logs = [entry for entry in other.state.log_history if "grad_norm" in entry]
    for key in ("grad_norm", "learning_rate"):
        found = [float.fromhex(getattr(step, key)) for step in ours.trail]
        assert found == pytest.approx([float(entry[key]) for entry in logs], rel=TOLERANCE)


def test_with_the_base_s_dropout_the_distribution_is_trainers(bert: Path, tmp_path: Path) -> None:
    # One batch again and again at a rate that moves nothing: losses differ by dropout alone.
    noisy = with_dropout(bert, tmp_path / "base", share=0.4)
    task = job(
        tmp_path, classified(8), lora={"lora_dropout": 0.5}, max_steps=150, learning_rate=1e-12
    )
    theirs, ours, _ = followed(task, noisy, tmp_path)
    error = math.hypot(statistics.stdev(theirs), statistics.stdev(ours)) / len(theirs) ** 0.5
    assert statistics.mean(ours) == pytest.approx(statistics.mean(theirs), abs=4 * error)
    assert statistics.stdev(ours) == pytest.approx(statistics.stdev(theirs), rel=0.3)
    assert ours != theirs
