"""What the corpus' feeds say together: zones, fine-tunes and chains of successors as they are."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from adapterctl.records.base import Base, BaseSource
from adapterctl.rules.audit.moves import way_of
from adapterctl.rules.feeds.meaning import observations_of
from adapterctl.rules.lifecycle.almanac import Almanac
from adapterctl.rules.lifecycle.exposure import Place, Use
from adapterctl.rules.lifecycle.succession import Move, succession
from adapterctl.rules.lifecycle.tuned import is_tuned
from adapterctl.stores.feeds import read_snapshot

TODAY = date(2026, 11, 23)
SNAPSHOTS = {
    "litellm": "litellm/litellm-1.109.1.json",
    "deprecations-info": "deprecations-info/2026-07-24_b1885cd34.json",
}


@pytest.fixture(scope="module")
def dates(corpus: Path) -> list[Any]:
    found = []
    for feed, file in SNAPSHOTS.items():
        snapshot = read_snapshot(feed, corpus / "eol" / file, progress=lambda *_: None)  # type: ignore[arg-type]
        found += observations_of(snapshot, seen_on=snapshot.day or date(2026, 9, 1)).dated
    return found


def test_the_feeds_list_twenty_ends_of_fine_tunes_and_all_of_them_at_openai(dates):
    tuned = [one for one in dates if is_tuned(one)]
    assert len(tuned) == 20
    assert {one.provider for one in tuned} == {"openai"}


@pytest.mark.parametrize(
    ("base", "ends", "instead_of"),
    [
        ("gpt-3.5-turbo-1106", "2026-10-23", ["2026-09-28"]),
        ("gpt-4o-mini-2024-07-18", "2027-01-14", ["2027-01-14"]),
        ("gpt-3.5-turbo-0613", "2026-10-23", ["2024-09-13"]),
        ("gpt-4.1-mini-2025-04-14", "2027-01-14", ["2027-01-14"]),
    ],
)
def test_fine_tunes_at_openai_go_by_the_dates_of_fine_tunes(dates, base, ends, instead_of):
    hosted = Use((Place("openai"),), hosted=True)
    status = Almanac(dates, {}).status_in(TODAY, base=base, use=hosted, lead_days=60)
    assert status.ends is not None
    assert (status.ends.date, is_tuned(status.ends)) == (ends, True)
    assert [one.date for one in status.superseded] == instead_of
    own = Almanac(dates, {}).status_in(TODAY, base=base, use=Use((Place("openai"),)), lead_days=60)
    assert [one.date for one in own.clocks] == instead_of


@pytest.mark.parametrize(
    ("region", "ends"), [("eu-central-1", "2026-10-15"), ("us-east-1", None), ("eu", "2026-10-15")]
)
def test_a_date_of_bedrocks_european_profile_hits_the_regions_in_it(dates, region, ends):
    use = Use((Place("bedrock", region),), hosted=True)
    name = "anthropic.claude-haiku-4-5-20251001-v1:0"
    status = Almanac(dates, {}).status_in(TODAY, base=name, use=use, lead_days=60)
    assert (status.ends.date if status.ends else None) == ends
    assert status.dark == ([] if ends else [Place("bedrock", region)])


@pytest.mark.parametrize(
    ("provider", "base", "way"),
    [
        (
            "groq",
            "qwen-2.5-32b",
            "; successor qwen-qwq-32b (until 2025-07-14) -> qwen/qwen3-32b (until 2026-07-17) -> "
            "openai/gpt-oss-120b",
        ),
        (
            "openai",
            "text-davinci-003",
            "; successor gpt-3.5-turbo-instruct (until 2026-09-28) -> gpt-5.4-mini",
        ),
        (
            "azure",
            "o3-mini",
            "; no successor is left: o4-mini (until 2026-10-16), named by o3-mini",
        ),
    ],
)
def test_successors_that_feeds_name_are_followed_as_far_as_they_go(dates, provider, base, way):
    use = Use((Place(provider),), hosted=True)
    found = succession(Almanac(dates, {}), Move(base, use, TODAY, 60))
    assert way_of(found) == way


def test_a_declared_base_at_the_end_of_a_chain_is_known_by_its_providers_name(dates):
    source = BaseSource(provider="groq", model="openai/gpt-oss-120b")
    bases = {"oss": Base(schema_version=1, base="oss", source=source)}
    use = Use((Place("groq"),), hosted=True)
    found = succession(Almanac(dates, bases), Move("qwen-2.5-32b", use, TODAY, 60))
    assert found.chosen is not None
    assert (found.chosen.name, found.chosen.declared) == ("oss", True)
