from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapterctl.records.recipe import Margin
from adapterctl.rules.parity.measured import Terms
from adapterctl.rules.parity.side_by_side import SideBySide
from adapterctl.rules.parity.slices import TOO_FEW, holm, judge_slices
from support.answers import answers, outcomes

TERMS = Terms(
    margins={},
    default_margin=Margin(margin=0.02),
    flip_limit=0.05,
    flip_drop=0.5,
    level=0.05,
    seed=1,
)


def sliced(**slices: dict[str, int]) -> SideBySide:
    """Returns one set whose slices have these paired outcomes."""
    old, new, names = [], [], []
    for name, counts in slices.items():
        before, now = outcomes(**counts)
        old += before
        new += now
        names += [name] * len(before)
    return SideBySide(
        set="gold",
        metrics=["accuracy"],
        old=answers(old, slices=names),
        candidate=answers(new, slices=names),
    )


FINE = {"both": 38, "lost": 1, "gained": 1, "neither": 0}
HARMED = {"both": 25, "lost": 15, "gained": 0, "neither": 0}
HURT = {"both": 34, "lost": 6, "gained": 0, "neither": 0}
SMALL = {"both": 0, "lost": 29, "gained": 0, "neither": 0}


def verdicts(side: SideBySide) -> dict[str | None, str]:
    return {line.slice: line.verdict for line in judge_slices([side], TERMS)}


def test_a_slice_that_was_harmed_fails():
    assert verdicts(sliced(fine=FINE, harmed=HARMED)) == {"fine": "INCONCLUSIVE", "harmed": "FAIL"}


def test_what_is_harm_alone_may_be_luck_among_many():
    many = {f"fine{n}": FINE for n in range(40)}

    assert verdicts(sliced(hurt=HURT))["hurt"] == "FAIL"
    assert verdicts(sliced(hurt=HURT, **many))["hurt"] == "INCONCLUSIVE"


def test_a_slice_with_too_few_rows_is_listed_and_not_judged():
    small, harmed = judge_slices([sliced(harmed=HARMED, small=SMALL)], TERMS)[::-1]

    assert (small.slice, small.rows, small.verdict) == ("small", 29, "INCONCLUSIVE")
    assert small.note == TOO_FEW == "fewer than 30 rows: listed, not judged"
    assert small.difference == -1
    assert harmed.verdict == "FAIL"


def test_a_slice_with_too_few_rows_takes_nothing_from_the_others():
    few = {f"small{n}": SMALL for n in range(40)}

    assert verdicts(sliced(hurt=HURT, **few))["hurt"] == "FAIL"


def test_a_slice_that_is_shown_to_be_as_good_passes():
    steady = {"both": 500, "lost": 0, "gained": 2, "neither": 0}

    assert verdicts(sliced(steady=steady)) == {"steady": "PASS"}


def test_all_slices_of_a_report_are_corrected_together():
    one = sliced(hurt=HURT)
    other = sliced(**{f"fine{n}": FINE for n in range(40)})

    lines = judge_slices([one, other], TERMS)

    assert lines[0].slice == "hurt"
    assert lines[0].verdict == "INCONCLUSIVE"


def test_set_metrics_are_not_read_on_slices():
    side = sliced(fine=FINE)
    labels = SideBySide(set="gold", metrics=["f1_macro"], old=side.old, candidate=side.candidate)

    assert judge_slices([labels], TERMS) == []


def test_the_p_value_is_told():
    line = judge_slices([sliced(harmed=HARMED)], TERMS)[0]

    assert line.note is not None
    assert line.note.startswith("harm beyond the margin: p = ")
    assert float(line.note.rpartition(" ")[2]) < 0.001


def test_holm_rejects_in_order_until_the_first_that_holds():
    # 0.01 <= 0.05 / 4, 0.015 <= 0.05 / 3, 0.03 > 0.05 / 2: the rest holds, 0.04 too.
    assert holm([0.04, 0.01, 0.03, 0.015], 0.05) == [False, True, False, True]
    assert holm([], 0.05) == []


@given(st.lists(st.floats(0, 1), max_size=12), st.sampled_from([0.01, 0.05]))
def test_holm_lies_between_bonferroni_and_no_correction(p_values, level):
    for p_value, rejected in zip(p_values, holm(p_values, level), strict=True):
        if p_value <= level / len(p_values):
            assert rejected
        if p_value > level:
            assert not rejected


@pytest.mark.parametrize("level", [0.05, 0.01])
def test_holm_at_a_stricter_level_rejects_no_more(level):
    p_values = [0.001, 0.004, 0.02, 0.03, 0.4]

    strict = holm(p_values, level / 2)

    assert all(loose for loose, hard in zip(holm(p_values, level), strict, strict=True) if hard)
