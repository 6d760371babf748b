"""Goldens: ``UPDATE_GOLDENS=1 pytest tests/render/test_parity.py`` writes them anew."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from adapterctl.records.canonical import compact
from adapterctl.records.parity import MetricParity, NegativeFlips, ParityReport
from adapterctl.render.parity import (
    as_markdown,
    as_result,
    as_text,
    worst_flips,
)
from adapterctl.render.table import WIDTH
from adapterctl.rules.parity.slices import TOO_FEW

GOLDENS = Path(__file__).parent / "goldens"


def line(name: str, verdict: str, values, interval, **more) -> MetricParity:
    old, bare, candidate = values
    known = {"set": "gold", "slice": None, "rows": 3080, "margin": 0.02}
    return MetricParity(
        name=name,
        verdict=verdict,
        old=old,
        bare=bare,
        candidate=candidate,
        difference=None if None in (old, candidate) else candidate - old,
        interval=interval,
        **{**known, **more},
    )


def flips(verdict: str, count: int, **more) -> NegativeFlips:
    known = {"set": "gold", "rows": 3080, "upper": 0.028, "limit": 0.05}
    return NegativeFlips(verdict=verdict, flips=count, rate=count / 3080, **{**known, **more})


PASSED = ParityReport(
    verdict="PASS",
    level=0.05,
    old_side="recorded",
    metrics=[
        line("accuracy", "PASS", (0.901, 0.213, 0.899), (-0.0091, 0.0052)),
        line("f1_macro", "PASS", (0.900, 0.198, 0.901), (-0.0080, 0.0100)),
    ],
    negative_flips=[flips("PASS", 70)],
    bare_ties=False,
    notes=[
        "The old adapter was not run again: its recorded predictions are the old side.",
        "No margin is set for gold f1_macro: the default of 0.02 holds.",
    ],
    settings={"flip_limit": 0.05},
)

FAILED = ParityReport(
    verdict="FAIL",
    level=0.05,
    old_side="rerun",
    metrics=[
        line("accuracy", "FAIL", (0.901, 0.213, 0.842), (-0.0721, -0.0463)),
        line(
            "accuracy",
            "FAIL",
            (0.910, 0.300, 0.905),
            (-0.0142, 0.0051),
            set="shadow",
            rows=1200,
            note="0.905 is below the limit 0.92",
        ),
        line(
            "accuracy",
            "FAIL",
            (0.975, 0.175, 0.600),
            (-0.5012, -0.2441),
            rows=40,
            slice="card lost | stolen [abroad]",
            note="harm beyond the margin: p = 2.3e-07",
        ),
        line(
            "accuracy",
            "INCONCLUSIVE",
            (0.975, 0.175, 0.850),
            (-0.2350, -0.0540),
            rows=40,
            slice="refund",
            note="harm beyond the margin: p = 0.021",
        ),
        line(
            "accuracy",
            "PASS",
            (0.9, 0.2, 0.9),
            (-0.0150, 0.0150),
            rows=900,
            slice="billing",
            note="harm beyond the margin: p = 0.99",
        ),
        line(
            "accuracy",
            "INCONCLUSIVE",
            (1.0, 0.0, 0.0),
            (-1.0, -0.5),
            rows=3,
            slice="rare",
            note=TOO_FEW,
        ),
    ],
    negative_flips=[flips("FAIL", 280, upper=0.1003), flips("PASS", 70, set="shadow")],
    bare_ties=False,
    notes=["Slices with fewer than 30 rows, 1 in all, are not judged."],
    settings={"flip_limit": 0.05},
)

UNDECIDED = ParityReport(
    verdict="INCONCLUSIVE",
    level=0.01,
    old_side="rerun",
    metrics=[
        line(
            "perplexity_per_byte",
            "INCONCLUSIVE",
            (1.842, 2.511, 1.853),
            (-0.0123, 0.0345),
            rows=1234567,
            rows_needed=2345678,
        ),
        line(
            "perplexity",
            "INCONCLUSIVE",
            (18.42, None, 12.3),
            None,
            note="the sides were counted in different tokens: see perplexity_per_byte",
        ),
        line(
            "ece",
            "INCONCLUSIVE",
            (None, None, 0.04),
            None,
            note="old side: row '0' has no score 'p:yes'",
        ),
        line("rouge_l", "PASS", (0.41, 0.12, 0.43), (0.0041, 0.0359), margin=0.0),
    ],
    negative_flips=[flips("INCONCLUSIVE", 140, upper=0.0561, rows_needed=4100)],
    bare_ties=True,
    notes=[
        "The bare successor is not worse than the old adapter by more than the margins: the "
        "adapter may be retired."
    ],
    settings={"flip_limit": 0.05},
)

EMPTY = ParityReport(
    verdict="INCONCLUSIVE",
    level=0.05,
    old_side="rerun",
    metrics=[],
    negative_flips=[],
    bare_ties=False,
    notes=["No metric was read on any evaluation set."],
    settings={"flip_limit": 0.05},
)

REPORTS = {"passed": PASSED, "failed": FAILED, "undecided": UNDECIDED, "empty": EMPTY}


def check_golden(name: str, text: str) -> None:
    golden = GOLDENS / name
    if os.environ.get("UPDATE_GOLDENS"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text)
    assert text == golden.read_text()


@pytest.mark.parametrize("name", REPORTS)
def test_the_text_is_the_golden_one(name):
    text = as_text(REPORTS[name], candidate="support-router@2")
    check_golden(f"parity_{name}.txt", text)


@pytest.mark.parametrize("name", REPORTS)
def test_the_markdown_is_the_golden_one(name):
    check_golden(f"parity_{name}.md", as_markdown(REPORTS[name], candidate="support-router@2"))


@pytest.mark.parametrize("name", REPORTS)
def test_the_text_fits_a_terminal_and_has_no_control_codes(name):
    text = as_text(REPORTS[name])

    assert max(len(each) for each in text.splitlines()) <= WIDTH
    assert "\x1b" not in text
    assert not any(each.endswith(" ") for each in text.splitlines())


def test_every_gated_verdict_gets_its_sentence():
    text = as_text(FAILED)

    assert "- gold accuracy: fails, for it lost at least 0.046" in text
    assert "- shadow accuracy: fails, 0.905 is below the limit 0.92." in text
    assert "accuracy on card lost | stolen [abroad]: fails, for it lost at least" in text
    assert "accuracy on refund" not in text
    assert (
        "- gold negative flips: 280 of 3,080 rows were right before and are wrong now"
        in " ".join(text.split())
    )


def test_slices_that_are_fine_or_too_small_are_not_shown():
    text = as_text(FAILED)

    assert "Slices that lost (2 of 3 judged, for harm only)" in text
    assert "refund" in text
    assert "billing" not in text
    assert "rare" not in text


def test_the_next_step_follows_the_verdict():
    assert as_text(PASSED, candidate="r@2").endswith("Next: adapterctl promote r@2\n")
    assert "another rung" in as_text(FAILED).rpartition("Next:")[2]
    assert "about 2,345,678 would decide" in " ".join(as_text(UNDECIDED).split())
    assert "adapterctl promote NAME@VERSION --because TEXT" in " ".join(as_text(EMPTY).split())


def test_the_result_has_the_keys_that_scripts_read():
    result = as_result(PASSED)

    assert {"verdict", "metrics", "negative_flips"} <= set(result)
    assert {
        "name",
        "set",
        "slice",
        "old",
        "bare",
        "candidate",
        "difference",
        "interval",
        "margin",
        "verdict",
    } <= set(result["metrics"][0])
    assert result["verdict"] == "PASS"
    assert result["negative_flips"]["rate"] == 70 / 3080
    assert result["negative_flips"]["limit"] == 0.05


def test_the_result_is_plain_json():
    written = json.loads(compact(as_result(FAILED)))

    assert written["metrics"][0]["interval"] == [-0.0721, -0.0463]
    assert len(written["metrics"]) == len(FAILED.metrics)


def test_the_results_flips_are_the_worst_sets():
    assert as_result(FAILED)["negative_flips"]["set"] == "gold"
    assert worst_flips([flips("PASS", 9, upper=0.04), flips("FAIL", 1, upper=0.02)]) == flips(
        "FAIL", 1, upper=0.02
    )
    assert worst_flips([flips("PASS", 1, upper=0.01), flips("PASS", 2, upper=0.03)]) == flips(
        "PASS", 2, upper=0.03
    )


def test_without_flips_the_result_keeps_their_shape():
    assert as_result(EMPTY)["negative_flips"] == {"rate": None, "limit": 0.05}
