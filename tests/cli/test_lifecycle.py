import json
from pathlib import Path

import pytest

from support.commands import Commands
from support.goldens import assert_golden
from support.registries import SmallRegistry, a_story

TODAY = ("--as-of", "2026-11-23")
SOURCE = ("--source", "https://example.org/end")
WEIGHTS = ("lifecycle", "add", "minilm-l6", "--phase", "weights", *SOURCE)


@pytest.fixture
def made(tmp_path: Path) -> SmallRegistry:
    registry = SmallRegistry(tmp_path)
    registry.base("minilm-l6")
    registry.base("minilm-l12")
    return registry


@pytest.fixture
def run(made: SmallRegistry, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(made.root, capsys)


def test_a_date_is_recorded_with_its_source_and_the_day_it_was_seen(made, run):
    said = run(*WEIGHTS, "--shutdown", "2027-01-05", "--successor", "minilm-l12")
    assert (said.status, said.out) == (
        0,
        "minilm-l6 weights: shutdown 2027-01-05 recorded\n"
        "\n"
        "git add registry/lifecycle/manual.jsonl\n",
    )
    (line,) = made.door.observations()
    assert (line.subject, line.phase, line.kind, line.date) == (
        "minilm-l6", "weights", "shutdown", "2027-01-05",
    )  # fmt: skip
    assert (line.source, line.successor) == ("https://example.org/end", "minilm-l12")
    assert line.seen_on == run("list", "--format", "json").json["as_of"]


def test_a_shutdown_and_a_not_before_become_two_observations(made, run):
    run(*WEIGHTS, "--shutdown", "2027-03-01", "--not-before", "2027-01-01")
    lines = made.door.observations()
    assert [(line.kind, line.date) for line in lines] == [
        ("shutdown", "2027-03-01"),
        ("not_before", "2027-01-01"),
    ]
    assert len({line.key for line in lines}) == 2


def test_the_same_again_is_unchanged_and_writes_nothing(made, run):
    run(*WEIGHTS, "--shutdown", "2027-01-05")
    said = run(*WEIGHTS, "--shutdown", "2027-01-05")
    assert said.out == "minilm-l6 weights: shutdown 2027-01-05 unchanged\n"
    assert len(made.door.observations()) == 1


def test_a_moved_date_is_appended_and_said(made, run):
    run(*WEIGHTS, "--shutdown", "2027-01-05")
    said = run(*WEIGHTS, "--shutdown", "2027-03-01")
    assert said.out.startswith("minilm-l6 weights: shutdown moved from 2027-01-05 to 2027-03-01\n")
    assert [line.date for line in made.door.observations()] == ["2027-01-05", "2027-03-01"]


def test_another_provider_or_region_is_another_clock(made, run):
    add = ("lifecycle", "add", "minilm-l6", "--phase", "serving", *SOURCE)
    run(*add, "--shutdown", "2027-01-05", "--provider", "openai")
    said = run(*add, "--shutdown", "2027-02-05", "--provider", "openai", "--region", "eu")
    assert "minilm-l6 serving (openai, eu): shutdown 2027-02-05 recorded" in said.out
    assert len({line.key for line in made.door.observations()}) == 2


def test_a_successor_that_is_no_known_base_is_kept_as_stated_and_said(made, run):
    said = run(*WEIGHTS, "--shutdown", "2027-01-05", "--successor", "Org/Next")
    assert "successor 'Org/Next' is not a known base: kept as it was stated" in said.out
    assert made.door.observations()[0].successor == "Org/Next"


def test_an_unknown_base_is_refused_and_nothing_is_written(made, run):
    said = run(
        "lifecycle", "add", "minilm", "--phase", "weights", "--shutdown", "2027-01-05", *SOURCE
    )
    assert (said.status, said.out) == (3, "")
    assert said.err == (
        "error: registry/bases/minilm.yaml: no base 'minilm'\n"
        "  hint: known: minilm-l12, minilm-l6; or: adapterctl bases add minilm\n"
    )
    assert not (made.root / "registry" / "lifecycle").exists()


def test_an_earliest_day_after_the_promised_one_is_refused(made, run):
    said = run(*WEIGHTS, "--shutdown", "2027-01-01", "--not-before", "2027-03-01")
    assert said.status == 3
    assert said.err == (
        "error: not before 2027-03-01, and yet a shutdown on 2027-01-01\n"
        "  hint: the earliest day cannot lie after the promised one\n"
    )
    assert made.door.observations() == []


def test_a_base_cannot_succeed_itself(made, run):
    said = run(*WEIGHTS, "--shutdown", "2027-01-01", "--successor", "minilm-l6")
    assert said.err == "error: 'minilm-l6' cannot succeed itself\n  hint: name another base\n"
    assert made.door.observations() == []


@pytest.mark.parametrize(
    "words",
    [
        WEIGHTS,
        (*WEIGHTS, "--shutdown", "2027-13-01"),
        ("lifecycle", "add", "minilm-l6", "--phase", "serving", "--shutdown", "2027-01-01"),
        ("lifecycle", "add", "minilm-l6", "--shutdown", "2027-01-01", *SOURCE),
        ("lifecycle", "add", "minilm-l6", "--phase", "death", "--shutdown", "2027-01-01", *SOURCE),
    ],
)
def test_a_missing_or_impossible_word_is_a_usage_error(run, words):
    assert run(*words).status == 2


def test_credentials_in_the_source_are_not_written(made, run):
    url = "https://me:secret@example.org/end"
    run("lifecycle", "add", "minilm-l6", "--phase", "weights", "--shutdown", "2027-01-01",
        "--source", url)  # fmt: skip
    ledger = made.root / "registry" / "lifecycle" / "manual.jsonl"
    assert "secret" not in ledger.read_text()
    assert made.door.observations()[0].source == "https://example.org/end"


def test_what_is_added_is_what_the_audit_judges_by(made, run):
    made.adapter("support-router")
    assert "EOL004" in run("audit", *TODAY).out
    run(*WEIGHTS, "--shutdown", "2027-01-05")
    (found,) = run("audit", *TODAY, "--format", "json").json["results"]
    assert (found["code"], found["slack_days"]) == ("EOL002", -17)


def test_the_json_of_add_says_what_became_of_each_date(run):
    said = run(*WEIGHTS, "--shutdown", "2027-01-05", "--format", "json").json
    assert said["command"] == "lifecycle add"
    assert [(one["outcome"], one["before"]) for one in said["results"]] == [("recorded", None)]


def test_show_gives_every_clock_with_its_source_and_its_past(tmp_path, capsys):
    made = a_story(tmp_path)
    made.date("minilm-l6", "2026-12-01", key="hub", phase="serving", provider="hub", region="eu")
    made.date(
        "minilm-l6", "2027-02-01", key="hub", phase="serving", provider="hub", region="eu",
        seen_on="2026-11-10",
    )  # fmt: skip
    run = Commands(tmp_path, capsys)
    assert_golden("lifecycle_show.txt", run("lifecycle", "show", "minilm-l6", *TODAY).out)
    answer = run("lifecycle", "show", "minilm-l6", *TODAY, "--format", "json")
    assert_golden("lifecycle_show.json", answer.out)
    assert [one["days"] for one in json.loads(answer.out)["results"]] == [43, 70]


def test_show_says_when_nothing_is_known(run):
    said = run("lifecycle", "show", "minilm-l12", *TODAY)
    assert (said.status, said.out) == (0, "Nothing is known of how long minilm-l12 lives.\n")


def test_show_finds_dates_under_the_bases_other_names(made, run):
    made.base("minilm-l12", names=["hub/MiniLM"])
    made.date("hub/MiniLM", "2027-01-05")
    assert "2027-01-05" in run("lifecycle", "show", "minilm-l12", *TODAY).out


def test_an_observation_is_of_the_day_that_counts_as_today(made, run):
    assert run(*WEIGHTS, *TODAY, "--shutdown", "2027-01-05").status == 0
    (line,) = made.door.observations()
    assert line.seen_on == "2026-11-23"
