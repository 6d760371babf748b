"""A ledger after snapshots: nothing is lost, and what stands is what the last one said."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from adapterctl.records.lifecycle import Observation
from adapterctl.rules.lifecycle.dates import current, last_change
from adapterctl.rules.lifecycle.ledger import UNDATED, Intake, disagreements, intake, sightings
from support.registries import TODAY

FIRST = date(2026, 1, 1)

ONE_SNAPSHOT = st.dictionaries(
    st.sampled_from("abcd"), st.integers(0, 3).map(lambda n: f"2027-0{n + 1}-01"), max_size=4
)


def observation(key: str, day: str, seen_on: date, **rest: str) -> Observation:
    values = {"subject": key, "phase": "serving", "kind": "shutdown", "source": "https://x", **rest}
    return Observation(key=f"feed:{key}", date=day, seen_on=seen_on.isoformat(), **values)  # type: ignore[arg-type]


def take(
    ledger: list[Observation], snapshot: dict[str, str], seen_on: date, **rest: object
) -> Intake:
    dated = [observation(key, day, seen_on) for key, day in snapshot.items()]
    given = {"kept": (), "named": (), "covers": ("feed:",), **rest}
    return intake(dated, ledger, seen_on=seen_on, **given)  # type: ignore[arg-type]


def stands(ledger: list[Observation]) -> dict[str, str | None]:
    return {seen.subject: seen.date for seen in current(ledger)}


@given(st.lists(ONE_SNAPSHOT, min_size=1, max_size=6))
def test_replayed_in_order_snapshots_lose_nothing_and_the_last_one_stands(snapshots):
    ledger: list[Observation] = []
    known: dict[str, str] = {}
    for number, snapshot in enumerate(snapshots):
        seen_on = FIRST + timedelta(days=number)
        standing = stands(ledger)
        taken = take(ledger, snapshot, seen_on)
        new = {key for key in snapshot if key not in known}
        moved = {key for key in snapshot.keys() - new if known[key] != snapshot[key]}
        assert taken.count("recorded") == len(new)
        assert taken.count("moved") == len(moved)
        assert len(taken.seen) == len(snapshot)
        assert {one.now.subject for one in taken.vanished} == standing.keys() - snapshot.keys()
        ledger = [*ledger, *taken.lines]
        known.update(snapshot)
        assert stands(ledger) == snapshot
        assert take(ledger, snapshot, seen_on).lines == []
    said = {(line.subject, line.date) for line in ledger if line.date}
    assert said == {(key, day) for snapshot in snapshots for key, day in snapshot.items()}


@given(st.lists(ONE_SNAPSHOT, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_a_ledger_whose_days_a_merge_put_out_of_order_says_the_same(snapshots, random):
    ledger: list[Observation] = []
    for number, snapshot in enumerate(snapshots):
        ledger += take(ledger, snapshot, FIRST + timedelta(days=number)).lines
    mixed = random.sample(ledger, len(ledger))
    assert stands(mixed) == snapshots[-1]


def test_a_row_that_is_refused_now_keeps_what_was_known_of_it():
    ledger = take([], {"a": "2027-01-01"}, FIRST).lines
    assert take(ledger, {}, FIRST, kept=["feed:a"]).lines == []


def test_what_a_part_of_a_feed_leaves_out_has_not_vanished():
    ledger = take([], {"x/a": "2027-01-01", "y/a": "2027-01-01"}, FIRST).lines
    gone = take(ledger, {}, FIRST + timedelta(days=1), covers=("feed:x/",)).vanished
    assert [change.before.subject for change in gone] == ["x/a"]


def test_a_record_without_its_date_is_told_from_one_that_is_gone():
    ledger = take([], {"a": "2027-01-01", "b": "2027-01-01"}, FIRST).lines
    gone = take(ledger, {}, FIRST + timedelta(days=1), named=["feed:a"]).vanished
    assert [change.now.note for change in gone] == [UNDATED, None]


def test_a_correction_beside_the_date_is_written_and_is_no_move():
    ledger = take([], {"a": "2027-01-01"}, FIRST).lines
    later = FIRST + timedelta(days=1)
    again = observation("a", "2027-01-01", later, successor="b")
    taken = intake([again], ledger, named=(), kept=(), covers=(), seen_on=later)
    assert (taken.count("restated"), taken.lines) == (1, [again])
    assert last_change([*ledger, again]) is None


def test_a_move_is_dated_by_its_first_sighting_and_survives_a_correction():
    days = [FIRST + timedelta(days=n) for n in range(3)]
    lines = [
        observation("a", "2027-01-01", days[0]),
        observation("a", "2027-03-01", days[1]),
        observation("a", "2027-03-01", days[2], successor="b"),
    ]
    change = last_change(lines)
    assert change is not None
    assert (change.before, change.now) == (lines[0], lines[1])


def test_an_earliest_day_that_becomes_a_promise_has_moved():
    first = observation("a", "2027-01-01", FIRST, kind="not_before")
    then = observation("a", "2027-01-01", FIRST + timedelta(days=1))
    taken = intake([then], [first], named=(), kept=(), covers=(), seen_on=FIRST)
    assert taken.count("moved") == 1
    assert current([first, then]) == [then]


def test_where_feeds_disagree_all_are_shown_and_the_earliest_firm_date_counts():
    def said(feed: str, day: str, **rest: str) -> Observation:
        line = observation("m", day, FIRST, provider="openai", **rest)
        values = {name: getattr(line, name) for name in line.__struct_fields__}
        return Observation(**{**values, "key": f"{feed}:m"})

    ledger = [
        said("one", "2027-03-01"),
        said("two", "2027-02-01"),
        said("three", "2027-01-01", kind="not_before"),
    ]
    found = sightings(ledger, today=TODAY)
    assert [(one.feed, one.counts) for one in found] == [
        ("three", False), ("two", True), ("one", False),
    ]  # fmt: skip
    (conflict,) = disagreements(found)
    assert [one.feed for one in conflict.sightings] == ["two", "three", "one"]
    assert disagreements(sightings([*ledger[:1], said("four", "2027-03-01")], today=TODAY)) == []


def test_a_date_that_was_withdrawn_is_shown_as_such():
    lines = take([], {"a": "2027-01-01"}, FIRST).lines
    lines += take(lines, {}, FIRST + timedelta(days=1)).lines
    (one,) = sightings(lines, today=TODAY)
    assert (one.date, one.days, one.counts, one.gone_on) == (None, None, False, "2026-01-02")
    assert [past.date for past in one.earlier] == ["2027-01-01"]
