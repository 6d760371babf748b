"""Learning rate, work and time on a successor, by hand-worked numbers."""

from __future__ import annotations

import msgspec
import pytest

from adapterctl.records.recipe import TrainingSettings
from adapterctl.rules.planning.estimates import (
    Cost,
    LearningRate,
    TextLengths,
    cost,
    learning_rate,
    rows_seen,
)
from support.plans import a_shape, record_of
from support.registries import a_training

LENGTHS = TextLengths(rows=100, conversations=0, tokens=1_000, longest=40, limit=128, cut=0, lost=0)


# learning rate


@pytest.mark.parametrize(
    ("old", "new", "rate"),
    [
        # (2048 / 4096) ** 0.781 = 0.58196
        (("llama", 2048), ("llama", 4096), 2.91e-4),
        # (4096 / 2048) ** 0.0775 = 1.05519
        (("qwen3", 4096), ("qwen2", 2048), 5.28e-4),
        # (2000 / 1024) ** 0.0775 / (2000 / 4096) ** 0.781 = 1.05326 / 0.57115
        (("llama", 4096), ("qwen3", 1024), 9.22e-4),
    ],
)
def test_the_learning_rate_goes_with_the_width_in_calibrated_families(old, new, rate):
    found = learning_rate(5e-4, old=a_shape(*old), new=a_shape(*new))
    assert found.new == rate
    assert found.basis == "width transfer"
    assert found.source.startswith("(2000/hidden)^e of tinker-cookbook, e = ")
    assert found.source.endswith(f"hidden {old[1]:,} to {new[1]:,}")


def test_the_learning_rate_is_carried_uncalibrated_elsewhere():
    assert learning_rate(5e-4, old=a_shape("bert", 384), new=a_shape("llama", 2048)) == (
        LearningRate(
            old=5e-4,
            new=5e-4,
            basis="uncalibrated",
            source="no width transfer is known from bert to llama; sweep it if the parity fails",
        )
    )


def test_the_learning_rate_is_carried_to_the_same_family_and_width():
    found = learning_rate(5e-4, old=a_shape("bert", 384), new=a_shape("bert", 384))
    assert (found.new, found.basis) == (5e-4, "carried")
    assert found.source == "both bases are bert of width 384"


def test_the_learning_rate_is_uncalibrated_without_the_old_base():
    found = learning_rate(5e-4, old=None, new=a_shape("llama", 2048))
    assert found.new == 5e-4
    assert found.source == (
        "no width transfer is known from the old base to llama; sweep it if the parity fails"
    )


# cost


def test_time_is_scaled_by_layers_and_tokens():
    # One linear layer of hidden x hidden: 64 * 64 against 32 * 32 is 4 times the work.
    old, new = a_shape("bert", 32), a_shape("bert", 64)
    record = record_of(tokens=6_000, seconds=10.0)
    found = cost(TrainingSettings(), LENGTHS, old=old, new=new, record=record)
    assert found == Cost(
        rows=300,
        tokens=3_000,
        flops=4 * 64 * 64 * 3_000,
        seconds=20.0,
        source="estimated from the 10 s of version 1 on cpu, times 2.00 for layers and tokens",
    )


def test_time_is_unknown_without_a_measurement_or_the_old_base():
    shape = a_shape("bert", 32)
    taken = msgspec.structs.replace(record_of(), training=None)
    found = cost(TrainingSettings(), LENGTHS, old=shape, new=shape, record=taken)
    assert (found.seconds, found.source) == (
        None,
        "no estimate, the old version's record has no time",
    )
    found = cost(TrainingSettings(), LENGTHS, old=None, new=shape, record=record_of())
    assert (found.seconds, found.source) == (None, "no estimate, the old base is not here")


def test_a_trainer_that_does_not_tell_its_tokens_is_counted_by_its_recipe():
    shape, record = a_shape("bert", 32), record_of()
    silent = msgspec.structs.replace(a_training(), tokens=None, seconds=10.0)
    record = msgspec.structs.replace(record, training=silent)
    twice = msgspec.structs.replace(LENGTHS, tokens=2 * LENGTHS.tokens)
    settings = record.recipe.training
    found = cost(settings, twice, old=shape, new=shape, record=record, old_lengths=LENGTHS)
    assert found.seconds == 20.0
    assert cost(settings, twice, old=shape, new=shape, record=record).seconds is None


@pytest.mark.parametrize(
    ("settings", "rows"),
    [
        ({"num_train_epochs": 2.5}, 250),
        ({"max_steps": 10, "per_device_train_batch_size": 4}, 40),
        (
            {
                "max_steps": 10,
                "per_device_train_batch_size": 4,
                "gradient_accumulation_steps": 2,
            },
            80,
        ),
    ],
)
def test_rows_are_counted_as_often_as_they_are_seen(settings, rows):
    assert rows_seen(TrainingSettings(**settings), 100) == rows
