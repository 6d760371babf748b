"""Frozen layers that oneDNN multiplies come to what torch's own come to, forward and back."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers.pytorch_utils import Conv1D

from adapterctl.training.learning.pairs import joined
from adapterctl.training.loading import load_base
from adapterctl.training.products import (
    QuickConv1D,
    QuickDropout,
    QuickLinear,
    added,
    is_offered,
    is_quick,
    multiplied,
    quicken,
)
from training.test_pairs import WIDE, layers, learned, pairs


@pytest.fixture(autouse=True)
def wherever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the processor is, oneDNN multiplies."""
    monkeypatch.setattr("adapterctl.training.products.pays", lambda: True)


needs_onednn = pytest.mark.skipif(not is_offered(), reason="this torch has no oneDNN")


def quick(layer: torch.nn.Module) -> torch.nn.Module:
    made = copy.deepcopy(layer).requires_grad_(False)
    quicken(made)
    return made


def frozen(kind: str) -> torch.nn.Module:
    torch.manual_seed(3)
    made = {
        "with a bias": lambda: torch.nn.Linear(12, 7),
        "without": lambda: torch.nn.Linear(12, 7, bias=False),
        "the other way round": lambda: Conv1D(7, 12),
    }[kind]()
    return made.requires_grad_(False)


@needs_onednn
@pytest.mark.parametrize("kind", ["with a bias", "without", "the other way round"])
@pytest.mark.parametrize("shape", [(12,), (1, 12), (5, 12), (2, 3, 12)])
def test_a_quick_layer_answers_and_leads_back_as_the_plain_one(
    kind: str, shape: tuple[int, ...]
) -> None:
    plain = frozen(kind)
    ours = quick(plain)
    assert type(ours) in {QuickLinear, QuickConv1D}
    x = torch.randn(shape, requires_grad=True)
    weight = torch.randn(*shape[:-1], 7)
    found = {}
    for layer in (plain, ours):
        answer = layer(x)
        found[layer] = [answer, *torch.autograd.grad((answer * weight).sum(), [x])]
    for one, other in zip(found[plain], found[ours], strict=True):
        torch.testing.assert_close(one, other)


@needs_onednn
def test_torch_has_the_operators_and_they_compute_what_is_said_here() -> None:
    x, weight, bias, to = (torch.randn(size) for size in ((70, 30), (20, 30), (20,), (70, 20)))
    torch.testing.assert_close(multiplied(x, weight, bias), x @ weight.t() + bias)
    kept = to.clone()
    torch.testing.assert_close(added(x, weight, to), to + x @ weight.t())
    assert torch.equal(to, kept)


@needs_onednn
@pytest.mark.parametrize("rows", [1, 17, 64, 500])
def test_a_product_has_the_same_bits_every_time_and_wherever_it_lies(rows: int) -> None:
    weight = torch.randn(96, 48)
    x = torch.randn(rows, 48)
    first = multiplied(x, weight)
    for shift in range(1, 5):
        room = torch.empty(rows * 48 + shift)
        moved = room[shift:].view(rows, 48).copy_(x)
        assert torch.equal(multiplied(moved, weight), first)


def test_a_layer_that_learns_answers_as_ever_and_has_its_gradients() -> None:
    layer = quick(torch.nn.Linear(4, 3)).requires_grad_(True)
    x = torch.randn(2, 4)
    layer(x).sum().backward()
    assert layer.weight.grad is not None and layer.bias.grad is not None
    torch.testing.assert_close(layer.weight.grad, x.sum(0).expand(3, 4))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_in_another_type_everything_is_as_ever(dtype: torch.dtype) -> None:
    plain = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Dropout(0.5)).to(dtype)
    ours, x = quick(plain), torch.randn(2, 4, dtype=dtype)
    torch.manual_seed(1)
    wanted = plain.requires_grad_(False)(x)
    torch.manual_seed(1)
    assert torch.equal(ours(x), wanted)


def test_autocast_is_heeded() -> None:
    ours = quick(torch.nn.Linear(4, 3))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert ours(torch.randn(2, 4)).dtype is torch.bfloat16


def test_no_rows_are_no_rows() -> None:
    assert quick(torch.nn.Linear(4, 3))(torch.randn(0, 4)).shape == (0, 3)


def test_a_base_s_dropout_keeps_its_share_and_ends_with_training() -> None:
    ours = quick(torch.nn.Dropout(0.25))
    assert type(ours) is QuickDropout
    x = torch.ones(100_000, requires_grad=True)
    dropped = ours(x)
    assert (dropped == 0).float().mean().item() == pytest.approx(0.25, abs=0.01)
    assert dropped.mean().item() == pytest.approx(1, abs=0.01)
    assert torch.equal(ours.eval()(x), x)


@needs_onednn
def test_pairs_on_quick_layers_come_to_the_same() -> None:
    plain, own = layers(), pairs(0.0)
    ours = [quick(layer) for layer in plain]
    x = torch.randn(70, WIDE, requires_grad=True)
    found: list[list[Any]] = []
    for each in (plain, ours):
        answers = [*joined(x, each, own)]
        found.append([*answers, *learned(answers, x, own)])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-3)
        assert one.is_contiguous() and other.is_contiguous()


def test_what_only_looks_like_a_linear_layer_stays_as_it_is() -> None:
    class Doubled(torch.nn.Linear):  # type: ignore[misc]
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x) * 2

    layer = Doubled(3, 3)
    quicken(layer)
    assert type(layer) is Doubled
    assert not is_quick(layer)


@pytest.mark.parametrize("wanted", [True, False])
def test_a_base_on_the_cpu_is_quick_unless_it_is_not_to_be(bert: Path, wanted: bool) -> None:
    base = load_base(bert, task="SEQ_CLS", head_seed=0, device="cpu", num_labels=3, quick=wanted)
    assert is_quick(base.model) is wanted
    half = load_base(
        bert, task="SEQ_CLS", head_seed=0, device="cpu", num_labels=3, dtype="bfloat16"
    )
    assert not is_quick(half.model)


@pytest.mark.parametrize(
    ("vendor", "kind"),
    [("AuthenticAMD", QuickLinear), ("GenuineIntel", torch.nn.Linear), (None, torch.nn.Linear)],
)
@needs_onednn
def test_products_are_onednns_where_it_is_the_faster_one(
    vendor: str | None, kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr("adapterctl.training.products.cpu_vendor", lambda: vendor)
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Dropout(0.1))
    quicken(model.requires_grad_(False))
    assert [type(layer) for layer in model] == [kind, QuickDropout]
