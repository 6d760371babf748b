"""Gold beside shadow: how far they are apart, and when that is drift, regression or staleness."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from adapterctl.records.parity import MetricParity
from adapterctl.records.recipe import Margin
from adapterctl.render.parity_words import sentences
from adapterctl.rules.parity.disagreement import disagreements
from adapterctl.rules.parity.measured import Terms
from adapterctl.rules.parity.verdicts import judge
from support.answers import side_by_side

STEADY = {"both": 900, "lost": 20, "gained": 20, "neither": 60}
FALLING = {"both": 800, "lost": 120, "gained": 20, "neither": 60}
BARELY = {"both": 900, "lost": 32, "gained": 18, "neither": 50}


def line(name: str, difference: float, half: float, *, metric: str = "accuracy") -> MetricParity:
    return MetricParity(
        name=metric,
        set=name,
        slice=None,
        rows=1000,
        old=0.9,
        bare=None,
        candidate=0.9 + difference,
        difference=difference,
        interval=(difference - half, difference + half),
        margin=0.02,
        verdict="INCONCLUSIVE",
    )


TERMS = Terms(margins={}, default_margin=Margin(margin=0.02), flip_limit=1.0, level=0.05, seed=1)


def judged(gold, shadow):
    sides = [side_by_side(name="gold", **gold), side_by_side(name="shadow", **shadow)]
    return judge(sides, TERMS, old_side="rerun")


@pytest.mark.parametrize(
    ("gold", "shadow", "reading"),
    [
        (STEADY, FALLING, "drift"),
        (FALLING, FALLING, "regression"),
        (FALLING, STEADY, "stale gold set"),
        (STEADY, STEADY, "no fall"),
        (STEADY, BARELY, "undecided"),
    ],
)
def test_the_reading_follows_which_of_the_sets_fall(gold, shadow, reading):
    report = judged(gold, shadow)
    [found] = report.disagreements
    assert found.reading == reading
    assert found.difference == pytest.approx(found.shadow_difference - found.gold_difference)
    assert any(each.startswith("gold and shadow accuracy: ") for each in sentences(report))


def test_both_sets_are_gated():
    assert (judged(STEADY, FALLING).verdict, judged(FALLING, STEADY).verdict) == ("FAIL", "FAIL")
    assert judged(STEADY, STEADY).verdict == "PASS"


def test_where_lower_is_better_a_rise_is_a_fall():
    lines = [line("gold", 0.0, 0.01, metric="ece"), line("shadow", 0.05, 0.01, metric="ece")]
    assert [each.reading for each in disagreements(lines)] == ["drift"]


def test_a_metric_of_one_set_alone_and_a_set_without_shadow_say_nothing():
    lines = [line("gold", 0.0, 0.01), line("shadow", 0.0, 0.01, metric="ece")]
    assert list(disagreements(lines)) == []
    assert list(disagreements([line("gold", 0.0, 0.01), line("silver", 0.0, 0.01)])) == []


def test_the_interval_of_two_normal_differences_is_the_textbooks():
    z = NormalDist().inv_cdf(0.95)
    lines = [line("gold", -0.01, 3 * z / 100), line("shadow", -0.04, 4 * z / 100)]
    [found] = disagreements(lines)
    # Two independent normals: standard errors 0.03 and 0.04 give 0.05.
    assert found.interval == pytest.approx((-0.03 - 0.05 * z, -0.03 + 0.05 * z))


def test_equal_falls_are_told_apart_at_most_as_often_as_the_level_says():
    rng = np.random.default_rng(5)
    told, trials = 0, 400
    for _ in range(trials):
        parts = []
        for name in ("gold", "shadow"):
            lost, gained, both = rng.multinomial(400, [0.08, 0.04, 0.88])
            counts = {"both": both, "lost": lost, "gained": gained, "neither": 0}
            parts.append(side_by_side(name=name, **{k: int(v) for k, v in counts.items()}))
        lines = judge(parts, TERMS, old_side="rerun").metrics
        [found] = disagreements(lines)
        told += found.interval[1] < 0
    # 5 % one-sided; 400 trials have a standard error of 1.1 %.
    assert 0.015 < told / trials < 0.085
