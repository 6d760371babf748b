"""What a trainer left is read for what it is, not for what the recipe wanted."""

from __future__ import annotations

import pytest

from adapterctl.records.recipe import LoraSettings
from adapterctl.records.run import Departure
from adapterctl.rules.trainer_output import (
    Progress,
    corrected,
    departures,
    progress_in,
    step_in,
    targets_in,
)
from support.recipes import classifier

LORA = LoraSettings(r=16, lora_alpha=32, target_modules="all-linear")
RECIPE = classifier(lora=LORA)
NAMES = ["layers.0.q_proj", "layers.0.v_proj"]
# As peft 0.21 writes it, as far as a recipe has words for it.
WRITTEN = {
    "r": 16,
    "lora_alpha": 32,
    "lora_dropout": 0.0,
    "target_modules": ["v_proj", "q_proj"],
    "modules_to_save": ["classifier", "score"],
    "exclude_modules": None,
    "fan_in_fan_out": False,
    "rank_pattern": {},
    "bias": "none",
}


def test_modules_are_read_from_the_tensors():
    names = [
        "base_model.model.layers.0.v_proj.lora_A.weight",
        "base_model.model.layers.0.v_proj.lora_B.weight",
        "base_model.model.embed.lora_embedding_A",
        "base_model.model.score.weight",
    ]
    assert targets_in(names) == ["embed", "layers.0.v_proj"]


def test_what_peft_fills_in_by_itself_is_no_departure():
    assert departures(RECIPE, WRITTEN, used=NAMES, intended=NAMES) == []


def test_every_setting_that_was_used_otherwise_is_a_departure():
    found = departures(
        RECIPE,
        WRITTEN | {"r": 8, "use_rslora": True, "modules_to_save": ["score", "lm_head"]},
        used=NAMES[:1],
        intended=NAMES,
    )
    assert sorted(found, key=lambda each: each.path) == [
        Departure(path="lora.modules_to_save", recipe=None, used=["lm_head"]),
        Departure(path="lora.r", recipe=16, used=8),
        Departure(path="lora.target_modules", recipe="all-linear", used=["v_proj", "q_proj"]),
        Departure(path="lora.use_rslora", recipe=False, used=True),
    ]
    used = corrected(RECIPE, found).lora
    assert (used.r, used.use_rslora, used.modules_to_save) == (8, True, ["lm_head"])
    assert used.lora_alpha == 32


def test_the_order_of_names_is_no_departure():
    recipe = classifier(lora=LoraSettings(r=16, lora_alpha=32, modules_to_save=["b", "a"]))
    config = WRITTEN | {"modules_to_save": ["a", "score", "b"]}
    assert departures(recipe, config, used=NAMES, intended=NAMES) == []


def test_a_trainer_state_tells_steps_and_losses():
    state = {
        "global_step": 6,
        "epoch": 1,
        "num_input_tokens_seen": 0,
        "log_history": [{"loss": 2.0}, {"loss": 1.0}, {"train_runtime": 3.0}],
    }
    assert progress_in(state) == Progress(steps=6, epochs=1.0, first_loss=2.0, last_loss=1.0)
    assert progress_in({"log_history": None, "epoch": "x"}) == Progress()


@pytest.mark.parametrize(
    ("line", "step"),
    [
        (" 30%|###       | 3/10 [00:01<00:03,  2.1it/s]", (3, 10)),
        ("100%|##########| 10/10 [00:04<00:00]", (9, 10)),
        ("{'loss': 1.5}", (0, 1)),
        ("saved to /tmp/3/4/out on 2026/11/23", (0, 1)),
    ],
)
def test_a_progress_bar_tells_the_step(line: str, step: tuple[int, int]):
    assert step_in(line) == step
