"""Siblings computed together come to what each comes to alone, forward and back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers.pytorch_utils import Conv1D

from adapterctl.training.learning.dropout import dropped
from adapterctl.training.learning.layers import SlotLinear
from adapterctl.training.learning.loss import collate
from adapterctl.training.learning.pairs import Pair, can_join, family_of, joined
from adapterctl.training.learning.slots import SlottedBase, SlotTrainee
from adapterctl.training.loading import load_base
from adapterctl.training.twin import read
from support.training_jobs import classified, completions, job, train_all, without_dropout

WIDE, SHARE = 12, 0.25


def layers() -> list[torch.nn.Module]:
    """A layer with a bias, one without, and one that keeps its weight the other way round."""
    torch.manual_seed(1)
    made = [torch.nn.Linear(WIDE, 7), torch.nn.Linear(WIDE, 5, bias=False), Conv1D(9, WIDE)]
    for layer in made:
        layer.requires_grad_(False)
    return made


def pairs(share: float) -> list[Pair]:
    return [
        Pair(
            a=torch.nn.Parameter(torch.randn(rank, WIDE)),
            b=torch.nn.Parameter(torch.randn(out, rank)),
            scaling=scaling,
            dropout=share,
        )
        for rank, out, scaling in ((2, 7, 2.0), (3, 5, 0.5), (1, 9, 1.0))
    ]


def learned(answers: list[torch.Tensor], x: torch.Tensor, own: list[Pair]) -> list[Any]:
    """Gradients of the input and of all pairs, of a sum that tells every output apart."""
    total = sum(
        (answer * torch.arange(1, answer.numel() + 1).view(answer.shape)).sum()
        for answer in answers
    )
    return list(torch.autograd.grad(total, [x, *(part for p in own for part in (p.a, p.b))]))


@pytest.mark.parametrize("share", [0.0, SHARE])
def test_outputs_and_gradients_are_those_of_the_layers_alone(share: float) -> None:
    frozen, own = layers(), pairs(share)
    x = torch.randn(2, 3, WIDE, requires_grad=True)
    torch.manual_seed(5)
    together = joined(x, frozen, own)
    torch.manual_seed(5)
    keep = dropped(x.shape, share, device=x.device)
    kept = x if keep is None else x * keep
    alone = [
        layer(x) + kept @ pair.a.t() @ pair.b.t() * pair.scaling
        for layer, pair in zip(frozen, own, strict=True)
    ]
    for found, wanted in zip(together, alone, strict=True):
        torch.testing.assert_close(found, wanted)
    both = zip(learned([*together], x, own), learned(alone, x, own), strict=True)
    for found, wanted in both:
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


def test_nothing_is_dropped_where_nobody_learns() -> None:
    frozen, own = layers(), pairs(0.9)
    x = torch.randn(4, WIDE)
    with torch.no_grad():
        found = joined(x, frozen, own)
    wanted = frozen[0](x) + x @ own[0].a.t() @ own[0].b.t() * own[0].scaling
    torch.testing.assert_close(found[0], wanted.detach())


def test_an_input_that_needs_no_gradient_gets_none() -> None:
    frozen, own = layers(), pairs(0.0)
    x = torch.randn(4, WIDE)
    joined(x, frozen, own)[1].sum().backward()
    assert x.grad is None
    assert own[1].a.grad is not None
    assert not own[0].b.grad.any(), "an output that nobody used teaches nothing"


def test_only_float32_layers_of_known_kinds_join() -> None:
    linear, x = torch.nn.Linear(WIDE, 3), torch.randn(2, WIDE)
    assert can_join(linear, x)
    assert can_join(Conv1D(3, WIDE), x)
    assert not can_join(linear, x.bfloat16())
    assert not can_join(torch.nn.Embedding(3, WIDE), x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert not can_join(linear, x)


def test_siblings_have_one_parent() -> None:
    query = family_of("bert.encoder.layer.0.attention.self.query")
    assert query == family_of("bert.encoder.layer.0.attention.self.value")
    assert query != family_of("bert.encoder.layer.1.attention.self.value")
    assert query != family_of("bert.encoder.layer.0.attention.output.dense")
    assert family_of("a.up_proj") == family_of("a.gate_proj") != family_of("a.down_proj")


@pytest.mark.parametrize("base", ["bert", "llama"])
def test_siblings_are_multiplied_once_for_one_input(
    base: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = request.getfixturevalue(base)
    rows = classified(6) if base == "bert" else completions(6)
    each = job(tmp_path, rows)
    labels = len(each.labels)
    loaded = load_base(folder, task=each.task, head_seed=0, device="cpu", num_labels=labels or None)
    slotted = SlottedBase(loaded)
    slot = SlotTrainee(
        each, slotted, read(each.lora, base_dir=folder, task=each.task, labels=labels)
    )
    sizes: list[int] = []

    def counted(x: torch.Tensor, frozen: Any, own: Any) -> Any:
        sizes.append(len(frozen))
        return joined(x, frozen, own)

    monkeypatch.setattr("adapterctl.training.learning.layers.joined", counted)
    batch = collate(rows, task=each.task, pad=loaded.pad_token_id, device="cpu")
    slot.logits(batch)
    found = [layer for layer in loaded.model.modules() if isinstance(layer, SlotLinear)]
    assert sum(sizes) == len(found)
    assert sizes.count(3) == 2, "query, key and value of two layers"


@pytest.mark.parametrize("base", ["bert", "llama"])
@pytest.mark.parametrize("checkpointing", [False, True])
def test_without_dropout_losses_are_those_of_layers_one_by_one(
    base: str, checkpointing: bool, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    plain = without_dropout(request.getfixturevalue(base), tmp_path / "base")
    rows = classified(40) if base == "bert" else completions(40)
    given = job(tmp_path, rows, lora={"lora_dropout": 0.0}, gradient_checkpointing=checkpointing)
    older = replace(given, arithmetic=2, out_dir=tmp_path / "older")
    [found], [before] = train_all([given], plain), train_all([older], plain)
    for ours, theirs in zip(found.trail, before.trail, strict=True):
        assert float.fromhex(ours.loss) == pytest.approx(float.fromhex(theirs.loss), rel=2e-5)
    assert found.trail != before.trail, "they are computed otherwise"
