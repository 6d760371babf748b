"""How a fleet is spread over workers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapterctl.rules.fleets import spread


@pytest.mark.parametrize(
    ("bases", "workers", "groups"),
    [
        ("aaaa", 2, [[0, 2], [1, 3]]),
        ("aaaa", 9, [[0], [1], [2], [3]]),
        ("abab", 2, [[0, 2], [1, 3]]),
        ("aaab", 4, [[0], [1], [2], [3]]),
        ("aab", 1, [[0, 1], [2]]),
        ("aa", 0, [[0, 1]]),
    ],
)
def test_each_group_is_of_one_base_and_in_order(
    bases: str, workers: int, groups: list[list[int]]
) -> None:
    assert spread(bases, workers=workers) == groups


@given(st.lists(st.sampled_from("abc"), min_size=1), st.integers(0, 9))
def test_every_adapter_is_in_one_group(bases: list[str], workers: int) -> None:
    groups = spread(bases, workers=workers)
    assert sorted(number for group in groups for number in group) == list(range(len(bases)))
    assert len(groups) <= max(workers, len(set(bases)))
    assert all(len({bases[number] for number in group}) == 1 for group in groups)
