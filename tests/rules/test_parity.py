from __future__ import annotations

import math
import subprocess
import sys

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapterctl.errors import InvalidInput
from adapterctl.records.canonical import compact
from adapterctl.records.parity import ParityReport, Prediction
from adapterctl.records.recipe import Margin
from adapterctl.rules.parity.measured import Terms
from adapterctl.rules.parity.side_by_side import SideBySide
from adapterctl.rules.parity.verdicts import NO_METRIC, RECORDED, TIES, judge, worst
from support.answers import answers, scored, side_by_side

GOOD = {"both": 960, "lost": 10, "gained": 12, "neither": 18}
BAD = {"both": 850, "lost": 100, "gained": 10, "neither": 40}
UNSURE = {"both": 85, "lost": 4, "gained": 3, "neither": 8}

CHOICES = {
    "margins": {},
    "default_margin": Margin(margin=0.02),
    "flip_limit": 1.0,
    "level": 0.05,
    "old_side": "rerun",
    "seed": 1,
}


def report(*sides: SideBySide, **changed) -> ParityReport:
    told = {**CHOICES, **changed}
    return judge(
        sides, Terms(**{k: told[k] for k in told if k != "old_side"}), old_side=told["old_side"]
    )


def lower_is_better(*, factor: float, rows: int = 200, tokens: float = 10) -> SideBySide:
    """Returns a set where the candidate's negative log-likelihood is the old one's times this."""
    nll = [10 + 3 * math.sin(n) for n in range(rows)]
    new = [value * (factor + 0.02 * math.cos(5 * n)) for n, value in enumerate(nll)]
    return SideBySide(
        set="gold",
        metrics=["perplexity_per_byte"],
        old=scored(nll=nll, bytes=[40.0] * rows, tokens=[10.0] * rows),
        candidate=scored(nll=new, bytes=[40.0] * rows, tokens=[tokens] * rows),
    )


def test_a_candidate_that_is_as_good_passes():
    found = report(side_by_side(**GOOD))

    line = found.metrics[0]
    assert (found.verdict, line.verdict) == ("PASS", "PASS")
    assert (line.old, line.candidate) == (0.97, 0.972)
    assert line.difference == pytest.approx(0.002)
    assert line.interval is not None
    assert line.interval[0] > -0.02
    assert line.rows_needed is None


def test_a_candidate_that_is_worse_beyond_the_margin_fails():
    found = report(side_by_side(**BAD))

    assert (found.verdict, found.metrics[0].verdict) == ("FAIL", "FAIL")
    assert found.metrics[0].interval is not None
    assert found.metrics[0].interval[1] < -0.02


def test_too_few_rows_to_tell_are_inconclusive_and_say_how_many_would_tell():
    line = report(side_by_side(**UNSURE)).metrics[0]

    assert line.verdict == "INCONCLUSIVE"
    assert line.rows_needed is not None
    assert line.rows_needed > 100


def test_the_worst_metric_of_the_worst_set_decides():
    good, bad = side_by_side(**GOOD), side_by_side(**BAD, name="shadow")
    unsure = side_by_side(**UNSURE, name="spring")

    assert report(good).verdict == "PASS"
    assert report(good, unsure).verdict == "INCONCLUSIVE"
    assert report(good, unsure, bad).verdict == "FAIL"


def test_margins_are_taken_by_set_and_metric():
    sides = [side_by_side(**UNSURE), side_by_side(**UNSURE, name="shadow")]
    margins = {"gold": {"accuracy": Margin(margin=0.2)}}

    gold, shadow = report(*sides, margins=margins).metrics

    assert (gold.margin, gold.verdict) == (0.2, "PASS")
    assert (shadow.margin, shadow.verdict) == (0.02, "INCONCLUSIVE")


def test_below_a_hard_limit_nothing_passes():
    margins = {"gold": {"accuracy": Margin(margin=0.5, limit=0.98)}}

    line = report(side_by_side(**GOOD), margins=margins).metrics[0]

    assert (line.verdict, line.note) == ("FAIL", "0.972 is below the limit 0.98")


def test_on_a_hard_limit_the_margin_decides():
    margins = {"gold": {"accuracy": Margin(margin=0.02, limit=0.972)}}

    assert report(side_by_side(**GOOD), margins=margins).verdict == "PASS"


def test_where_lower_is_better_the_difference_stays_candidate_minus_old():
    better, worse = report(lower_is_better(factor=0.9)), report(lower_is_better(factor=1.5))

    assert better.verdict == "PASS"
    assert worse.verdict == "FAIL"
    assert better.metrics[0].difference is not None
    assert better.metrics[0].difference < 0
    line = worse.metrics[0]
    assert line.interval is not None
    assert line.difference is not None
    assert 0.02 < line.interval[0] < line.difference < line.interval[1]


def test_where_lower_is_better_a_hard_limit_is_broken_from_above():
    margins = {"gold": {"perplexity_per_byte": Margin(margin=9, limit=1.2)}}

    line = report(lower_is_better(factor=1.0), margins=margins).metrics[0]

    assert line.verdict == "FAIL"
    assert line.note == f"{line.candidate:.4g} is above the limit 1.2"


def test_perplexity_per_token_says_nothing_across_tokenizers():
    side = msgspec.structs.replace(
        lower_is_better(factor=0.9, tokens=12), metrics=["perplexity", "perplexity_per_byte"]
    )

    per_token, per_byte = report(side).metrics

    assert (per_token.verdict, per_token.interval) == ("INCONCLUSIVE", None)
    assert per_token.note == "the sides were counted in different tokens: see perplexity_per_byte"
    assert per_byte.verdict == "PASS"


def test_a_side_without_the_scores_makes_the_metric_inconclusive_and_keeps_what_is_known():
    known = [
        Prediction(id=str(n), output="yes", reference="yes", scores={"p:yes": 0.9})
        for n in range(100)
    ]
    side = SideBySide(
        set="gold", metrics=["ece"], old=answers([True] * 100), candidate=known, bare=None
    )

    line = report(side).metrics[0]

    assert line.verdict == "INCONCLUSIVE"
    assert (line.old, line.difference, line.interval) == (None, None, None)
    assert line.candidate == pytest.approx(0.1)
    assert line.note == "old side: row '0' has no score 'p:yes'"


def test_a_metric_that_is_drawn_from_rows_asks_for_thirty():
    line = report(side_by_side(both=29, metrics=["f1_macro"])).metrics[0]

    assert (line.verdict, line.rows_needed) == ("INCONCLUSIVE", 30)
    assert line.note == "fewer than 30 rows, the fewest it is judged on"


def test_the_same_answers_pass_on_every_metric_when_there_are_enough_of_them():
    side = side_by_side(both=900, neither=100, metrics=["accuracy", "f1_macro", "exact_match"])

    assert report(side, flip_limit=0.05).verdict == "PASS"


def test_flips_beyond_their_limit_fail_a_report_whose_metrics_pass():
    moved = side_by_side(both=1600, lost=200, gained=200)

    found = report(moved, flip_limit=0.05)

    assert [line.verdict for line in found.metrics] == ["PASS"]
    assert [flips.verdict for flips in found.negative_flips] == ["FAIL"]
    assert found.verdict == "FAIL"


def test_flips_that_straddle_their_limit_leave_the_report_open():
    found = report(side_by_side(**GOOD), flip_limit=0.011)

    assert found.negative_flips[0].verdict == "INCONCLUSIVE"
    assert found.verdict == "INCONCLUSIVE"


def test_a_harmed_slice_fails_a_report_whose_metrics_pass():
    whole = side_by_side(both=1950, lost=15, gained=20, neither=15)
    names = ["rare" if 1950 <= n < 1965 or n < 20 else "often" for n in range(2000)]
    side = msgspec.structs.replace(
        whole,
        old=[msgspec.structs.replace(r, slice=s) for r, s in zip(whole.old, names, strict=True)],
    )

    found = report(side)

    assert {(line.slice, line.verdict) for line in found.metrics} == {
        (None, "PASS"),
        ("often", "PASS"),
        ("rare", "FAIL"),
    }
    assert found.verdict == "FAIL"


def test_an_undecided_slice_leaves_a_pass_alone():
    whole = side_by_side(**GOOD)
    side = msgspec.structs.replace(
        whole,
        old=[msgspec.structs.replace(r, slice=str(n % 20)) for n, r in enumerate(whole.old)],
    )

    found = report(side)

    assert "INCONCLUSIVE" in {line.verdict for line in found.metrics if line.slice is not None}
    assert found.verdict == "PASS"


def test_without_any_metric_nothing_is_concluded():
    for sides in ([], [side_by_side(both=5, metrics=[])]):
        found = report(*sides)

        assert found.verdict == "INCONCLUSIVE"
        assert found.notes == [NO_METRIC]


def test_a_bare_successor_that_ties_is_said_to_tie():
    right = [True] * 971 + [False] * 29

    found = report(side_by_side(**GOOD, bare=right))

    assert found.bare_ties
    assert found.metrics[0].bare == 0.971
    assert TIES in found.notes


def test_a_bare_successor_that_ties_on_one_set_only_does_not_tie():
    gold = side_by_side(**GOOD, bare=[True] * 971 + [False] * 29)
    shadow = side_by_side(**GOOD, name="shadow", bare=[True] * 500 + [False] * 500)

    found = report(gold, shadow)

    assert not found.bare_ties
    assert TIES not in found.notes
    assert found.verdict == "PASS"


def test_without_a_bare_successor_nothing_ties():
    line = report(side_by_side(**GOOD))

    assert not line.bare_ties
    assert line.metrics[0].bare is None


def test_recorded_predictions_are_said_to_be_the_old_side():
    assert RECORDED in report(side_by_side(**GOOD), old_side="recorded").notes
    assert RECORDED not in report(side_by_side(**GOOD)).notes


def test_margins_nobody_set_and_margins_nobody_used_are_told():
    notes = report(
        lower_is_better(factor=1.0), margins={"gld": {"accuracy": Margin(margin=0.1)}}
    ).notes

    assert notes == [
        "No margin is set for gold perplexity_per_byte: the default of 0.02 holds.",
        "For gold perplexity_per_byte that default is in units of the metric: set a margin.",
        "Margins are set for 'gld', which was not compared.",
        "No metric of 'gold' says whether a row is right: flips are not counted.",
    ]


def test_perplexity_is_read_on_slices_too():
    whole = lower_is_better(factor=1.6)
    side = msgspec.structs.replace(
        whole,
        old=[msgspec.structs.replace(r, slice=str(n % 2)) for n, r in enumerate(whole.old)],
    )

    lines = report(side).metrics

    assert [(line.slice, line.verdict) for line in lines] == [
        (None, "FAIL"),
        ("0", "FAIL"),
        ("1", "FAIL"),
    ]


def test_the_rules_load_nothing_heavy_until_they_judge():
    heavy = "sorted({'numpy', 'scipy', 'sklearn', 'rouge_score', 'torch'} & set(sys.modules))"
    code = f"import sys; import adapterctl.rules.parity.verdicts; print({heavy})"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_an_unknown_metric_is_refused():
    with pytest.raises(InvalidInput) as refusal:
        report(side_by_side(**GOOD, metrics=["acuracy"]))

    assert str(refusal.value) == "unknown metric: 'acuracy'\n  hint: did you mean 'accuracy'?"


def test_sides_of_other_rows_are_refused():
    side = SideBySide(
        set="gold", metrics=["accuracy"], old=answers([True] * 3), candidate=answers([True] * 2)
    )

    with pytest.raises(InvalidInput, match="lacks 1 of the old side's 3 rows, first '2'"):
        report(side)


def test_the_same_input_and_seed_give_the_same_report_byte_for_byte():
    sides = [side_by_side(**UNSURE, metrics=["accuracy", "f1_macro"])]

    assert compact(report(*sides)) == compact(report(*sides))
    assert compact(report(*sides)) != compact(report(*sides, seed=2))


def test_a_report_survives_being_written_down():
    found = report(side_by_side(**UNSURE, metrics=["accuracy", "f1_macro"]))

    assert msgspec.json.decode(compact(found), type=ParityReport) == found


def test_fail_is_worse_than_inconclusive_and_that_than_pass():
    assert worst(["PASS", "INCONCLUSIVE", "FAIL"]) == "FAIL"
    assert worst(["PASS", "INCONCLUSIVE"]) == "INCONCLUSIVE"
    assert worst(["PASS"]) == "PASS"


COUNTS = st.integers(0, 300)
ORDER = {"FAIL": 0, "INCONCLUSIVE": 1, "PASS": 2}


@given(COUNTS, COUNTS, COUNTS, st.floats(0, 0.3), st.floats(0, 0.3))
def test_a_wider_margin_never_gives_a_worse_verdict(both, lost, gained, one, other):
    side = side_by_side(both=both + 1, lost=lost, gained=gained)
    narrow, wide = (
        report(side, default_margin=Margin(margin=m)).verdict for m in sorted((one, other))
    )

    assert ORDER[narrow] <= ORDER[wide]


@given(COUNTS, COUNTS, COUNTS, st.sampled_from([0.01, 0.05, 0.2]))
def test_the_difference_lies_in_its_interval_and_swapping_the_sides_mirrors_both(
    both, lost, gained, level
):
    side = side_by_side(both=both + 1, lost=lost, gained=gained)
    swapped = msgspec.structs.replace(side, old=side.candidate, candidate=side.old)

    line, mirrored = (report(each, level=level).metrics[0] for each in (side, swapped))

    assert line.interval is not None
    assert line.difference is not None
    assert mirrored.difference == -line.difference
    assert line.interval[0] <= line.difference <= line.interval[1]
    assert mirrored.interval == pytest.approx((-line.interval[1], -line.interval[0]), abs=1e-9)
