"""Aliases follow from events."""

from __future__ import annotations

import pytest

from adapterctl.records.event import Event, EventKind
from adapterctl.rules.aliases import aliases, is_retired, serving


def events(*told: tuple[EventKind, int]) -> list[Event]:
    return [Event(event=kind, version=n, at="2026-01-01T00:00:00Z", by="a") for kind, n in told]


CASES = {
    "nothing happened": ([], {}),
    "a first champion": ([("promoted", 1)], {"champion": 1}),
    "a candidate stands beside": (
        [("promoted", 1), ("candidate", 2)],
        {"champion": 1, "candidate": 2},
    ),
    "a promoted candidate is one no more": (
        [("promoted", 1), ("candidate", 2), ("promoted", 2)],
        {"champion": 2, "previous": 1},
    ),
    "a rollback swaps": (
        [("promoted", 1), ("promoted", 2), ("rolled_back", 1)],
        {"champion": 1, "previous": 2},
    ),
    "a retired adapter holds nothing": ([("promoted", 1), ("retired", 1)], {}),
}


@pytest.mark.parametrize("case", CASES)
def test_aliases_follow_from_events(case: str) -> None:
    told, held = CASES[case]
    assert aliases(events(*told)) == held


def test_a_promotion_ends_retirement() -> None:
    assert is_retired(events(("promoted", 1), ("retired", 1)))
    assert not is_retired(events(("retired", 1), ("promoted", 2)))
    assert is_retired(events(("retired", 1), ("evaluated", 1)))


@pytest.mark.parametrize(
    ("held", "versions", "tried", "speaks"),
    [
        ({"champion": 2, "candidate": 3}, [1, 2, 3], {2, 3}, 2),
        ({"candidate": 3}, [1, 2, 3], {3}, 2),
        # A candidate that another one took the place of served nobody.
        ({"candidate": 3}, [1, 2, 3], {2, 3}, 1),
        ({}, [1, 2, 3], set(), 3),
        ({"candidate": 1}, [1], {1}, 1),
        # The champion's record cannot be read.
        ({"champion": 2, "candidate": 3}, [1, 3], {2, 3}, 1),
        ({}, [], set(), None),
    ],
)
def test_the_champion_speaks_or_else_the_newest_that_was_never_a_candidate(
    held: dict[str, int], versions: list[int], tried: set[int], speaks: int | None
) -> None:
    assert serving(held, versions, tried=tried) == speaks
