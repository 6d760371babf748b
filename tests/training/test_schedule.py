from __future__ import annotations

from pathlib import Path

import pytest
from transformers import TrainingArguments

from adapterctl.records.recipe import TrainingSettings
from adapterctl.training.learning.order import row_order
from adapterctl.training.learning.schedule import Schedule


def schedule(rows: int, **settings: object) -> Schedule:
    return Schedule(rows=rows, settings=TrainingSettings(**settings))


def test_a_step_takes_the_rows_of_all_batches_it_accumulates() -> None:
    steps = schedule(100, per_device_train_batch_size=8, gradient_accumulation_steps=3)
    order = row_order(100, seed=42, epoch=0)
    assert steps.rows_of(0) == order[0:24]
    assert steps.rows_of(1) == order[24:48]


def test_the_last_step_of_an_epoch_is_short_and_spans_no_two_epochs() -> None:
    steps = schedule(20, per_device_train_batch_size=8, gradient_accumulation_steps=2)
    assert steps.steps_per_epoch == 2
    assert steps.rows_of(1) == row_order(20, seed=42, epoch=0)[16:20]
    assert steps.rows_of(2) == row_order(20, seed=42, epoch=1)[0:16]


@pytest.mark.parametrize(
    ("epochs", "max_steps", "steps"),
    [(1.0, -1, 4), (2.5, -1, 10), (0.1, -1, 1), (3.0, 7, 7), (1.0, 100, 100)],
)
def test_steps_follow_from_epochs_unless_they_are_set(
    epochs: float, max_steps: int, steps: int
) -> None:
    settings = {"num_train_epochs": epochs, "max_steps": max_steps}
    found = schedule(50, per_device_train_batch_size=4, gradient_accumulation_steps=4, **settings)
    assert found.steps == steps


@pytest.mark.parametrize("warmup", [0, 0.03, 0.5, 1, 7, 12.9])
def test_warm_up_is_counted_as_training_arguments_count_it(warmup: float, tmp_path: Path) -> None:
    stated = TrainingArguments(output_dir=str(tmp_path), warmup_steps=warmup, use_cpu=True)
    found = schedule(1, max_steps=90, warmup_steps=warmup)
    assert found.warmup_steps == stated.get_warmup_steps(90)


def test_the_older_ratio_means_a_share_of_all_steps() -> None:
    assert schedule(1, max_steps=90, warmup_ratio=0.05).warmup_steps == 5
