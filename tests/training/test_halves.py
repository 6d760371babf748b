"""A pass in two halves: the bits of one half after the other, and never where threads would mix."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from adapterctl.rules.arithmetic import HALVED_FROM, HALVED_TO, is_halved
from adapterctl.training.learning import gradients
from adapterctl.training.learning.dropout import drawing, dropped
from adapterctl.training.learning.halves import deal, draws_elsewhere, keeps_state, side_by_side
from adapterctl.training.learning.job import SlotJob, Trained
from adapterctl.training.learning.layers import Siblings, SlotLinear, Switch
from adapterctl.training.learning.pairs import Pair
from adapterctl.training.learning.unpadded import Layout
from adapterctl.training.loading import load_base
from support.training_jobs import (
    adapter_bytes,
    classified,
    completions,
    job,
    train_all,
    with_dropout,
    without_dropout,
)

CPU = torch.device("cpu")


def halvable(folder: Path, name: str = "one", **settings: Any) -> SlotJob:
    """Passes of 32 rows and some 380 tokens."""
    rows = classified(96, seed=len(name))
    return job(folder, rows, name=name, per_device_train_batch_size=32, **settings)


class Spied:
    """Counts the passes in halves, and can have the second half wait for the first."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.passes, self.in_turn = 0, False
        monkeypatch.setattr(gradients, "side_by_side", self)

    def __call__(self, tasks: Sequence[Callable[[], Any]], *, threads: int) -> list[Any]:
        self.passes += 1
        if not self.in_turn:
            return side_by_side(tasks, threads=threads)
        return [side_by_side([task], threads=threads // len(tasks))[0] for task in tasks]


@pytest.fixture
def spied(monkeypatch: pytest.MonkeyPatch) -> Spied:
    return Spied(monkeypatch)


def trained(each: SlotJob, base: Path, **settings: Any) -> Trained:
    [result] = train_all([each], base, **{"threads": 2, **settings})
    return result


# Dealing.


@given(st.lists(st.integers(1, 100), min_size=1, max_size=70))
def test_each_row_is_in_one_half_and_halves_weigh_about_the_same(lengths: list[int]) -> None:
    order = sorted(range(len(lengths)), key=lambda row: -lengths[row])
    halves = deal(order)
    assert sorted(row for half in halves for row in half) == list(range(len(lengths)))
    assert all(half == [row for row in order if row in half] for half in halves)
    if len(lengths) > 1:
        first, second = (sum(lengths[row] for row in half) for half in halves)
        assert abs(first - second) <= max(lengths)


@pytest.mark.parametrize(
    ("changed", "halved"),
    [
        ({}, True),
        ({"tokens": HALVED_FROM - 1}, False),
        ({"width": HALVED_TO // HALVED_FROM}, True),
        ({"width": HALVED_TO // HALVED_FROM + 1}, False),
        ({"threads": 1}, False),
        ({"arithmetic": 3}, False),
    ],
)
def test_passes_of_moderate_size_are_halved(changed: dict[str, int], halved: bool) -> None:
    asked = {"tokens": HALVED_FROM, "width": 384, "threads": 2, "arithmetic": 4, **changed}
    assert is_halved(**asked) is halved


# Bits.


def test_side_by_side_comes_to_the_bits_of_one_after_the_other(
    bert: Path, tmp_path: Path, spied: Spied
) -> None:
    at_once = trained(halvable(tmp_path / "at once"), bert)
    assert spied.passes == 6
    spied.in_turn = True
    in_turn = trained(halvable(tmp_path / "in turn"), bert)
    assert spied.passes == 12
    assert adapter_bytes(at_once) == adapter_bytes(in_turn)
    assert at_once.trail == in_turn.trail


def test_neighbours_and_other_slots_change_nothing(
    bert: Path, tmp_path: Path, spied: Spied
) -> None:
    def fleet(folder: Path) -> list[SlotJob]:
        other: dict[str, Any] = {"lora": {"r": 8}, "gradient_accumulation_steps": 2}
        return [halvable(folder, "a"), halvable(folder, "bb", **other), halvable(folder, "ccc")]

    together = train_all(fleet(tmp_path / "fleet"), bert, threads=2)
    alone = [trained(each, bert, slots=1) for each in fleet(tmp_path / "solo")]
    assert spied.passes == 2 * (6 + 9 + 6)
    for one, other in zip(together, alone, strict=True):
        assert adapter_bytes(one) == adapter_bytes(other)


def test_halves_are_the_whole_up_to_rounding(bert: Path, tmp_path: Path, spied: Spied) -> None:
    base = without_dropout(bert, tmp_path / "base")
    still = {"lora": {"lora_dropout": 0.0}}
    halved = trained(halvable(tmp_path / "halved", **still), base)
    assert spied.passes
    whole = trained(halvable(tmp_path / "whole", **still), base, threads=1)
    for one, other in zip(halved.trail, whole.trail, strict=True):
        assert float.fromhex(one.loss) == pytest.approx(float.fromhex(other.loss), rel=1e-5)
        assert float.fromhex(one.grad_norm) == pytest.approx(
            float.fromhex(other.grad_norm), rel=1e-4
        )
    assert halved.facts.tokens == whole.facts.tokens


def test_completions_are_halved_too(llama: Path, tmp_path: Path, spied: Spied) -> None:
    rows = completions(64)
    each = job(tmp_path, rows, per_device_train_batch_size=32, lora={"lora_dropout": 0.0})
    halved = trained(each, llama)
    assert spied.passes == 6
    each = job(tmp_path / "2", rows, per_device_train_batch_size=32, lora={"lora_dropout": 0.0})
    whole = trained(each, llama, threads=1)
    losses = [[float.fromhex(step.loss) for step in one.trail] for one in (halved, whole)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


# Where threads would mix.


@pytest.mark.parametrize(
    "settings",
    [{"gradient_checkpointing": True}, {"bf16": True}, {"lora": {"use_dora": True}}],
    ids=lambda settings: next(iter(settings)),
)
def test_what_two_threads_would_share_is_not_halved(
    settings: dict[str, Any], bert: Path, tmp_path: Path, spied: Spied
) -> None:
    trained(halvable(tmp_path, **settings, max_steps=2), bert)
    assert not spied.passes


@pytest.mark.parametrize(("share", "passes"), [(0.0, 2), (0.1, 0)])
def test_a_base_that_draws_from_torchs_own_generator_is_not_halved(
    share: float, passes: int, gpt2: Path, tmp_path: Path, spied: Spied
) -> None:
    # A causal base's attention drops by torch's own kernel.
    base = with_dropout(gpt2, tmp_path / "base", share=share)
    rows = completions(64)
    trained(job(tmp_path, rows, per_device_train_batch_size=32, max_steps=2), base)
    assert spied.passes == passes


def test_torchs_own_dropout_is_noticed_and_ours_is_not() -> None:
    x = torch.ones(8, 8)
    assert draws_elsewhere(lambda: torch.nn.functional.dropout(x, 0.5))
    assert not draws_elsewhere(lambda: dropped(x.shape, 0.5, device=CPU))


@pytest.mark.parametrize(
    ("kind", "kept"),
    [("default", False), ("llama3", False), ("dynamic", True), ({"full": "longrope"}, True)],
)
def test_rotary_embeddings_that_grow_are_noticed(kind: Any, kept: bool) -> None:
    model = torch.nn.Sequential(torch.nn.Linear(2, 2))
    model[0].rope_type = kind
    assert keeps_state(model) is kept


# What it stands on.


def test_a_threads_masks_are_those_of_the_global_generator() -> None:
    shape = torch.Size((5, 7))
    torch.manual_seed(9)
    ours = dropped(shape, 0.3, device=CPU)
    state = torch.get_rng_state()
    with drawing(9):
        other = dropped(shape, 0.3, device=CPU)
    assert ours is not None and other is not None
    assert torch.equal(ours, other)
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(dropped(shape, 0.3, device=CPU), ours)


def test_threads_are_counted_thread_by_thread() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    try:
        assert side_by_side([torch.get_num_threads] * 2, threads=4) == [2, 2]
        assert side_by_side([torch.get_num_threads] * 2, threads=1) == [1, 1]
        assert torch.get_num_threads() == 4
    finally:
        torch.set_num_threads(before)


def test_what_a_half_raises_is_raised() -> None:
    def fail() -> None:
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        side_by_side([fail, lambda: None], threads=2)


def test_siblings_keep_what_each_thread_has_asked(bert: Path) -> None:
    base = load_base(bert, task="SEQ_CLS", head_seed=0, device="cpu", num_labels=2)
    switch = Switch(Layout(base.model))
    both = threading.Barrier(2)
    siblings, layers = Siblings(), {}
    for name in ("query", "key"):
        frozen = torch.nn.Linear(4, 4).requires_grad_(False)
        layers[name] = SlotLinear(frozen, switch, name)
        parameters = [torch.nn.Parameter(torch.randn(shape)) for shape in ((2, 4), (4, 2))]
        pair = Pair(a=parameters[0], b=parameters[1], scaling=1.0, dropout=0.0)
        siblings.join(name, layers[name], pair)

    def ask(x: torch.Tensor) -> list[torch.Tensor]:
        first = siblings.answer("query", x)
        both.wait(30)
        return [first, siblings.answer("key", x)]

    inputs = [torch.randn(3, 4), torch.randn(5, 4)]
    found = side_by_side([lambda x=x: ask(x) for x in inputs], threads=2)
    for x, answers in zip(inputs, found, strict=True):
        for name, answer in zip(layers, answers, strict=True):
            assert torch.equal(answer, siblings.answer(name, x))
