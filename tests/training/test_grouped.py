"""Examples that share an attention product see nothing of each other."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from adapterctl.training.learning import grouped, unpadded

LENGTHS = (9, 7, 5, 3, 2, 2)


class Layer(torch.nn.Module):
    """What attention asks of a layer."""

    def __init__(self, *, is_causal: bool, groups: int = 1) -> None:
        super().__init__()
        self.is_causal, self.num_key_value_groups = is_causal, groups


def states(*, heads: int = 2, key_heads: int = 2) -> list[torch.Tensor]:
    torch.manual_seed(5)
    tokens = sum(LENGTHS)
    return [
        torch.randn(1, count, tokens, 4, requires_grad=True)
        for count in (heads, key_heads, key_heads)
    ]


def attend(how: Any, layer: Layer, given: list[torch.Tensor], **settings: Any) -> torch.Tensor:
    lengths = torch.tensor(LENGTHS).view(1, 1, 1, -1)
    answer, _ = how(layer, *given, lengths, **settings)
    return answer


@pytest.mark.parametrize("window", [None, 3])
@pytest.mark.parametrize("is_causal", [True, False])
@pytest.mark.parametrize("groups", [1, 2])
def test_answers_and_gradients_are_those_of_one_example_at_a_time(
    is_causal: bool, groups: int, window: int | None
) -> None:
    layer = Layer(is_causal=is_causal, groups=groups)
    given = states(key_heads=2 // groups)
    weight = torch.randn(1, sum(LENGTHS), 2, 4)
    found = {}
    for how in (unpadded.attention, grouped.attention):
        answer = attend(how, layer, given, sliding_window=window)
        found[how] = [answer, *torch.autograd.grad((answer * weight).sum(), given)]
    for ours, theirs in zip(found[grouped.attention], found[unpadded.attention], strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("is_causal", [True, False])
def test_what_stands_in_one_example_moves_no_bit_of_another(is_causal: bool) -> None:
    layer, given = Layer(is_causal=is_causal), states()
    before = attend(grouped.attention, layer, given)
    start, end = LENGTHS[0], LENGTHS[0] + LENGTHS[1]
    changed = [state.detach().clone() for state in given]
    for state in changed:
        state[:, :, start:end] = 100.0
    after = attend(grouped.attention, layer, changed)
    others = [place for place in range(sum(LENGTHS)) if not start <= place < end]
    assert torch.equal(after[:, others], before[:, others])
    assert not torch.equal(after[:, start:end], before[:, start:end])


@pytest.mark.parametrize("is_causal", [True, False])
def test_no_gradient_flows_from_one_example_into_another(is_causal: bool) -> None:
    layer, given = Layer(is_causal=is_causal), states()
    answer = attend(grouped.attention, layer, given)
    end = LENGTHS[0]
    for gradient in torch.autograd.grad(answer[:, :end].sum(), given):
        assert gradient[:, :, end:].eq(0).all()
    assert given[0].requires_grad


def test_neighbours_share_a_product_where_none_is_twice_as_long_as_another() -> None:
    assert list(grouped.groups((9, 7, 5, 4, 2, 2, 1))) == [[9, 7, 5], [4, 2, 2], [1]]
    assert list(grouped.groups((2, 9, 8))) == [[2], [9, 8]]
    assert list(grouped.groups(())) == []


def test_a_causal_base_needs_no_mask_for_what_was_filled_in() -> None:
    layout = grouped._layout((4, 3), torch.device("cpu"))
    assert grouped._mask(Layer(is_causal=True), layout, {}, window=None) is None
    hidden = grouped._mask(Layer(is_causal=False), layout, {}, window=None)
    assert hidden is not None
    assert hidden.flatten().tolist() == [True] * 7 + [False]
