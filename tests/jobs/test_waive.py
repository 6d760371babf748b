"""Waivers: what is accepted, until when, and what is refused."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from adapterctl.errors import InvalidInput
from adapterctl.jobs.audit import audit
from adapterctl.jobs.waive import waive
from adapterctl.records.policy import Waiver
from adapterctl.records.recipe import Serving
from adapterctl.rules.findings import counting
from support.registries import TODAY, SmallRegistry, in_days

IN_JANUARY = date(2027, 1, 31)
BY_HAND = """\
# Agreed with the platform team.
waivers:
  # No shadow traffic before the launch.
  - code: EVAL002
    subject: adapter:support-router   # every version
    reason: "not launched yet"
    by: Ada
    until: 2026-12-31
"""


@pytest.fixture
def made(tmp_path: Path) -> SmallRegistry:
    registry = SmallRegistry(tmp_path)
    registry.base("minilm-l6")
    registry.adapter("support-router", serving=[Serving(provider="self-hosted", region="eu")])
    return registry


def refusal(made: SmallRegistry, code: str, *subjects: str, reason: str = "r", until=IN_JANUARY):
    with pytest.raises(InvalidInput) as caught:
        waive(made.project(), code, subjects, reason=reason, until=until)
    assert not (made.door.folder / "waivers.yaml").exists()
    return str(caught.value)


def test_a_waiver_is_written_with_who_why_and_until_when(made):
    project = made.project()
    done = waive(
        project, "EOL004", ["adapter:support-router@1"], reason="asked  the\nHub", until=IN_JANUARY
    )
    assert done.written == ("registry/waivers.yaml",)
    assert (made.door.folder / "waivers.yaml").read_text() == (
        "waivers:\n"
        "- code: EOL004\n"
        "  subject: adapter:support-router@1\n"
        "  reason: asked the Hub\n"
        f"  by: {project.by}\n"
        "  until: 2027-01-31\n"
    )


def test_several_subjects_are_accepted_at_once_and_named_once(made):
    subjects = ["base:minilm-l6", "adapter:support-router", "target:eu", "base:minilm-l6"]
    done = waive(made.project(), "BASE005", subjects, reason="r", until=TODAY)
    assert [one.waiver.subject for one in done.acceptances] == subjects[:3]
    assert [one.subject for one in made.door.waivers()] == subjects[:3]


def test_an_alias_is_the_version_that_holds_it_today(made):
    waive(
        made.project(), "EOL004", ["adapter:support-router@champion"], reason="r", until=IN_JANUARY
    )
    assert [one.subject for one in made.door.waivers()] == ["adapter:support-router@1"]


def test_what_people_wrote_into_the_file_stays(made):
    path = made.door.folder / "waivers.yaml"
    path.write_text(BY_HAND)
    waive(made.project(), "EOL004", ["adapter:support-router"], reason="why: so", until=IN_JANUARY)
    text = path.read_text()
    assert text.startswith(BY_HAND)
    assert text.removeprefix(BY_HAND).startswith(
        "  - code: EOL004\n    subject: adapter:support-router\n    reason: 'why: so'\n"
    )


def test_the_same_waiver_again_changes_no_byte(made):
    path = made.door.folder / "waivers.yaml"
    path.write_text(BY_HAND)
    again = waive(
        made.project(),
        "EVAL002",
        ["adapter:support-router"],
        reason="not launched yet",
        until=date(2026, 12, 31),
    )
    assert again.written == ()
    assert [one.state for one in again.acceptances] == ["unchanged"]
    assert path.read_text() == BY_HAND


def test_a_new_waiver_supersedes_the_old_one_at_its_place_even_when_it_is_shorter(made):
    path = made.door.folder / "waivers.yaml"
    path.write_text(BY_HAND)
    project = made.project()
    done = waive(project, "EVAL002", ["adapter:support-router"], reason="sooner", until=TODAY)
    assert [(one.state, one.before.until) for one in done.acceptances] == [
        ("changed", "2026-12-31")
    ]
    assert made.door.waivers() == [
        Waiver(
            code="EVAL002",
            subject="adapter:support-router",
            reason="sooner",
            by=project.by,
            until="2026-11-23",
        )
    ]
    assert "# every version" in path.read_text()
    assert "# No shadow traffic" in path.read_text()


def test_of_waivers_that_repeat_one_is_left(made):
    path = made.door.folder / "waivers.yaml"
    path.write_text(BY_HAND + BY_HAND.partition("launch.\n")[2].replace("2026-12-31", "2027-06-30"))
    assert len(made.door.waivers()) == 2
    waive(made.project(), "EVAL002", ["adapter:support-router"], reason="r", until=IN_JANUARY)
    assert [one.until for one in made.door.waivers()] == ["2027-01-31"]


def test_an_unknown_code_is_refused_with_the_nearest_one(made):
    assert refusal(made, "eval02", "adapter:support-router") == (
        "no such code: 'eval02'\n  hint: did you mean 'EVAL002'?"
    )
    assert "hint: codes: EOL001, EOL002" in refusal(made, "nonsense", "adapter:support-router")


@pytest.mark.parametrize(
    ("subject", "message"),
    [
        (
            "support-router",
            "not a subject: 'support-router'\n"
            "  hint: write adapter:NAME, adapter:NAME@VERSION, base:ID or target:REGION",
        ),
        ("adapter:nobody", "no adapter 'nobody'\n  hint: known: support-router"),
        ("adapter:..", "no adapter '..'\n  hint: known: support-router"),
        ("base:minilm", "no base 'minilm'\n  hint: known: minilm-l6"),
        ("target:us", "no region 'us'\n  hint: known: eu"),
        (
            "adapter:support-router@7",
            "'support-router' has no version or alias '7'\n  hint: known: 1, champion",
        ),
    ],
)
def test_an_unknown_subject_is_refused(made, subject, message):
    assert refusal(made, "EOL004", subject) == message


def test_a_subject_without_its_name_is_refused(made):
    for subject in ("adapter:", "base", "", "person:ada"):
        assert f"not a subject: {subject!r}" in refusal(made, "EOL004", subject)


def test_everything_wrong_is_named_at_once_and_nothing_is_written(made):
    past = date(2026, 1, 1)
    said = refusal(made, "X", "adapter:support-router", "base:b", reason=" ", until=past)
    assert said.count("hint: ") == 4
    assert "no reason\n" in said
    assert "2026-01-01 is past: today is 2026-11-23\n" in said


def test_a_broken_file_is_an_error_and_stays_as_it_is(made):
    path = made.door.folder / "waivers.yaml"
    path.write_text("waivers: [{code: X}]\n")
    with pytest.raises(InvalidInput, match=r"registry/waivers\.yaml"):
        waive(made.project(), "EOL004", ["adapter:support-router"], reason="r", until=IN_JANUARY)
    assert path.read_text() == "waivers: [{code: X}]\n"


def test_an_accepted_finding_counts_again_when_the_waiver_has_ended(made):
    made.date("minilm-l6", in_days(43))
    until = date(2026, 12, 31)
    waive(made.project(), "EOL002", ["adapter:support-router"], reason="r", until=until)
    on_the_day = audit(made.project(as_of=until)).findings
    the_day_after = audit(made.project(as_of=date(2027, 1, 1))).findings
    assert [one.code for one in on_the_day] == [one.code for one in the_day_after] == ["EOL002"]
    assert counting(on_the_day, "high") == []
    [again] = counting(the_day_after, "high")
    assert again.message.endswith("; its waiver ended on 2026-12-31")
