from __future__ import annotations

import msgspec
import pytest

from adapterctl.errors import InvalidInput
from adapterctl.records.parity import Prediction
from adapterctl.rules.parity.side_by_side import SideBySide, by_slice, paired
from support.answers import answers, side_by_side

HINT = "  hint: evaluate every side on the same file of the evaluation set"


def row(name: str, reference: str = "yes", *, slice_name: str | None = None) -> Prediction:
    return Prediction(id=name, output="yes", reference=reference, slice=slice_name)


def rows(*names: str) -> list[Prediction]:
    return [row(name) for name in names]


def test_rows_are_paired_by_id_whatever_their_order():
    side = SideBySide(
        set="gold",
        metrics=["accuracy"],
        old=rows("a", "b", "c"),
        candidate=rows("c", "a", "b"),
        bare=rows("b", "c", "a"),
    )

    found = paired(side)

    assert found.bare is not None
    for each in (found.old, found.candidate, found.bare):
        assert [prediction.id for prediction in each] == ["a", "b", "c"]


REFUSED = {
    "a row is missing": (rows("a", "c"), "lacks 1 of the old side's 3 rows, first 'b'"),
    "a row is too much": (
        rows("a", "b", "c", "d"),
        "has 1 rows that the old side has not, first 'd'",
    ),
    "an id stands twice": (rows("a", "b", "b", "c"), "the id 'b' stands 2 times"),
    "no rows": ([], "no rows"),
    "another reference": (
        [row("a"), row("b", "no"), row("c")],
        "has another reference in 1 rows, first 'b'",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_sides_that_do_not_pair_are_refused(case):
    candidate, what = REFUSED[case]
    side = SideBySide(set="gold", metrics=[], old=rows("a", "b", "c"), candidate=candidate)

    with pytest.raises(InvalidInput) as refusal:
        paired(side)

    assert str(refusal.value) == f"evaluation set 'gold', candidate: {what}\n{HINT}"


def test_every_side_that_does_not_pair_is_named_at_once():
    side = SideBySide(set="gold", metrics=[], old=rows("a"), candidate=rows("b"), bare=[])

    with pytest.raises(InvalidInput) as refusal:
        paired(side)

    assert [problem.place for problem in refusal.value.problems] == [
        "evaluation set 'gold', candidate",
        "evaluation set 'gold', bare successor",
    ]


def test_slices_keep_the_pairs_and_leave_out_rows_without_one():
    old = [row("a", slice_name="x"), row("b"), row("c", slice_name="w"), row("d", slice_name="x")]
    side = SideBySide(
        set="gold", metrics=[], old=old, candidate=rows("a", "b", "c", "d"), bare=None
    )

    found = by_slice(side)

    assert list(found) == ["w", "x"]
    assert [prediction.id for prediction in found["x"].old] == ["a", "d"]
    assert [prediction.id for prediction in found["x"].candidate] == ["a", "d"]
    assert found["x"].bare is None


def test_a_set_without_slices_has_none():
    side = side_by_side(both=3)

    assert by_slice(msgspec.structs.replace(side, bare=answers([True] * 3))) == {}
