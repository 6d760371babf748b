"""What a probe says, for a person and as JSON."""

from __future__ import annotations

from adapterctl.render.behaviour import result, text
from adapterctl.rules.outcomes import Behaviour
from adapterctl.rules.probe import Moved


def behaviour(*moved: str, environment: tuple[str, ...] = ()) -> Behaviour:
    aspects = (
        Moved(aspect="text", rows=32, moved=[]),
        Moved(aspect="tokens", rows=32, moved=[]),
        Moved(aspect="mask", rows=32, moved=[]),
        Moved(aspect="outputs", rows=32, moved=list(moved), largest=1.25e-7 if moved else 0.0),
    )
    return Behaviour(adapter="router", version=1, aspects=aspects, environment=environment)


def test_nothing_moved() -> None:
    assert text(behaviour()) == (
        "router@1 behaves as recorded\n"
        "  text      the same in 32 rows\n"
        "  tokens    the same in 32 rows\n"
        "  mask      the same in 32 rows\n"
        "  outputs   the same in 32 rows"
    )
    assert result(behaviour())["same"] is True


def test_what_moved_and_what_may_have_moved_it() -> None:
    found = behaviour(*"abcdef", environment=("peft: 0.21.2 -> 0.22.0",))
    assert text(found).splitlines()[-2:] == [
        "  outputs   6 of 32 rows moved (a, b, c, d, e, ...); scores by up to 1.2e-07",
        "  changed   peft: 0.21.2 -> 0.22.0",
    ]
    assert result(found) == {
        "adapter": "router",
        "version": 1,
        "same": False,
        "aspects": [
            {"aspect": "text", "rows": 32, "moved": [], "largest": None},
            {"aspect": "tokens", "rows": 32, "moved": [], "largest": None},
            {"aspect": "mask", "rows": 32, "moved": [], "largest": None},
            {"aspect": "outputs", "rows": 32, "moved": list("abcdef"), "largest": 1.25e-7},
        ],
        "environment": ["peft: 0.21.2 -> 0.22.0"],
    }


def test_a_move_without_a_known_reason_says_so() -> None:
    assert text(behaviour("gold r1")).splitlines()[-2:] == [
        "  outputs   1 of 32 rows moved (gold r1); scores by up to 1.2e-07",
        "  changed   nothing in the environment that is known to change results",
    ]
