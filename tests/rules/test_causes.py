"""Where two builds part, and what changed, make a likely cause."""

from __future__ import annotations

from typing import Any

import pytest

from adapterctl.records.version import TrailStep
from adapterctl.rules.causes import likely_cause
from adapterctl.rules.trails import Divergence

STEP = TrailStep(step=1, loss="0x1p+0", learning_rate="0x1p-8", grad_norm="0x1p+1")


def at(step: int, *fields: str) -> Divergence:
    return Divergence(step, STEP, STEP, fields)


def cause(divergence: Divergence | None, *environment: str, **rest: Any) -> str:
    how = {"same_rows": True, "differing_sets": []} | rest
    return likely_cause(divergence=divergence, environment=environment, **how)


@pytest.mark.parametrize(
    ("divergence", "where"),
    [
        (at(1, "loss", "grad_norm", "weights_sha256"), "the first forward pass differs"),
        (at(8, "loss"), "step 8 differs in its loss"),
        (at(3, "grad_norm"), "the backward pass differs at step 3, after an equal loss"),
        (at(3, "learning_rate", "weights_sha256"), "the schedule differs at step 3"),
        (at(9, "weights_sha256"), "the optimizer differs at or before step 9"),
        (at(5), "one of the two trails ends at step 5"),
        (None, "training agrees step by step, and only what was saved differs"),
    ],
)
def test_the_first_computation_that_differs_is_named(
    divergence: Divergence | None, where: str
) -> None:
    assert cause(divergence, "torch: 2.12 -> 2.13").startswith(where)


def test_the_likeliest_of_several_changes_is_named() -> None:
    said = cause(at(1, "loss"), "peft: 0.20 -> 0.21", "cpu_capability: AVX512 -> AVX2")
    assert said.endswith("adds up in another order (cpu_capability: AVX512 -> AVX2)")


def test_other_tokens_are_not_blamed_on_the_processor() -> None:
    said = cause(
        at(1, "loss"),
        "cpu_capability: AVX512 -> AVX2",
        "tokenizers: 0.21 -> 0.22",
        same_rows=False,
        differing_sets=["gold"],
    )
    assert said == (
        "preprocessing gives other rows or tokens for gold: another tokenizers cuts text "
        "otherwise (tokenizers: 0.21 -> 0.22)"
    )


def test_without_any_change_nothing_is_blamed() -> None:
    assert "nothing in the environment explains it" in cause(at(4, "loss"))
    assert "does it depend on time" in cause(None, same_rows=False, differing_sets=["train"])
