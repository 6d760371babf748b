"""Every format of the audit: a golden, parsed back, and the same judgement whatever the format."""

from datetime import date

import pytest

from support import formats
from support.commands import Commands, modules_after
from support.goldens import assert_golden
from support.registries import SmallRegistry, in_days

TODAY = ("--as-of", "2026-11-23", "--offline")
FORMS = tuple(formats.READERS)
ENDS = {"EOL001", "EOL002", "EOL003"}

FILES = {
    "markdown": "audit.md",
    "sarif": "audit.sarif",
    "junit": "audit.xml",
    "ics": "audit.ics",
    "prometheus": "audit.prom",
}


@pytest.mark.parametrize("form", FILES)
def test_every_format_has_a_golden(story, form):
    said = story("audit", *TODAY, "--format", form)
    assert (said.status, said.err) == (1, "")
    assert_golden(FILES[form], said.out.replace("\r\n", "\n"))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("cut", [(), ("--owner", "support-ml"), ("--base", "gpt-4o-mini")])
def test_every_format_says_the_same_of_every_finding_with_its_waiver_and_its_mend(story, form, cut):
    told = formats.from_json(story("audit", *TODAY, *cut, "--format", "json").out)
    read = formats.READERS[form](story("audit", *TODAY, *cut, "--format", form).out)
    if form == "ics":
        assert read.findings == {one for one in told.findings if one[0] in ENDS} != set()
    else:
        assert read.findings == told.findings
    waived = {mend for mend in told.mends if form in {"text", "markdown"} and "shadow" in mend}
    assert read.mends <= told.mends and (form == "ics" or read.mends == told.mends - waived)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("options", "status"),
    [
        ((), 1),
        (("--fail-on", "critical", "--owner", "support-ml"), 0),
        (("--base", "tiny-gpt2"), 0),
        (("--base", "tiny-gpt2", "--fail-on", "medium"), 1),
        (("--base", "tiny-gpt2", "--strict"), 1),
    ],
)
def test_every_format_exits_alike(story, form, options, status):
    assert story("audit", *TODAY, *options, "--format", form).status == status


@pytest.fixture
def dying(tmp_path, capsys) -> Commands:
    made = SmallRegistry(tmp_path)
    made.base("minilm-l6")
    made.adapter("support-router")
    made.date("minilm-l6", in_days(43))
    made.waive("EOL002", "adapter:support-router", until="2026-11-23")
    return Commands(tmp_path, capsys)


@pytest.mark.parametrize("form", FORMS)
def test_in_every_format_a_waiver_holds_on_its_last_day_and_as_of_moves_today(dying, form):
    ending = ("EOL002", "adapter:support-router@1")
    for day, until, status in (("2026-11-23", "2026-11-23", 0), ("2026-11-24", None, 1)):
        said = dying("audit", "--as-of", day, "--format", form)
        assert said.status == status
        assert (*ending, until) in formats.READERS[form](said.out).findings


def test_grouping_makes_sections_of_markdown_and_suites_of_junit(story):
    text = story("audit", *TODAY, "--format", "markdown", "--by", "owner").out
    assert [line for line in text.splitlines() if line.startswith("####")] == [
        "#### billing", "#### support-ml", "#### Accepted for now", "#### Skipped",
    ]  # fmt: skip
    xml = story("audit", *TODAY, "--format", "junit", "--by", "base").out
    assert 'testsuite name="minilm-l6"' in xml and 'testsuite name="no base"' in xml
    whole = story("audit", *TODAY, "--format", "junit").out
    assert formats.junit_cases(xml).keys() == formats.junit_cases(whole).keys()


@pytest.mark.parametrize("form", ["json", "sarif", "ics", "prometheus"])
def test_a_format_without_groups_refuses_to_be_grouped(story, form):
    said = story("audit", *TODAY, "--format", form, "--by", "owner")
    assert (said.status, said.out) == (2, "")
    assert f"--by groups text, markdown, junit; {form} has an entry for each finding." in said.err


def test_code_scanning_finds_a_file_a_level_and_a_lasting_mark_for_each_result(story, story_root):
    def marks(day: str) -> dict[tuple[str, str], str]:
        run = formats.sarif_run(story("audit", "--as-of", day, "--format", "sarif").out)
        rules = run["tool"]["driver"]["rules"]
        found = {}
        for result in run["results"]:
            uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
            assert (story_root / uri).is_file()
            assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
            found[result["ruleId"], uri] = result["partialFingerprints"]["primaryLocationLineHash"]
        return found

    today, tomorrow = marks("2026-11-23"), marks("2026-11-24")
    assert today == tomorrow and len(set(today.values())) == len(today) == 5


def test_the_schema_of_code_scanning_refuses_what_is_none():
    assert formats.sarif_schema().is_valid({"version": "2.1.0", "runs": []})
    for wrong in (
        {"version": "2.0.0", "runs": []},
        {"version": "2.1.0", "runs": [{"results": []}]},
    ):
        assert not formats.sarif_schema().is_valid(wrong)


def test_code_scanning_is_told_what_could_not_be_judged_and_what_is_accepted(story):
    run = formats.sarif_run(story("audit", *TODAY, "--format", "sarif").out)
    (invocation,) = run["invocations"]
    said = [each["message"]["text"] for each in invocation["toolExecutionNotifications"]]
    assert invocation["executionSuccessful"] and len(said) == 2
    assert said[0].startswith("adapter:draft: not registered")
    accepted = [one["suppressions"] for one in run["results"] if one["suppressions"]]
    assert accepted == [
        [{"kind": "external", "status": "accepted", "justification": "accepted until 2026-12-31"}]
    ]


def test_a_dashboard_of_tests_sees_who_passes_who_fails_and_who_could_not_be_judged(story):
    cases = formats.junit_cases(story("audit", *TODAY, "--format", "junit").out)
    assert {name for name, case in cases.items() if case.is_failure} == {
        "adapter:invoice-reader@1", "adapter:support-router@1",
    }  # fmt: skip
    assert cases["adapter:support-router@2"].is_passed
    assert cases["base:minilm-l6"].is_passed
    assert cases["adapter:draft"].is_skipped and cases["adapter:cracked@1"].is_skipped
    strict = formats.junit_cases(story("audit", *TODAY, "--format", "junit", "--strict").out)
    assert strict["adapter:draft"].is_error


def test_a_place_that_was_skipped_is_a_case_of_its_own(tmp_path, capsys):
    SmallRegistry(tmp_path)
    (tmp_path / "registry" / "people.yaml").write_text("teams: 3\n")
    xml = Commands(tmp_path, capsys)("audit", *TODAY, "--format", "junit").out
    ((name, case),) = formats.junit_cases(xml).items()
    assert (name, case.is_skipped) == ("place:registry/people.yaml", True)


def test_a_dashboard_of_tests_skips_what_is_accepted_and_would_fail(dying):
    cases = formats.junit_cases(dying("audit", *TODAY, "--format", "junit").out)
    (result,) = cases["adapter:support-router@1"].result
    assert cases["adapter:support-router@1"].is_skipped
    assert result.message.endswith("(accepted until 2026-11-23)")


def test_a_calendar_moves_an_event_and_does_not_add_another(dying):
    def event(day: str):
        (found,) = formats.calendar_of(dying("audit", "--as-of", day, "--format", "ics").out).walk(
            "VEVENT"
        )
        return found

    accepted, open_again = event("2026-11-23"), event("2026-11-24")
    assert accepted["uid"] == open_again["uid"]
    assert accepted["sequence"] < open_again["sequence"]
    assert accepted.decoded("dtstart") == open_again.decoded("dtstart") == date(2026, 11, 6)
    assert (accepted["status"], open_again["status"]) == ("TENTATIVE", "CONFIRMED")
    assert not accepted.walk("VALARM")
    (alarm,) = open_again.walk("VALARM")
    assert alarm.decoded("trigger").days == -7
    assert open_again["transp"] == "TRANSPARENT"


def test_the_same_day_gives_the_same_bytes(dying):
    for form in FORMS:
        once = dying("audit", *TODAY, "--format", form).out
        assert once == dying("audit", *TODAY, "--format", form).out


def test_a_collector_gets_slack_rebuild_by_and_totals(story):
    text = story("audit", *TODAY, "--format", "prometheus").out
    router = {
        "adapter": "support-router", "version": "1", "base": "minilm-l6", "owner": "support-ml",
    }  # fmt: skip
    assert (router, -17.0) in formats.samples(text, "adapterctl_slack_days")
    seconds = formats.samples(text, "adapterctl_rebuild_by_timestamp_seconds")
    assert (router, 1793923200.0) in seconds  # 2026-11-06
    for name, value in (("against", 2), ("skipped", 2), ("adapters", 3), ("horizon_days", 180)):
        assert formats.samples(text, f"adapterctl_audit_{name}") == [({}, value)]
    assert sum(v for _, v in formats.samples(text, "adapterctl_audit_findings")) == 5


def test_markdown_and_sarif_need_the_light_install_only(story_root):
    libraries = {"junitparser", "icalendar", "prometheus_client", "jinja2", "apprise"}
    for form in ("markdown", "sarif"):
        modules = modules_after(story_root, "audit", *TODAY, "--format", form)
        assert modules & libraries == set()
