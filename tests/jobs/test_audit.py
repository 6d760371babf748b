from pathlib import Path

import msgspec
import pytest

from adapterctl.errors import InvalidInput, NotFound
from adapterctl.jobs.audit import audit
from adapterctl.records.base import BaseSource
from adapterctl.records.recipe import Owners, Serving
from adapterctl.rules.codes import CODES
from adapterctl.rules.findings import SEVERITIES, Audit, Finding
from support.registries import (
    SOURCE,
    SmallRegistry,
    a_rebuild,
    a_recipe,
    a_story,
    in_days,
    nothing_to_be_found,
)

OPENAI_EU = Serving(provider="openai", region="eu")


@pytest.fixture
def made(tmp_path: Path) -> SmallRegistry:
    return nothing_to_be_found(tmp_path)


def codes(made: SmallRegistry, **options) -> list[str]:
    return [finding.code for finding in audit(made.project(), **options).findings]


def only(answer: Audit, code: str) -> Finding:
    (found,) = [finding for finding in answer.findings if finding.code == code]
    return found


def test_an_adapter_with_nothing_wrong_has_no_finding_and_nothing_is_skipped(made):
    answer = audit(made.project())
    assert (answer.findings, answer.skipped) == ([], [])
    assert (answer.adapters, answer.versions) == (1, 1)


def test_a_base_inside_the_horizon_is_found(made):
    made.date("minilm-l6", in_days(180), successor="minilm-l12")
    found = only(audit(made.project()), "EOL003")
    assert found == Finding(
        code="EOL003",
        severity="medium",
        subject="adapter:support-router@1",
        message=f"weights of minilm-l6: shutdown on 2027-05-22, in 180 d; begin by 2027-03-23; "
        f"source {SOURCE}",
        owners=["support-ml", "platform-ml"],
        base="minilm-l6",
        phase="weights",
        affects=["helpdesk"],
        date=found.date,
        slack_days=120,
        mend="adapterctl plan support-router --to minilm-l12",
    )
    assert str(found.date) == "2027-05-22"


def test_a_base_beyond_the_horizon_is_not_found(made):
    made.date("minilm-l6", in_days(181))
    assert codes(made) == []
    assert codes(made, horizon_days=181) == ["EOL003"]


def test_negative_slack_is_late_whatever_the_horizon(made):
    made.date("minilm-l6", in_days(43))
    found = only(audit(made.project(), horizon_days=10), "EOL002")
    assert (found.severity, found.slack_days) == ("high", -17)


def test_on_the_last_day_for_a_start_an_adapter_is_not_late_yet(made):
    made.date("minilm-l6", in_days(60))
    assert codes(made) == ["EOL003"]
    assert only(audit(made.project()), "EOL003").slack_days == 0


def test_a_base_past_its_shutdown_is_critical(made):
    made.date("minilm-l6", in_days(0))
    found = only(audit(made.project()), "EOL001")
    assert (found.severity, found.slack_days) == ("critical", -60)
    assert found.message.startswith("weights of minilm-l6: ended on 2026-11-23, 0 d ago")


def test_only_the_most_severe_end_of_an_adapter_is_told(made):
    made.date("minilm-l6", in_days(100))
    made.date("minilm-l6", in_days(30), phase="tuning")
    made.date("minilm-l6", in_days(-1), phase="serving")
    answer = audit(made.project())
    assert [finding.code for finding in answer.findings] == ["EOL001"]
    assert answer.findings[0].phase == "serving"


def test_a_not_before_inside_the_horizon_is_low_and_has_no_slack(made):
    made.date("minilm-l6", in_days(30), kind="not_before")
    found = only(audit(made.project()), "EOL003")
    assert (found.severity, found.slack_days) == ("low", None)
    assert found.message == (
        f"weights of minilm-l6: not before 2026-12-23, and no firm date; source {SOURCE}"
    )


def test_a_firm_date_on_the_same_clock_silences_the_not_before(made):
    made.date("minilm-l6", in_days(30), kind="not_before")
    made.date("minilm-l6", in_days(400))
    assert codes(made) == []


def test_unknown_is_found_and_never_fine(made):
    made.adapter("faq-short", base="minilm-l12")
    found = only(audit(made.project()), "EOL004")
    assert (found.severity, found.subject) == ("medium", "adapter:faq-short@1")
    assert found.mend == (
        "adapterctl lifecycle add minilm-l12 --phase weights --not-before DATE --source URL"
    )


def test_the_end_of_tuning_alone_leaves_the_end_of_the_base_unknown(made):
    made.adapter("faq-short", base="minilm-l12")
    made.date("minilm-l12", in_days(900), phase="tuning")
    assert codes(made) == ["EOL004"]


def test_a_tombstone_makes_an_end_unknown_again(made):
    made.date("minilm-l12", in_days(30), key="once")
    made.date("minilm-l12", None, key="once", seen_on="2026-11-20")
    made.adapter("faq-short", base="minilm-l12")
    assert codes(made) == ["EOL004", "EOL008"]


def test_a_providers_date_hits_what_is_served_there_and_nothing_else(made):
    made.adapter("hosted", serving=[OPENAI_EU])
    made.date("minilm-l6", in_days(20), phase="serving", provider="openai", region="eu")
    found = only(audit(made.project()), "EOL002")
    assert (found.subject, found.provider, found.region) == ("adapter:hosted@1", "openai", "eu")
    assert found.message.startswith("serving of minilm-l6 at openai in eu: shutdown on 2026-12-13")


def test_each_place_without_a_known_end_is_unknown(tmp_path):
    made = SmallRegistry(tmp_path)
    made.base("gpt", source=BaseSource(provider="openai", model="m"), revision=None)
    places = [OPENAI_EU, Serving(provider="azure", region="eu")]
    made.adapter("hosted", base="gpt", serving=places)
    made.date("gpt", in_days(900), phase="serving", provider="openai")
    found = only(audit(made.project()), "EOL004")
    assert (found.provider, found.phase) == ("azure", "serving")
    assert "--phase serving --provider azure" in found.mend


def test_of_an_adapter_served_nobody_knows_where_a_providers_date_is_not_passed_over(made):
    made.recipe("support-router", serving=[])
    assert codes(made) == []
    made.date("minilm-l6", in_days(20), phase="serving", provider="openai")
    found = only(audit(made.project()), "EOL004")
    assert found.message == "nothing says where it is served: the dates of openai may hit it"
    assert found.mend == "write serving in registry/adapters/support-router/recipe.yaml"


def test_a_moved_date_supersedes_the_earlier_one(made):
    made.date("minilm-l6", in_days(20), key="k")
    made.date("minilm-l6", in_days(800), key="k", seen_on="2026-11-20")
    assert codes(made) == ["EOL005"]


def test_a_slow_last_move_makes_the_lead_time_longer(made):
    made.date("minilm-l6", in_days(90))
    assert codes(made) == ["EOL003"]
    made.event("support-router", "candidate", 1, at="2026-02-01T00:00:00Z")
    made.event("support-router", "promoted", 1, at="2026-05-12T00:00:00Z")
    assert only(audit(made.project()), "EOL002").slack_days == -10


def test_lead_time_and_horizon_come_from_the_policy(made):
    made.date("minilm-l6", in_days(90))
    made.policy(lead_time_days=100)
    assert codes(made) == ["EOL002"]
    made.policy(lead_time_days=10, horizon_days=80)
    assert codes(made) == []


def test_a_successor_with_less_runway_than_the_lead_time_is_found(made):
    made.date("minilm-l6", in_days(100), successor="minilm-l12")
    made.date("minilm-l12", in_days(159))
    found = only(audit(made.project()), "EOL007")
    assert (found.severity, found.base) == ("medium", "minilm-l6")
    assert found.message == (
        "successor minilm-l12 has 59 d of runway from 2027-03-03, less than the lead time of "
        "60 d: weights of minilm-l12: shutdown on 2027-05-01"
    )


def test_a_successor_that_outlives_the_next_lead_time_is_not_found(made):
    made.date("minilm-l6", in_days(100), successor="minilm-l12")
    made.date("minilm-l12", in_days(160))
    assert codes(made) == ["EOL003"]


def test_a_dead_successor_has_no_runway(made):
    made.date("minilm-l6", in_days(100))
    made.base("minilm-l6", successors=["minilm-l12"])
    made.date("minilm-l12", in_days(-5))
    assert "has 0 d of runway" in only(audit(made.project()), "EOL007").message


def test_a_candidate_that_passed_is_promoted_and_not_planned_again(made):
    made.date("minilm-l6", in_days(43), successor="minilm-l12")
    made.date("minilm-l12", in_days(2000), kind="not_before")
    recipe = a_recipe("support-router")
    successor = msgspec.structs.replace(recipe, base="minilm-l12")
    made.version(successor, rebuilt_from=a_rebuild(1, "minilm-l6"))
    made.event("support-router", "candidate", 2)
    assert only(audit(made.project()), "EOL002").mend == "adapterctl promote support-router@2"


def test_a_candidate_that_did_not_pass_is_not_offered(made):
    made.date("minilm-l6", in_days(43), successor="minilm-l12")
    successor = msgspec.structs.replace(a_recipe("support-router"), base="minilm-l12")
    made.version(successor, rebuilt_from=a_rebuild(1, "minilm-l6", verdict="INCONCLUSIVE"))
    made.event("support-router", "candidate", 2)
    found = only(audit(made.project()), "EOL002")
    assert found.mend == "adapterctl plan support-router --to minilm-l12"


def test_of_a_version_kept_for_rollback_the_way_back_is_to_be_checked(made):
    made.date("minilm-l6", in_days(43), successor="minilm-l12")
    made.date("minilm-l12", in_days(2000), kind="not_before")
    successor = made.recipe("support-router", base="minilm-l12")
    made.version(successor, rebuilt_from=a_rebuild(1, "minilm-l6"))
    made.event("support-router", "promoted", 2, at="2026-07-01T00:00:00Z")
    found = only(audit(made.project()), "EOL002")
    assert found.subject == "adapter:support-router@1"
    assert found.mend == "adapterctl rollback support-router --check"


def test_a_horizon_beyond_the_calendar_is_no_error(made):
    assert codes(made, horizon_days=10**9) == ["EOL003"]


@pytest.mark.parametrize(
    ("stated", "provider", "mend"),
    [
        (None, None, "adapterctl plan support-router --to SUCCESSOR"),
        ("Org/New_Base", None, "adapterctl bases add new_base --hub Org/New_Base@REVISION"),
        ("new", None, "adapterctl bases add new --path DIR"),
        (
            "gpt-5",
            "self-hosted",
            "adapterctl bases add gpt-5 --provider self-hosted --model gpt-5",
        ),
    ],
)
def test_a_successor_that_is_no_known_base_is_to_be_declared_first(made, stated, provider, mend):
    made.date("minilm-l6", in_days(43), successor=stated, provider=provider)
    assert only(audit(made.project()), "EOL002").mend == mend


# which versions


def test_versions_with_an_alias_are_judged_and_others_are_not(made):
    recipe = a_recipe("support-router")
    made.version(recipe)
    made.version(recipe)
    made.event("support-router", "promoted", 3, at="2026-07-01T00:00:00Z")
    made.event("support-router", "reproduced", 3, at="2026-10-01T09:00:00Z")
    made.date("minilm-l6", in_days(43))
    subjects = [finding.subject for finding in audit(made.project()).findings]
    assert subjects == ["adapter:support-router@1", "adapter:support-router@3"]


def test_without_an_alias_the_newest_version_is_judged(tmp_path):
    made = SmallRegistry(tmp_path)
    made.base("minilm-l6")
    recipe = made.recipe("support-router")
    made.version(recipe)
    made.version(recipe)
    made.event("support-router", "reproduced", 2, at="2026-10-01T09:00:00Z")
    made.date("minilm-l6", in_days(43))
    assert [f.subject for f in audit(made.project()).findings] == ["adapter:support-router@2"]
    assert audit(made.project(), every=True).versions == 2


def test_a_retired_adapter_is_left_out_and_counted(made):
    made.date("minilm-l6", in_days(43))
    made.event("support-router", "retired", 1, at="2026-08-01T00:00:00Z")
    answer = audit(made.project())
    assert (answer.findings, answer.skipped, answer.retired) == ([], [], 1)


def test_what_the_recipe_lacks_is_told_once_however_many_versions_are_judged(made):
    lacking = made.recipe("support-router", owners=Owners(team="support-ml"))
    made.version(lacking)
    made.event("support-router", "promoted", 2, at="2026-07-01T00:00:00Z")
    answer = audit(made.project())
    assert answer.versions == 2
    assert only(answer, "OWN001").subject == "adapter:support-router@2"


# the recipe of today


def test_owners_and_serving_are_judged_as_the_recipe_says_today(made):
    made.date("minilm-l6", in_days(20), phase="serving", provider="openai")
    assert codes(made) == []
    made.recipe("support-router", serving=[OPENAI_EU], owners=Owners(team="billing"))
    found = only(audit(made.project()), "EOL002")
    assert found.owners == ["billing"]


def test_without_a_recipe_the_records_own_is_read(made):
    made.door.recipe_path("support-router").unlink()
    made.date("minilm-l6", in_days(43))
    answer = audit(made.project())
    assert only(answer, "EOL002").owners == ["support-ml", "platform-ml"]
    assert answer.skipped == []


@pytest.mark.parametrize(
    ("owners", "message", "mend"),
    [
        (Owners(), "no owner", "write owners.team and owners.backup in "),
        (Owners(team="support-ml"), "no backup owner", "write owners.backup in "),
        (Owners(backup="platform-ml"), "no owner", "write owners.team in "),
    ],
)
def test_a_missing_owner_or_backup_is_found(made, owners, message, mend):
    made.recipe("support-router", owners=owners)
    found = only(audit(made.project()), "OWN001")
    assert (found.severity, found.message) == ("medium", message)
    assert found.mend == f"{mend}registry/adapters/support-router/recipe.yaml"


def test_an_adapter_without_a_shadow_set_is_found(made):
    data = a_recipe("support-router").data
    made.recipe(
        "support-router",
        data=msgspec.structs.replace(data, evaluation={"gold": data.evaluation["gold"]}),
    )
    assert only(audit(made.project()), "EVAL002").severity == "low"


# bases


def test_a_base_without_fingerprint_or_pinned_revision_is_found(made):
    made.base("minilm-l6", fingerprint=None, revision="main", source=BaseSource(hub="org/minilm"))
    answer = audit(made.project())
    assert [(f.code, f.severity, f.subject) for f in answer.findings] == [
        ("BASE001", "high", "base:minilm-l6"),
        ("BASE002", "high", "base:minilm-l6"),
    ]
    assert answer.findings[0].message == "revision not pinned: main"
    assert answer.findings[0].mend == "adapterctl bases add minilm-l6 --hub org/minilm@COMMIT"
    assert answer.findings[0].affects == ["support-router@1"]


@pytest.mark.parametrize("revision", ["a" * 40, "sha256:" + "b" * 64])
def test_a_commit_or_a_content_digest_is_a_pinned_revision(made, revision):
    made.base("minilm-l6", revision=revision)
    assert codes(made) == []


def test_a_base_at_a_provider_has_nothing_to_pin(made):
    hosted = BaseSource(provider="openai", model="m")
    made.base("minilm-l6", source=hosted, revision=None, fingerprint=None)
    assert codes(made) == []


def test_a_base_that_a_stage_has_not_built_yet_is_skipped(made):
    made.base("minilm-l6", fingerprint=None, fingerprint_file="bases/minilm-l6.json")
    answer = audit(made.project())
    assert answer.findings == []
    assert [(one.subject, one.mend) for one in answer.skipped] == [("base:minilm-l6", "dvc repro")]


# skipped


def test_an_adapter_without_a_version_is_skipped_as_not_registered(made):
    made.recipe("draft")
    (one,) = audit(made.project()).skipped
    assert (one.subject, one.reason) == (
        "adapter:draft",
        "not registered: it has a recipe and no version",
    )


def test_one_broken_record_is_skipped_and_the_rest_is_judged(made):
    made.adapter("cracked")
    made.broken_record("cracked", 1)
    made.date("minilm-l6", in_days(43))
    answer = audit(made.project())
    assert [finding.subject for finding in answer.findings] == ["adapter:support-router@1"]
    (one,) = answer.skipped
    assert one.subject == "adapter:cracked@1"
    assert one.reason.startswith("registry/adapters/cracked/1.json: ")


def test_a_broken_recipe_is_skipped_and_its_version_judged_by_its_record(made):
    made.broken_recipe("support-router")
    made.date("minilm-l6", in_days(43))
    answer = audit(made.project())
    assert only(answer, "EOL002").owners == ["support-ml", "platform-ml"]
    (one,) = answer.skipped
    assert one.subject == "adapter:support-router"
    assert "ownres: unknown key" in one.reason
    assert one.reason.endswith("; judged by the recipe of its record")
    assert one.mend == "did you mean 'owners'?"


def test_broken_events_are_skipped_and_the_newest_version_is_judged(made):
    made.door.events_path("support-router").write_text('{"event": "promo\n')
    made.date("minilm-l6", in_days(43))
    answer = audit(made.project())
    assert codes(made) == ["EOL002", "DRL001"]
    assert answer.skipped[0].reason.startswith("registry/adapters/support-router/events.jsonl:1: ")


def test_a_base_that_is_not_declared_is_skipped_and_its_dates_still_count(made):
    made.door.base_path("minilm-l6").unlink()
    made.date("minilm-l6", in_days(43))
    answer = audit(made.project())
    assert [finding.code for finding in answer.findings] == ["EOL002"]
    assert answer.skipped[0].subject == "base:minilm-l6"


def test_a_broken_ledger_is_an_error_because_every_date_may_be_wrong(made):
    path = made.root / "registry" / "lifecycle" / "manual.jsonl"
    path.write_text(path.read_text() + "<<<<<<< HEAD\n")
    with pytest.raises(InvalidInput) as caught:
        audit(made.project())
    assert "registry/lifecycle/manual.jsonl:2: " in str(caught.value)


# cuts and waivers


def test_owner_and_base_cut_the_answer(tmp_path):
    project = a_story(tmp_path).project()
    assert {f.subject for f in audit(project, owner="billing").findings} == {
        "adapter:invoice-reader@1"
    }
    assert {f.subject for f in audit(project, base="minilm-l6").findings} == {
        "adapter:support-router@1"
    }


def test_a_misspelt_owner_or_base_is_an_error_and_no_clean_answer(tmp_path):
    project = a_story(tmp_path).project()
    with pytest.raises(NotFound) as owner:
        audit(project, owner="biling")
    assert str(owner.value) == (
        "no adapter has the owner 'biling'\n  hint: known: billing, platform-ml, support-ml"
    )
    with pytest.raises(NotFound) as base:
        audit(project, base="minilm")
    assert str(base.value) == (
        "no adapter has the base 'minilm'\n  hint: known: gpt-4o-mini, minilm-l12, minilm-l6, "
        "tiny-gpt2"
    )


def test_waivers_are_read_from_the_registry(made):
    made.date("minilm-l6", in_days(43))
    made.waive("EOL002", "adapter:support-router@1", until=in_days(0))
    assert only(audit(made.project()), "EOL002").waived_until == in_days(0)


def test_nothing_is_written_by_an_audit(tmp_path):
    made = a_story(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    audit(made.project())
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_no_finding_is_worse_than_its_code(tmp_path):
    made = a_story(tmp_path)
    made.adapter("loose", base="bare")
    made.base("bare", fingerprint=None, revision="main")
    found = audit(made.project(), horizon_days=2000).findings
    assert {finding.code for finding in found} >= {"EOL001", "EOL003", "BASE001", "BASE002"}
    worse = [
        finding
        for finding in found
        if SEVERITIES.index(finding.severity) < SEVERITIES.index(CODES[finding.code].severity)
    ]
    assert worse == []
