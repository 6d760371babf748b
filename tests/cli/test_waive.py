from pathlib import Path

import pytest

from support.commands import Commands
from support.registries import a_story

WORDS = ("waive", "EOL001", "adapter:invoice-reader@1", "--as-of", "2026-11-23")
AUDIT = ("audit", "--owner", "billing")


@pytest.fixture
def story(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    """Commands of a story of this test's own: here the registry is written to."""
    a_story(tmp_path)
    return Commands(tmp_path, capsys)


def test_the_answer_says_what_is_accepted_and_what_to_commit(story):
    said = story(*WORDS, "--reason", "moved by hand next week", "--until", "2026-12-05")
    first, second, *rest = said.out.splitlines()
    assert said.status == 0
    assert first.startswith("EOL001 adapter:invoice-reader@1 accepted until 2026-12-05 by ")
    assert second == "    moved by hand next week"
    assert "    git add registry/waivers.yaml" in rest


def test_the_audit_shows_what_is_accepted_and_counts_it_again_afterwards(story):
    assert story(*AUDIT, "--as-of", "2026-11-23").status == 1
    story(*WORDS, "--reason", "r", "--until", "2026-12-05")
    waived = story(*AUDIT, "--as-of", "2026-12-05")
    assert waived.status == 0
    assert "Accepted for now\n  EOL001 adapter:invoice-reader@1 until 2026-12-05\n" in waived.out
    assert story(*AUDIT, "--as-of", "2026-12-06").status == 1


def test_the_same_again_is_said_and_writes_nothing(story):
    words = (*WORDS, "--reason", "r", "--until", "2026-12-05")
    story(*words)
    again = story(*words)
    assert again.status == 0
    assert "is accepted already until 2026-12-05" in again.out
    assert "git add" not in again.out


def test_what_is_superseded_is_told(story):
    story(*WORDS, "--reason", "first", "--until", "2026-12-05")
    said = story(*WORDS, "--reason", "second", "--until", "2026-12-20")
    assert "    second\n    instead of until 2026-12-05 by " in said.out
    assert said.out.splitlines()[3] == "      first"


def test_the_json_has_one_result_per_subject(story):
    said = story(
        "waive", "EVAL002", "adapter:support-router", "base:minilm-l6", "--reason", "r",
        "--until", "2026-12-05", "--as-of", "2026-11-23", "--format", "json",
    )  # fmt: skip
    results = said.json["results"]
    assert [one["subject"] for one in results] == ["adapter:support-router", "base:minilm-l6"]
    assert list(results[0]) == ["code", "subject", "reason", "by", "until", "state"]
    assert {one["state"] for one in results} == {"added"}


def test_a_day_in_the_past_exits_3(story):
    said = story(*WORDS, "--reason", "r", "--until", "2026-11-22")
    assert (said.status, said.out) == (3, "")
    assert said.err == (
        "error: 2026-11-22 is past: today is 2026-11-23\n"
        "  hint: a waiver holds until a day to come: --until\n"
    )
