"""Short examples that share an attention product with dropout see nothing of each other."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from adapterctl.training.learning import short, unpadded
from training.test_grouped import LENGTHS, Layer, attend, states


def same_draws(monkeypatch: pytest.MonkeyPatch, share: float) -> None:
    """Lets both ways drop the same: what torch draws differs, so that a rule takes its place."""

    def kept(shape: torch.Size, *_: Any, **__: Any) -> torch.Tensor:
        rows, columns = torch.arange(shape[-2]).unsqueeze(1), torch.arange(shape[-1])
        return ((rows + 2 * columns) % 3 > 0).float().expand(shape) / (1 - share)

    def plain(  # transformers hands them over in this order
        module: Any, query: Any, key: Any, value: Any, mask: Any, **_: Any
    ) -> tuple[torch.Tensor, None]:
        shares = (query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5).softmax(-1)
        return (shares * kept(shares.shape) @ value).transpose(1, 2), None

    monkeypatch.setattr(short, "dropped", kept)
    monkeypatch.setattr(unpadded, "sdpa_attention_forward", plain)


def test_answers_and_gradients_are_those_of_one_example_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    same_draws(monkeypatch, 0.25)
    layer, given = Layer(is_causal=False), states()
    weight = torch.randn(1, sum(LENGTHS), 2, 4)
    found = []
    for how in (unpadded.attention, short.attention):
        answer = attend(how, layer, given, dropout=0.25)
        found.append([answer, *torch.autograd.grad((answer * weight).sum(), given)])
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


def test_what_stands_in_one_example_moves_no_bit_of_another() -> None:
    layer, given = Layer(is_causal=False), states()
    start, end = LENGTHS[0], LENGTHS[0] + LENGTHS[1]
    changed = [state.detach().clone() for state in given]
    for state in changed:
        state[:, :, start:end] = 100.0
    answers = []
    for each in (given, changed):
        torch.manual_seed(4)
        answers.append(attend(short.attention, layer, each, dropout=0.1))
    others = [place for place in range(sum(LENGTHS)) if not start <= place < end]
    assert torch.equal(answers[0][:, others], answers[1][:, others])
    assert not torch.equal(answers[0][:, start:end], answers[1][:, start:end])


def test_no_gradient_flows_from_one_example_into_another() -> None:
    given = states()
    answer = attend(short.attention, Layer(is_causal=False), given, dropout=0.1)
    end = LENGTHS[0]
    for gradient in torch.autograd.grad(answer[:, :end].sum(), given):
        assert gradient[:, :, end:].eq(0).all()
        assert gradient[:, :, :end].ne(0).any()


@pytest.mark.parametrize(
    ("layer", "settings", "key_heads"),
    [
        (Layer(is_causal=False), {}, 2),
        (Layer(is_causal=True), {"dropout": 0.5}, 2),
        (Layer(is_causal=False), {"dropout": 0.5, "is_causal": True}, 2),
        (Layer(is_causal=False), {"dropout": 0.5, "sliding_window": 3}, 2),
        (Layer(is_causal=False, groups=2), {"dropout": 0.5}, 1),
    ],
    ids=["no dropout", "causal", "causal by setting", "a window", "shared keys"],
)
def test_everything_else_is_left_to_torch(
    layer: Layer, settings: dict[str, Any], key_heads: int
) -> None:
    given = states(key_heads=key_heads)
    found = []
    for how in (unpadded.attention, short.attention):
        torch.manual_seed(6)
        found.append(attend(how, layer, given, **settings))
    assert torch.equal(*found)


def test_neighbours_share_a_product_while_little_is_filled_up() -> None:
    assert list(short.groups((20, 18, 17, 9))) == [[20, 18, 17, 9]]
    assert list(short.groups((60, 50, 40, 12, 11))) == [[60, 50], [40, 12], [11]]
    assert list(short.groups((300, 296, 295))) == [[300], [296, 295]]
    assert list(short.groups((5, 7))) == [[5], [7]]
    assert list(short.groups(())) == []


def test_little_is_filled_up() -> None:
    lengths = sorted((7 * n % 53 + 4 for n in range(64)), reverse=True)
    for group in short.groups(lengths):
        assert sum(max(group) ** 2 - length**2 for length in group) <= short.SPARE


def test_in_bfloat16_it_is_left_to_torch() -> None:
    given = [state.detach().bfloat16() for state in states()]
    answer = attend(short.attention, Layer(is_causal=False), given, dropout=0.5)
    assert answer.dtype is torch.bfloat16
