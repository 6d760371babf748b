from datetime import date

import pytest

from adapterctl.errors import InvalidInput
from adapterctl.records.base import BaseSource
from adapterctl.records.event import Event
from adapterctl.records.lifecycle import Observation
from adapterctl.records.recipe import Serving
from adapterctl.rules.lifecycle.almanac import Almanac, status_on
from adapterctl.rules.lifecycle.dates import clocks, current, is_over
from adapterctl.rules.lifecycle.exposure import hits
from adapterctl.rules.lifecycle.lead_times import days_of_last_move, lead_time
from adapterctl.rules.lifecycle.ledger import record_of, sightings
from adapterctl.rules.redaction import without_credentials
from support.registries import TODAY, a_base, in_days

EU = Serving(provider="openai", region="eu")
HOME = Serving(provider="self-hosted", region="eu")


def seen(day: str | None, **rest: object) -> Observation:
    values = {
        "subject": "minilm-l6",
        "phase": "weights",
        "kind": "shutdown",
        "source": "https://example.org",
        "seen_on": "2026-11-01",
        "key": "k",
        **rest,
    }
    return Observation(date=day, **values)  # type: ignore[arg-type]


def test_the_last_line_of_a_key_is_current():
    old, new = seen("2027-01-01"), seen("2027-03-01", seen_on="2026-11-05")
    assert current([old, new]) == [new]


def test_lines_that_a_merge_put_out_of_order_are_read_by_the_day_they_were_seen():
    old, new = seen("2027-01-01"), seen("2027-03-01", seen_on="2026-11-05")
    assert current([new, old]) == [new]


def test_of_two_lines_seen_on_one_day_the_later_in_the_ledger_is_current():
    assert current([seen("2027-01-01"), seen("2027-03-01")]) == [seen("2027-03-01")]


def test_a_tombstone_takes_its_key_away_and_no_other():
    gone = seen(None, seen_on="2026-11-05")
    other = seen("2027-02-01", key="other")
    assert current([seen("2027-01-01"), other, gone]) == [other]


@pytest.mark.parametrize("phase", ["serving", "tuning", "weights"])
def test_a_date_without_a_provider_hits_every_adapter_on_the_base(phase):
    observation = seen("2027-01-01", phase=phase)
    assert hits(observation, [])
    assert hits(observation, [HOME])
    assert hits(observation, [EU])


@pytest.mark.parametrize(
    ("provider", "region", "places", "hit"),
    [
        ("openai", None, [EU], True),
        ("openai", "eu", [EU], True),
        ("openai", "us", [EU], False),
        ("openai", "us", [EU, Serving(provider="openai", region="us")], True),
        ("openai", None, [HOME], False),
        ("openai", None, [], False),
        ("azure", None, [EU], False),
        ("openai", "us", [Serving(provider="openai")], True),
        (None, "eu", [HOME], True),
        (None, "us", [HOME], False),
        ("self-hosted", None, [HOME], True),
    ],
)
def test_a_date_of_a_provider_hits_only_what_is_served_there(provider, region, places, hit):
    observation = seen("2027-01-01", phase="serving", provider=provider, region=region)
    assert hits(observation, places) is hit


def test_a_firm_date_stands_before_a_not_before_on_the_same_clock():
    firm = seen("2027-05-01", key="a")
    early = seen("2026-12-01", key="b", kind="not_before")
    assert clocks([early, firm]) == [firm]


def test_a_not_before_of_another_phase_is_a_clock_of_its_own():
    firm = seen("2027-05-01", key="a")
    early = seen("2026-12-01", key="b", kind="not_before", phase="serving")
    assert clocks([early, firm]) == [early, firm]


def test_of_two_firm_dates_on_one_clock_the_earlier_counts():
    later, earlier = seen("2027-05-01", key="a"), seen("2027-04-01", key="b")
    assert clocks([later, earlier]) == [earlier]


def test_rebuild_by_is_the_earliest_firm_date_minus_the_lead_time():
    firm = seen(in_days(43), key="a")
    later = seen(in_days(90), key="b", phase="serving")
    status = status_on([later, firm], lead_days=60, today=TODAY)
    assert status.ends == firm
    assert status.rebuild_by == date(2026, 11, 6)
    assert status.slack_days == -17


def test_a_not_before_alone_gives_neither_rebuild_by_nor_slack():
    status = status_on([seen(in_days(10), kind="not_before")], lead_days=60, today=TODAY)
    assert (status.ends, status.rebuild_by, status.slack_days) == (None, None, None)
    assert len(status.clocks) == 1


def test_on_the_day_of_its_shutdown_a_base_is_over_and_tuning_is_not():
    assert is_over(seen(TODAY.isoformat()), TODAY)
    assert not is_over(seen(in_days(1)), TODAY)
    assert not is_over(seen(TODAY.isoformat(), phase="tuning"), TODAY)
    assert is_over(seen(in_days(-1), phase="tuning"), TODAY)


def event(kind: str, version: int, at: str, **details: str) -> Event:
    return Event(event=kind, version=version, at=at, by="Tester", details=details)  # type: ignore[arg-type]


def test_the_lead_time_is_the_projects_unless_the_last_move_took_longer():
    fast = [
        event("candidate", 2, "2026-05-01T00:00:00Z"),
        event("promoted", 2, "2026-05-11T00:00:00Z"),
    ]
    slow = [
        event("candidate", 3, "2026-06-01T00:00:00Z", planned_on="2026-03-01"),
        event("promoted", 3, "2026-06-09T00:00:00Z"),
    ]
    assert days_of_last_move(fast) == 10
    assert lead_time(60, fast) == 60
    assert days_of_last_move([*fast, *slow]) == 100
    assert lead_time(60, [*fast, *slow]) == 100


def test_a_promotion_of_a_version_that_was_no_candidate_is_no_move():
    assert days_of_last_move([event("promoted", 1, "2026-05-01T00:00:00Z")]) is None


def test_a_base_is_found_under_every_name_it_has():
    base = a_base("minilm-l6")
    named = type(base)(
        **{**{f: getattr(base, f) for f in base.__struct_fields__}, "names": ["hub/MiniLM"]}
    )
    dates = [seen("2027-01-01", subject="hub/MiniLM"), seen("2027-02-01", subject="other", key="o")]
    assert Almanac(dates, {"minilm-l6": named}).about("minilm-l6") == dates[:1]
    assert Almanac(dates, {"minilm-l6": base}).about("minilm-l6") == []


def test_an_adapter_that_does_not_say_where_it_serves_serves_where_its_hosted_base_lives():
    source = BaseSource(provider="openai", model="m", region="eu")
    base = a_base("gpt")
    hosted = type(base)(schema_version=1, base="gpt", source=source)
    almanac = Almanac([], {"gpt": hosted, "minilm-l6": base})
    assert almanac.places("gpt", []) == [EU]
    assert almanac.places("gpt", [HOME]) == [HOME]
    assert almanac.places("minilm-l6", []) == []


def test_a_day_that_no_calendar_has_is_an_error_that_names_the_key():
    with pytest.raises(InvalidInput) as caught:
        status_on([seen("2027-02-31")], lead_days=60, today=TODAY)
    assert str(caught.value) == (
        "registry/lifecycle: k: not a day of the calendar: '2027-02-31'\n"
        "  hint: days are YYYY-MM-DD"
    )


def test_the_same_statement_again_is_unchanged_and_another_date_has_moved():
    ledger = [seen("2027-01-01"), seen("2027-03-01", seen_on="2026-11-05")]
    again = seen("2027-03-01", seen_on="2026-11-23")
    assert record_of(again, ledger).outcome == "unchanged"
    moved = record_of(seen("2027-01-01", seen_on="2026-11-23"), ledger)
    assert (moved.outcome, moved.before) == ("moved", "2027-03-01")
    assert record_of(seen("2027-03-01", key="new"), ledger).outcome == "recorded"
    restated = record_of(seen("2027-03-01", successor="minilm-l12"), ledger)
    assert restated.outcome == "restated"


def test_a_date_after_a_tombstone_is_written_again_though_its_key_is_not_new():
    ledger = [seen("2027-01-01"), seen(None, seen_on="2026-11-05")]
    assert record_of(seen("2027-01-01"), ledger).outcome == "restated"
    assert record_of(seen("2027-03-01"), ledger).outcome == "moved"


def test_an_end_that_had_come_when_its_feed_dropped_it_stays():
    ended = seen("2026-10-01")
    assert current([ended, seen(None, seen_on="2026-11-05")]) == [ended]
    earliest = seen("2026-10-01", kind="not_before")
    assert current([earliest, seen(None, kind="not_before", seen_on="2026-11-05")]) == []


def test_a_sighting_carries_the_days_left_and_what_it_superseded():
    ledger = [seen("2027-01-01"), seen(in_days(43), seen_on="2026-11-05")]
    (one,) = sightings(ledger, today=TODAY)
    assert one.days == 43
    assert [(past.date, past.seen_on) for past in one.earlier] == [("2027-01-01", "2026-11-01")]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://me:secret@example.org/a?x=1", "https://example.org/a?x=1"),
        (
            "https://example.org/a?api_key=abc&page=2",
            "https://example.org/a?api_key=REDACTED&page=2",
        ),
        (
            "https://example.org/a?X-Amz-Signature=abc",
            "https://example.org/a?X-Amz-Signature=REDACTED",
        ),
        ("https://example.org/tokenizers?monkey=1", "https://example.org/tokenizers?monkey=1"),
        ("mail of the account manager", "mail of the account manager"),
        ("https://[broken", "https://[broken"),
    ],
)
def test_credentials_leave_a_url_before_it_is_written(given, kept):
    assert without_credentials(given) == kept
