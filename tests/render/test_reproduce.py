"""A reproduction is judged by what its trainer promises."""

from __future__ import annotations

import pytest

from adapterctl.render.reproduce import result, text
from adapterctl.rules.outcomes import Reproduction


def found(*, level: str, promise: str) -> Reproduction:
    return Reproduction(
        adapter="router",
        version=1,
        level=level,
        identical=level == "B2",
        digest_recorded="a" * 64,
        digest_rebuilt=("a" if level == "B2" else "b") * 64,
        first_difference=None,
        environment=(),
        promise=promise,
    )


@pytest.mark.parametrize(
    ("level", "promise", "kept", "words"),
    [
        ("B2", "B2", True, "router@1 is bit-identical"),
        ("B1", "B2", False, "router@1 DIFFERS"),
        ("B2", "B1", True, "router@1 is bit-identical"),
        ("B1", "B1", True, "router@1 is reproduced, with other weights"),
        ("B0", "B1", False, "router@1 DIFFERS"),
    ],
)
def test_the_verdict_is_by_the_promise(level: str, promise: str, kept: bool, words: str) -> None:
    one = found(level=level, promise=promise)
    said = text(one)
    assert one.kept is kept
    assert said.splitlines()[0] == words
    assert ("parity (B4) counts" in said) is (promise == "B1")
    assert result(one)["promise"] == promise
