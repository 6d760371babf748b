"""What is summed up from what was counted."""

from __future__ import annotations

import pytest

from adapterctl.records.recipe import TrainingSettings
from adapterctl.rules.planning.memory import Counted, memory, note_on_room


def counted(passing: int | None) -> Counted:
    return Counted(weights=1_000, shapes=[[4, 10], [10, 4]], passing=passing, rows=8, tokens=512)


def test_states_are_four_bytes_of_weight_and_gradient_and_eight_of_moments():
    found = memory(counted(5_320), TrainingSettings())
    assert (found.weights, found.adapter, found.gradients) == (1_000, 320, 320)
    assert (found.optimizer, found.activations) == (640, 5_000)
    assert found.total == 1_000 + 320 + 320 + 640 + 5_000
    assert found.source == (
        "counted on the architecture without weights, for a pass of 8 rows and 512 tokens; within "
        "10%"
    )


@pytest.mark.parametrize(("optim", "kept"), [("sgd", 0), ("adafactor", 4 * (14 + 14))])
def test_an_optimizer_keeps_its_own(optim, kept):
    assert memory(counted(5_000), TrainingSettings(optim=optim)).optimizer == kept


def test_what_could_not_be_counted_is_left_out_and_said():
    found = memory(counted(None), TrainingSettings())
    assert found.activations is None
    assert found.total == 1_000 + 320 + 320 + 640
    assert found.source == (
        "weights and states alone: what a pass of 8 rows and 512 tokens takes could not be counted "
        "on this architecture"
    )


def test_what_would_not_fit_is_told_with_what_to_change():
    found = memory(counted(int(20e9)), TrainingSettings())
    assert list(note_on_room(found, int(24e9))) == []
    assert list(note_on_room(found, int(16e9))) == [
        "training takes about 20.0 GB, and 16.0 GB are free here: lower "
        "training.per_device_train_batch_size and raise gradient_accumulation_steps as much, or "
        "set gradient_checkpointing: true"
    ]
