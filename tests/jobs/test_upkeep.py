"""What the audit finds of people, evaluations, drills and the way back, apart from dates."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import msgspec
import pytest

from adapterctl.jobs.audit import audit
from adapterctl.records.policy import ParityPolicy
from adapterctl.records.recipe import Data, Margin
from adapterctl.rules.audit.upkeep import covers
from adapterctl.rules.findings import Finding
from support.registries import SmallRegistry, a_recipe, in_days, nothing_to_be_found


@pytest.fixture
def made(tmp_path: Path) -> SmallRegistry:
    return nothing_to_be_found(tmp_path)


def findings(made: SmallRegistry) -> list[Finding]:
    return audit(made.project()).findings


def people(made: SmallRegistry, text: str) -> None:
    (made.root / "registry" / "people.yaml").write_text(text)


def gold(made: SmallRegistry, **changes) -> Data:
    data = a_recipe("support-router").data
    changed = msgspec.structs.replace(data.evaluation["gold"], **changes)
    return msgspec.structs.replace(data, evaluation={**data.evaluation, "gold": changed})


def test_a_team_that_everybody_has_left_is_found(made):
    people(made, "teams: {support-ml: {members: [{name: Ana, until: 2026-10-31}]}}")
    [found] = findings(made)
    assert (found.code, found.severity) == ("OWN002", "high")
    assert found.message == "team support-ml has nobody left since 2026-10-31"


def test_a_team_with_one_person_left_is_not(made):
    people(made, "teams: {support-ml: {members: [{name: Ana, until: 2026-10-31}, {name: Bo}]}}")
    assert findings(made) == []


def test_people_that_cannot_be_read_are_a_skip_and_the_rest_is_judged(made):
    people(made, "teams: [")
    made.date("minilm-l6", in_days(43))
    answer = audit(made.project())
    assert [found.code for found in answer.findings] == ["EOL002"]
    assert [each.subject for each in answer.skipped] == ["registry/people.yaml"]


def test_an_old_evaluation_is_stale_until_it_is_made_again(made):
    made.policy(evaluation_days=100)
    [found] = findings(made)
    assert found.code == "EVAL001"
    assert found.message == "last evaluated on 2026-06-01, 175 d ago; at most 100 d are allowed"
    assert found.mend == "adapterctl evaluate support-router@1"
    made.event("support-router", "evaluated", 1, at="2026-11-01T09:00:00Z")
    assert findings(made) == []


def test_a_version_that_was_never_reproduced_is_found(made):
    made.adapter("faq", promoted=False)
    (made.root / "registry" / "adapters" / "faq" / "events.jsonl").unlink()
    [found] = findings(made)
    assert (found.code, found.subject) == ("DRL001", "adapter:faq@1")
    assert found.message == "never reproduced: nothing proves that it still can be"


def test_a_drill_long_ago_or_one_that_failed_is_no_proof(made):
    made.policy(drill_days=30)
    [found] = findings(made)
    assert found.message.startswith("last reproduced on 2026-10-01, 53 d ago")
    failed = {"level": "B0", "identical": False, "kept": False}
    made.event("support-router", "reproduced", 1, at="2026-11-20T09:00:00Z", details=failed)
    assert [each.code for each in findings(made)] == ["DRL001"]
    kept = {"level": "B1", "identical": False, "kept": True}
    made.event("support-router", "reproduced", 1, at="2026-11-21T09:00:00Z", details=kept)
    assert findings(made) == []


def test_a_season_that_no_evaluation_covers_is_found_only_where_windows_are_stated(made):
    made.date("minilm-l6", "2027-12-10")
    assert findings(made) == []
    made.recipe("support-router", data=gold(made, window="2026-03-01/2026-05-31"))
    [found] = findings(made)
    assert (found.code, found.date) == ("EVAL003", date(2027, 12, 10))
    made.recipe("support-router", data=gold(made, window="2025-11-01/2025-12-31"))
    assert findings(made) == []


@pytest.mark.parametrize(
    ("window", "day", "expected"),
    [
        ("2026-01-01/2026-03-31", "2027-05-15", True),
        ("2026-01-01/2026-03-31", "2027-05-16", False),
        ("2026-01-01/2026-01-31", "2030-12-01", True),
        ("2024-02-29/2024-02-29", "2027-02-28", True),
        ("2025-01-01/2025-12-31", "2028-02-29", True),
    ],
)
def test_a_window_speaks_for_its_season_in_any_year(window, day, expected):
    assert covers(window, date.fromisoformat(day)) is expected


def test_too_few_rows_for_the_margin_are_told_beforehand(made):
    made.recipe("support-router", parity={"gold": {"accuracy": Margin(margin=0.01)}})
    [found] = findings(made)
    assert (found.code, found.severity) == ("EVAL004", "low")
    assert found.message == (
        "gold: 2,000 rows, and a margin of 0.01 on accuracy needs about 6,215 "
        "where 5% flip each way"
    )
    made.recipe("support-router", parity={"gold": {"accuracy": Margin(margin=0.05)}})
    assert findings(made) == []


def test_the_project_s_margin_counts_where_the_recipe_has_none(made):
    made.policy(parity=ParityPolicy(margin=0.005))
    assert {each.code for each in findings(made)} == {"EVAL004"}


def test_a_way_back_that_ends_first_is_found(made):
    made.version(made.recipe("support-router", base="minilm-l12"))
    made.event("support-router", "reproduced", 2, at="2026-10-02T09:00:00Z")
    made.event("support-router", "promoted", 2, at="2026-10-03T09:00:00Z")
    made.date("minilm-l12", in_days(3000))
    made.date("minilm-l6", in_days(1000))
    [found] = findings(made)
    assert (found.code, found.subject) == ("ROLL001", "adapter:support-router@1")
    assert found.message.startswith("minilm-l6 ends on 2029-08-19, before minilm-l12")


def test_a_way_back_that_outlives_the_champion_is_none(made):
    made.version(made.recipe("support-router", base="minilm-l12"))
    made.event("support-router", "reproduced", 2, at="2026-10-02T09:00:00Z")
    made.event("support-router", "promoted", 2, at="2026-10-03T09:00:00Z")
    made.date("minilm-l12", in_days(1000))
    made.date("minilm-l6", in_days(3000))
    assert findings(made) == []


def test_a_base_without_a_mirror_is_found(made):
    made.base("minilm-l6", mirror=None)
    [found] = findings(made)
    assert (found.code, found.subject) == ("BASE005", "base:minilm-l6")
    assert found.mend == "adapterctl bases mirror minilm-l6 --to PLACE"
