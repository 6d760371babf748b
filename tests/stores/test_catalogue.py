"""The catalogue of the package: true as far as it goes, and all of it carried along."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path

import pytest

from adapterctl.rules.feeds.meaning import observations_of
from adapterctl.rules.lifecycle.almanac import Almanac, subject_of
from adapterctl.rules.names.meanings import anywhere, at_provider
from adapterctl.stores import catalogue
from adapterctl.stores.feeds import read_snapshot

REPOSITORY = Path(__file__).parents[2]

SNAPSHOTS = {
    "litellm": "litellm/litellm-1.109.1.json",
    "deprecations-info": "deprecations-info/2026-07-24_b1885cd34.json",
    "modeldeprecations": "modeldeprecations/models",
    "hub-cases": "hub-lifecycle-cases.jsonl",
}


def test_it_has_the_bases_that_people_tune_each_once_and_with_a_page():
    names = [entry.base for entry in catalogue.entries()]
    assert 80 <= len(names) == len(set(names))
    assert {"llama-3.1-8b-instruct", "roberta-base", "openai-gpt-4o-mini-2024-07-18"} <= set(names)
    assert all(entry.page.startswith("https://") for entry in catalogue.entries())
    assert {name for entry in catalogue.entries() for name in entry.successors} <= set(names)


def test_no_two_entries_are_called_the_same():
    called: dict[str, str] = {}
    for entry in catalogue.entries():
        for name in {entry.called.lower(), *map(str.lower, entry.names)}:
            place = f"{entry.source.provider}/{name}"
            assert called.setdefault(place, entry.base) == entry.base


def test_what_providers_call_an_entry_means_its_repository():
    checked = 0
    for entry in catalogue.entries():
        for provider, name in entry.at.items():
            checked += 1
            assert at_provider(name, provider).base == anywhere(entry.called).base, name
    assert checked > 60


def test_every_date_is_about_an_entry_and_says_where_it_stands():
    bases = {entry.base: entry.declared() for entry in catalogue.entries()}
    for feed, lines in catalogue.observations().items():
        almanac = Almanac(lines, bases)
        known = {join.subject for base in bases for join in almanac.found_under(base)}
        assert lines and {subject_of(line) for line in lines} <= known
        assert all(line.key.startswith(f"{feed}:") and "://" in line.source for line in lines)
        assert len({line.seen_on for line in lines}) == 1


@pytest.mark.parametrize("feed", SNAPSHOTS)
def test_the_lines_are_those_that_the_snapshot_gives(corpus: Path, feed: str):
    shipped = catalogue.observations()[feed]
    snapshot = read_snapshot(feed, corpus / "eol" / SNAPSHOTS[feed], progress=lambda *_: None)
    reading = observations_of(snapshot, seen_on=date.fromisoformat(shipped[0].seen_on))
    assert snapshot.day in {None, date.fromisoformat(shipped[0].seen_on)}
    assert [line for line in reading.dated if line in shipped] == shipped
    assert catalogue.namings().get(feed, []) == reading.named


def test_the_package_carries_all_of_it():
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    globs = settings["tool"]["setuptools"]["package-data"]["adapterctl"]
    root = REPOSITORY / "src" / "adapterctl"
    data = {
        path for path in (root / "stores" / "catalogue").rglob("*.[jy]*") if path.suffix != ".py"
    }
    assert len(data) == 6
    assert data <= {path for glob in globs for path in root.glob(glob)}
