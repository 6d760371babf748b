"""What rows of feeds mean; each trap of the corpus is a claim."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from adapterctl.rules.feeds.deprecations_info import Deprecation
from adapterctl.rules.feeds.endoflife import Release
from adapterctl.rules.feeds.hub_cases import Case
from adapterctl.rules.feeds.litellm import MAP, Price, place_of
from adapterctl.rules.feeds.meaning import observations_of
from adapterctl.rules.feeds.modeldeprecations import Hosted, Replacement, Source
from adapterctl.rules.feeds.rows import Reading, Row, Snapshot
from adapterctl.rules.lifecycle.providers import provider_name
from adapterctl.stores.feeds import read_snapshot

SEEN = date(2026, 7, 24)
NEWEST = {
    "litellm": "litellm/litellm-1.109.1.json",
    "deprecations-info": "deprecations-info/2026-07-24_b1885cd34.json",
    "modeldeprecations": "modeldeprecations/models",
    "endoflife": "endoflife/products/anthropic-claude.md",
    "hub-cases": "hub-lifecycle-cases.jsonl",
}


def reading(feed: Any, *rows: Any, seen_on: date = SEEN) -> Reading:
    numbered = [Row(key=f"k{n}", digest="d", data=each) for n, each in enumerate(rows)]
    return observations_of(Snapshot(feed=feed, rows=numbered), seen_on=seen_on)


@pytest.fixture(scope="module")
def read(corpus: Path):
    """The newest snapshot of each feed, read once."""
    known: dict[str, Reading] = {}

    def read_once(feed: Any) -> Reading:
        if feed not in known:
            path = corpus / "eol" / NEWEST[feed]
            snapshot = read_snapshot(feed, path, progress=lambda *_: None)
            known[feed] = observations_of(snapshot, seen_on=snapshot.day or SEEN)
        return known[feed]

    return read_once


@pytest.mark.parametrize(
    ("key", "stated", "place"),
    [
        ("gpt-4o", "openai", ("gpt-4o", "openai", None)),
        ("azure/eu/gpt-4o", "azure", ("gpt-4o", "azure", "eu")),
        ("azure/global-standard/gpt-4o", "azure", ("gpt-4o", "azure", None)),
        ("azure_ai/Phi-3-mini-4k-instruct", "azure_ai", ("Phi-3-mini-4k-instruct", "azure", None)),
        ("azure/low/1024-x-1024/gpt-image-1", "azure", ("gpt-image-1", "azure", None)),
        (
            "bedrock/us-east-1/mistral.mistral-7b-instruct-v0:2",
            "bedrock",
            ("mistral.mistral-7b-instruct-v0:2", "bedrock", "us-east-1"),
        ),
        (
            "bedrock/us-gov-west-1/1-month-commitment/anthropic.claude-v1",
            "bedrock",
            ("anthropic.claude-v1", "bedrock", "us-gov-west-1"),
        ),
        (
            "us.meta.llama3-2-11b-instruct-v1:0",
            "bedrock_converse",
            ("meta.llama3-2-11b-instruct-v1:0", "bedrock", "us"),
        ),
        ("meta.llama3-1-8b-instruct-v1:0", "bedrock",
         ("meta.llama3-1-8b-instruct-v1:0", "bedrock", None)),
        ("1024-x-1024/50-steps/bedrock/amazon.nova-canvas-v1:0", "bedrock",
         ("amazon.nova-canvas-v1:0", "bedrock", None)),
        ("vertex_ai/qwen/qwen3-coder-maas", "vertex_ai-qwen_models",
         ("qwen/qwen3-coder-maas", "vertex", None)),
        ("gemini/gemini-2.5-pro", "gemini", ("gemini-2.5-pro", "google", None)),
        ("together_ai/Qwen/Qwen2-72B-Instruct", "together_ai",
         ("Qwen/Qwen2-72B-Instruct", "together_ai", None)),
        ("ft:babbage-002", "text-completion-openai", ("ft:babbage-002", "openai", None)),
        ("cerebras/llama3.1-8b", None, ("llama3.1-8b", "cerebras", None)),
        ("nobody-says", None, ("nobody-says", None, None)),
    ],
)  # fmt: skip
def test_a_key_of_litellm_says_what_is_served_by_whom_and_where(key, stated, place):
    assert place_of(key, stated) == place


@pytest.mark.parametrize(
    ("stated", "name"),
    [("AWS Bedrock", "bedrock"), ("Google Vertex", "vertex"), ("xAI", "xai"),
     ("vertex_ai-anthropic_models", "vertex"), ("Some One", "some-one")],
)  # fmt: skip
def test_a_provider_has_one_name(stated, name):
    assert provider_name(stated) == name


def test_prose_in_the_place_of_a_date_is_refused_and_the_rest_is_taken():
    prose = Price(litellm_provider="openai", deprecation_date="date when it becomes deprecated")
    never = Price(litellm_provider="openai", deprecation_date="2027-02-30")
    good = Price(litellm_provider="openai", deprecation_date="2027-02-28")
    found = reading("litellm", prose, never, good)
    assert [one.why for one in found.refused] == [
        "not a day: 'date when it becomes deprecated'",
        "not a day: '2027-02-30'",
    ]
    assert [(one.key, one.date, one.source) for one in found.dated] == [
        ("litellm:k2", "2027-02-28", MAP)
    ]


def test_the_explanation_of_litellms_fields_is_no_base_even_with_a_date_in_it():
    rows = [Row(key="sample_spec", digest="d", data=Price(deprecation_date="2027-01-01"))]
    found = observations_of(Snapshot(feed="litellm", rows=rows), seen_on=SEEN)
    assert found.dated == []
    assert [one.key for one in found.refused] == ["sample_spec"]


def test_a_key_that_is_listed_twice_counts_once():
    row = Row(key="a", digest="d", data=Price(deprecation_date="2027-01-01"))
    found = observations_of(Snapshot(feed="litellm", rows=[row, row]), seen_on=SEEN)
    assert (len(found.dated), found.refused[0].why) == (1, "listed twice; the first counts")


def deprecation(**stated: Any) -> Deprecation:
    return Deprecation(provider="OpenAI", model_id="gpt-9", **stated)


def test_without_a_date_of_shutdown_a_deprecation_says_nothing():
    found = reading("deprecations-info", deprecation(shutdown_date=""), deprecation())
    assert (found.dated, found.refused) == ([], [])


@pytest.mark.parametrize(
    ("stated", "successor", "note"),
    [
        ({"replacement_model": "gpt-10"}, "gpt-10", None),
        ({"replacement_models": ["gpt-10", "gpt-11"]}, "gpt-10", None),
        ({"replacement_model": "gpt-5orgpt-4.1*"}, None,
         "replacement as stated: gpt-5orgpt-4.1*"),
        ({"replacement_model": "A 1, B 2"}, None, "replacement as stated: A 1, B 2"),
        ({"replacement_models": None}, None, None),
    ],
)  # fmt: skip
def test_a_replacement_in_any_shape_is_a_successor_or_is_kept_as_stated(stated, successor, note):
    (one,) = reading("deprecations-info", deprecation(shutdown_date="2027-01-01", **stated)).dated
    assert (one.successor, one.note) == (successor, note)


def test_a_promise_and_an_earliest_day_are_kept_apart():
    rows = [
        Hosted(provider="openai", model="a", shutdown_on="2027-01-01"),
        Hosted(provider="openai", model="b", earliest_shutdown_on="2027-01-02"),
        Hosted(provider="openai", model="c"),
    ]
    assert [(one.subject, one.kind) for one in reading("modeldeprecations", *rows).dated] == [
        ("a", "shutdown"),
        ("b", "not_before"),
    ]


def test_only_what_the_provider_recommends_is_a_successor():
    suggested = Replacement(model="elsewhere", recommended=False)
    named = Replacement(model="next", recommended=True)
    source = Source(url="https://me:secret@example.org/d")
    record = Hosted(
        provider="openai", model="a", shutdown_on="2027-01-01", aliases=["a-latest"],
        replacements=[suggested, named], sources=[source],
    )  # fmt: skip
    (one,) = reading("modeldeprecations", record).dated
    assert (one.successor, one.source, one.note) == (
        "next", "https://example.org/d", "also called a-latest",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("eoas", "kind"),
    [(False, "not_before"), (None, "not_before"), ("2026-07-25", "not_before"),
     ("2026-07-24", "shutdown"), (True, "shutdown")],
)  # fmt: skip
def test_the_retirement_of_an_active_release_is_only_a_not_before(eoas, kind):
    release = Release(product="claude", name="c", eoas=eoas, eol="2027-07-24", replacement="N/A")
    (one,) = reading("endoflife", release).dated
    assert (one.kind, one.provider, one.successor) == (kind, "anthropic", None)
    assert one.source == "https://endoflife.date/claude"


@pytest.mark.parametrize("eol", [False, True, None])
def test_a_retirement_without_a_day_says_nothing(eol):
    assert reading("endoflife", Release(product="p", name="c", eol=eol)).dated == []


def test_only_a_removal_is_an_end_of_weights():
    def case(kind: str, day: str | None = "2024-09-27") -> Case:
        return Case(kind=kind, hf_id="a/b", evidence="https://x", observed_on=day)

    found = reading("hub-cases", case("removed"), case("superseded"), case("removed", None))
    assert [(one.key, one.phase, one.kind) for one in found.dated] == [
        ("hub-cases:k0", "weights", "shutdown")
    ]
    assert [one.why for one in found.refused] == [
        "superseded: no end, the weights can still be fetched",
        "removed, and no day is stated",
    ]


def test_every_dated_row_of_the_corpus_is_read(read):
    counts = {feed: (len(read(feed).dated), len(read(feed).refused)) for feed in NEWEST}
    assert counts == {
        "litellm": (944, 1),
        "deprecations-info": (409, 0),
        "modeldeprecations": (227, 0),
        "endoflife": (29, 0),
        "hub-cases": (3, 14),
    }


def test_what_was_first_seen_or_deprecated_on_a_day_does_not_end_then(read):
    known = {one.key.partition(":")[2]: one for one in read("deprecations-info").dated}
    realtime = known["OpenAI/gpt-realtime"]
    assert (realtime.date, realtime.seen_on) == ("2027-01-20", "2026-07-24")
    assert "Cohere/command-r-plus" not in known
    assert known["Cohere/embed-english-v2.0"].date == "2026-04-04"


def test_a_status_that_was_true_on_another_day_is_not_read(read):
    known = {one.subject: one for one in read("modeldeprecations").dated}
    assert "grok-2-1212" not in known
    assert known["open-mistral-7b"].date == "2025-03-30"


def test_no_region_or_price_is_left_in_a_name_of_litellm(read):
    known = read("litellm").dated
    assert not [one.subject for one in known if one.subject.startswith(("azure", "bedrock"))]
    assert not [one.subject for one in known if "-x-" in one.subject or "us." in one.subject[:3]]
    assert {one.region for one in known if one.provider == "azure"} == {None, "us", "eu", "apac"}
