"""The same weights under another name."""

from __future__ import annotations

import pytest

from adapterctl.rules.audit.same_weights import same_weights, twins


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("abc", "abc", True),
        ("abc", "ab", True),
        ("ab", "abc", True),
        ("abc", "abd", False),
        ("abc", "xyz", False),
        ("", "abc", False),
        ("", "", False),
    ],
)
def test_one_set_of_tensors_has_to_contain_the_other(one, other, same):
    assert same_weights(set(one), set(other)) is same


def test_a_base_is_not_its_own_twin():
    weights = {"a": {"1", "2"}, "b": {"1"}, "c": {"1", "2", "3"}, "d": {"4"}}
    assert twins("a", weights) == ["b", "c"]
    assert twins("d", weights) == []
    assert twins("not fingerprinted", weights) == []
