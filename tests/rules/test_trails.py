from __future__ import annotations

from typing import Any

import msgspec

from adapterctl.records.version import TrailStep
from adapterctl.rules.trails import Divergence, first_difference


def trail(steps: int, **last: Any) -> list[TrailStep]:
    found = [
        TrailStep(step=n, loss=(1.0 / n).hex(), learning_rate=(0.1).hex(), grad_norm=(2.0).hex())
        for n in range(1, steps + 1)
    ]
    return [*found[:-1], msgspec.structs.replace(found[-1], **last)]


def test_equal_trails_do_not_differ() -> None:
    assert first_difference(trail(5), trail(5)) is None
    assert first_difference([], []) is None


def test_the_first_step_that_differs_is_named_with_what_differs() -> None:
    other = trail(3, loss=(0.5).hex(), grad_norm=(2.5).hex()) + trail(5)[3:]
    found = first_difference(trail(5), other)
    assert found == Divergence(3, trail(5)[2], other[2], ("loss", "grad_norm"))


def test_the_last_bit_counts() -> None:
    nearly = float.fromhex(trail(2)[1].loss)
    found = first_difference(trail(2), trail(2, loss=(nearly + 2**-53).hex()))
    assert found is not None
    assert found.fields == ("loss",)


def test_a_trail_that_ends_early_differs_where_it_ends() -> None:
    assert first_difference(trail(5), trail(4)) == Divergence(5, trail(5)[4], None, ())
    assert first_difference(trail(4), trail(5)) == Divergence(5, None, trail(5)[4], ())


def test_weights_differ_when_both_sides_have_them() -> None:
    one, two = "1" * 64, "2" * 64
    found = first_difference(trail(2, weights_sha256=one), trail(2, weights_sha256=two))
    assert found is not None
    assert found.fields == ("weights_sha256",)
    assert first_difference(trail(2, weights_sha256=one), trail(2)) is None
