import json
from pathlib import Path
from typing import Any

import pytest

from adapterctl.records.base import BaseSource
from adapterctl.records.recipe import Serving
from support.commands import Commands, modules_after
from support.goldens import assert_golden
from support.registries import SmallRegistry

AZURE_EU = Serving(provider="azure", region="eu")
KEYS = ["feed", "file", "read", "recorded", "unchanged", "moved", "vanished", "refused"]


@pytest.fixture
def made(tmp_path: Path) -> SmallRegistry:
    registry = SmallRegistry(tmp_path)
    source = BaseSource(provider="azure", model="gpt-9")
    registry.base("gpt-9", source=source, revision=None, fingerprint=None)
    registry.adapter("hosted", base="gpt-9", serving=[AZURE_EU])
    return registry


@pytest.fixture
def run(made: SmallRegistry, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(made.root, capsys)


def prices(path: Path, **dates: str | None) -> str:
    rows: dict[str, Any] = {"sample_spec": {"deprecation_date": "the day it dies"}}
    for name, day in dates.items():
        row = {"litellm_provider": "azure", "input_cost_per_token": 1e-6}
        rows[f"azure/eu/{name}"] = {**row, "deprecation_date": day} if day else row
    path.write_text(json.dumps(rows))
    return str(path)


@pytest.fixture
def take(made: SmallRegistry, run: Commands):
    """Imports a price map with one or more dates on a day."""

    def take_on(day: str, **dates: str | None) -> dict[str, Any]:
        file = prices(made.root / "map.json", **dates)
        said = run("lifecycle", "import", "litellm", file, "--as-of", day, "--format", "json")
        assert said.status == 0, said.err
        (result,) = said.json["results"]
        return dict(result)

    return take_on


def findings(run: Commands, day: str, *codes: str) -> list[tuple[str, str]]:
    found = run("audit", "--as-of", day, "--format", "json").json["results"]
    return [(one["code"], one["message"]) for one in found if one["code"] in codes]


def test_the_answer_has_the_keys_of_the_contract_and_counts_every_dated_row(take):
    first = take(
        "2026-09-01", **{"gpt-8": "2026-12-01", "gpt-9": "2026-12-01", "old": "2026-12-01"}
    )
    assert list(first) == KEYS
    counted = [first[key] for key in KEYS[2:7]]
    assert counted == [4, 3, 0, 0, 0]
    assert [one["key"] for one in first["refused"]] == ["sample_spec"]
    second = take(
        "2026-10-01", **{"gpt-8": "2026-12-01", "gpt-9": "2027-06-01", "new": "2027-01-01"}
    )
    assert [second[key] for key in KEYS[2:7]] == [4, 1, 1, 1, 1]


def test_the_text_says_what_moved_vanished_and_was_refused(made, run, take):
    take("2026-09-01", **{"gpt-9": "2026-12-01", "old": "2026-12-01"})
    file = prices(made.root / "map.json", **{"gpt-9": "2027-06-01", "new": "2027-01-01"})
    said = run("lifecycle", "import", "litellm", file, "--as-of", "2026-10-01")
    assert_golden("lifecycle_import.txt", said.out)
    again = run("lifecycle", "import", "litellm", file, "--as-of", "2026-10-02")
    assert "git add" not in again.out


def test_the_same_twice_changes_nothing(made, take):
    take("2026-09-01", **{"gpt-9": "2026-12-01"})
    ledger = made.root / "registry" / "lifecycle" / "litellm.jsonl"
    before = ledger.read_bytes()
    again = take("2026-09-01", **{"gpt-9": "2026-12-01"})
    assert (again["unchanged"], again["recorded"]) == (1, 0)
    assert ledger.read_bytes() == before


def test_an_observation_keeps_feed_source_key_digest_and_day(made, take):
    take("2026-09-01", **{"gpt-9": "2026-12-01"})
    (line,) = made.door.observations_of("litellm")
    assert (line.key, line.seen_on, line.subject) == (
        "litellm:azure/eu/gpt-9", "2026-09-01", "gpt-9",
    )  # fmt: skip
    assert (line.provider, line.region, len(line.digest or "")) == ("azure", "eu", 64)
    assert line.source.startswith("https://github.com/BerriAI/litellm/")


def test_a_date_moved_later_unflags_what_it_flagged_and_the_move_is_said_for_a_while(run, take):
    take("2026-09-01", **{"gpt-9": "2026-10-15"})
    assert [code for code, _ in findings(run, "2026-10-01", "EOL002", "EOL005")] == ["EOL002"]
    take("2026-10-02", **{"gpt-9": "2028-12-01"})
    ((code, message),) = findings(run, "2026-10-03", "EOL001", "EOL002", "EOL003", "EOL005")
    assert code == "EOL005"
    assert message.startswith(
        "serving of gpt-9 at azure in eu: shutdown 2026-10-15 became shutdown 2028-12-01, "
        "778 d later; seen on 2026-10-02; source https://"
    )
    assert findings(run, "2027-03-31", "EOL005")
    assert not findings(run, "2027-04-01", "EOL005")


def test_what_vanished_is_said_until_somebody_sees_a_date_again(run, take):
    take("2026-09-01", **{"gpt-9": "2027-10-15", "other": "2027-01-01"})
    take("2026-10-01", other="2027-01-01")
    codes = ("EOL002", "EOL003", "EOL004", "EOL008")
    gone, unknown = sorted(findings(run, "2027-10-01", *codes), reverse=True)
    assert unknown[0] == "EOL004"
    assert gone[1].startswith(
        "serving of gpt-9 at azure in eu: shutdown 2027-10-15 is no longer listed by litellm "
        "since 2026-10-01; source https://"
    )
    add = ("lifecycle", "add", "gpt-9", "--phase", "serving", "--provider", "azure")
    stated = ("--region", "eu", "--shutdown", "2029-01-01", "--source", "https://x")
    run(*add, *stated, "--as-of", "2026-10-02")
    assert findings(run, "2026-10-03", *codes) == []


def test_a_record_that_lost_only_its_date_is_said_to_be_listed(run, take):
    take("2026-09-01", **{"gpt-9": "2027-10-15", "other": "2027-01-01"})
    take("2026-10-01", **{"gpt-9": None, "other": "2027-01-01"})
    ((_, message),) = findings(run, "2026-10-02", "EOL008")
    assert "is listed, but without a date, by litellm since 2026-10-01" in message


def test_a_dead_base_does_not_come_back_to_life_when_its_feed_drops_it(run, take):
    take("2026-09-01", **{"gpt-9": "2026-09-15", "other": "2027-01-01"})
    take("2026-10-01", other="2027-01-01")
    found = findings(run, "2026-10-02", "EOL001", "EOL004", "EOL008")
    assert sorted(code for code, _ in found) == ["EOL001", "EOL008"]


def test_an_adapter_that_is_served_elsewhere_hears_of_neither(made, run, take):
    made.recipe("hosted", base="gpt-9", serving=[Serving(provider="openai", region="eu")])
    take("2026-09-01", **{"gpt-9": "2026-10-15", "other": "2027-01-01"})
    take("2026-10-01", **{"gpt-9": "2026-12-15"})
    assert findings(run, "2026-10-02", "EOL005", "EOL008") == []


def test_show_lists_every_feed_and_says_which_counts(made, run, take):
    take("2026-09-01", **{"gpt-9": "2027-03-01"})
    items = [{"provider": "Azure", "model_id": "gpt-9", "shutdown_date": "2027-02-01"}]
    (made.root / "d.json").write_text(json.dumps(items))
    run("lifecycle", "import", "deprecations-info", str(made.root / "d.json"))
    shown = run("lifecycle", "show", "gpt-9", "--as-of", "2026-11-23", "--format", "json").json
    assert [(one["feed"], one["date"]) for one in shown["results"]] == [
        ("deprecations-info", "2027-02-01"), ("litellm", "2027-03-01"),
    ]  # fmt: skip
    made.date("gpt-9", "2027-01-15", phase="serving", provider="azure", region="eu", key="m:1")
    text = run("lifecycle", "show", "gpt-9", "--as-of", "2026-11-23").out
    assert text.endswith(
        "serving (azure, eu): shutdown 2027-01-15 (m), shutdown 2027-03-01 (litellm); the\n"
        "first counts\n"
    )


def test_a_malformed_file_imports_nothing_and_says_where(made, run, take):
    take("2026-09-01", **{"gpt-9": "2026-12-01"})
    ledger = made.root / "registry" / "lifecycle" / "litellm.jsonl"
    before = ledger.read_bytes()
    bad = made.root / "bad.json"
    bad.write_text('{"a": {"deprecation_date": "2027-01-01"}, "b": [1]}')
    said = run("lifecycle", "import", "litellm", str(bad))
    assert (said.status, said.out) == (3, "")
    assert said.err == f"error: {bad}: b: not a mapping: [1]\n"
    assert ledger.read_bytes() == before


def test_a_feed_without_a_single_date_has_changed_its_shape(run, made, take):
    take("2026-09-01", **{"gpt-9": "2026-12-01"})
    file = prices(made.root / "map.json", **{"gpt-9": None})
    said = run("lifecycle", "import", "litellm", file, "--as-of", "2026-10-01")
    assert (said.status, said.err) == (
        3,
        f"error: {file}: no record has a date any more\n  hint: has the feed renamed its fields?\n",
    )


def test_a_snapshot_older_than_the_last_is_refused(run, made, take):
    take("2026-09-01", **{"gpt-9": "2026-12-01"})
    file = prices(made.root / "map.json", **{"gpt-9": "2026-11-01"})
    said = run("lifecycle", "import", "litellm", file, "--as-of", "2026-08-01")
    assert said.status == 3
    assert "a snapshot of 2026-08-01, and the ledger has one of 2026-09-01" in said.err


def test_a_day_that_has_not_come_is_refused_unless_somebody_says_so(run, made):
    items = [{"provider": "OpenAI", "model_id": "m", "shutdown_date": "2099-01-01"}]
    file = made.root / "2098-01-01.json"
    file.write_text(json.dumps(items))
    said = run("lifecycle", "import", "deprecations-info", str(file))
    assert "states 2098-01-01 as its day, which has not come" in said.err
    as_of = ("--as-of", "2026-11-23")
    assert run("lifecycle", "import", "deprecations-info", str(file), *as_of).status == 0


def test_an_unknown_feed_is_a_usage_error(run, made):
    assert run("lifecycle", "import", "openai", "x.json").status == 2


def test_an_import_needs_the_light_install_only(made):
    file = prices(made.root / "map.json", **{"gpt-9": "2026-12-01"})
    loaded = modules_after(made.root, "lifecycle", "import", "litellm", file)
    assert not loaded & {"torch", "mlflow", "dvc", "transformers", "pandas", "numpy"}
    assert "adapterctl" in loaded


REPLAY = {
    "litellm": [
        ("litellm/litellm-1.81.16.json", "2026-02-01", 118),
        ("litellm/litellm-1.98.0.json", "2026-05-01", 334),
        ("litellm/litellm-1.109.1.json", "2026-10-01", 944),
    ],
    "deprecations-info": [
        ("deprecations-info/2025-11-25_60d9fdc29.json", None, 128),
        ("deprecations-info/2026-02-28_cd6d5a560.json", None, 134),
        ("deprecations-info/2026-07-24_b1885cd34.json", None, 409),
        ("deprecations-info/feed.json", None, 409),
    ],
}


@pytest.mark.parametrize("feed", REPLAY)
def test_the_snapshots_of_the_corpus_replay_without_losing_a_record(corpus, run, made, feed):
    said: list[dict[str, Any]] = []
    for file, day, dated in REPLAY[feed]:
        words = ("--as-of", day) if day else ()
        path = str(corpus / "eol" / file)
        answer = run("lifecycle", "import", feed, path, *words, "--format", "json").json
        (one,) = answer["results"]
        assert one["recorded"] + one["unchanged"] + one["moved"] == dated
        said.append(one)
    lines = made.door.observations_of(feed)
    assert len({line.key for line in lines}) == sum(one["recorded"] for one in said)
    assert sum(line.date is None for line in lines) == sum(one["vanished"] for one in said)
    assert said[-2]["moved"] > 0 and said[1]["vanished"] > 0
    if feed == "deprecations-info":
        assert (said[-1]["unchanged"], said[-1]["vanished"]) == (409, 0)
