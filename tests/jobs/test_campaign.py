"""A deprecation as a whole: how far each adapter is, and whether the last one moves in time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from adapterctl.cli import run
from adapterctl.errors import NotFound
from adapterctl.jobs.audit import audit
from adapterctl.jobs.campaign import campaign
from adapterctl.jobs.fleet import on_base
from adapterctl.jobs.journal import Journal
from adapterctl.jobs.locks import alone
from adapterctl.render.campaign import as_json, as_text
from adapterctl.rules.campaign.campaigns import Campaign
from adapterctl.rules.findings import ENDINGS
from support.goldens import assert_golden
from support.registries import TODAY, SmallRegistry, a_rebuild, a_recipe, a_record, in_days

OLD, NEW = "minilm-l6", "minilm-l12"


def rebuilt(made: SmallRegistry, adapter: str, *, verdict: str = "PASS", planned: int = -6) -> int:
    """Registers a candidate of an adapter on the new base, planned so many days ago."""
    recipe = msgspec.structs.replace(a_recipe(adapter), base=NEW)
    origin = a_rebuild(1, OLD, verdict=verdict)
    record = made.version(recipe, base=a_record(recipe, 1).base, rebuilt_from=origin)
    made.event(
        adapter,
        "candidate",
        record.version,
        at=f"{in_days(planned + 1)}T09:00:00Z",
        details={"planned_on": in_days(planned)},
    )
    return record.version


def promoted(made: SmallRegistry, adapter: str, *, planned: int = -6, days: int = 4) -> None:
    version = rebuilt(made, adapter, planned=planned)
    made.event(adapter, "promoted", version, at=f"{in_days(planned + days)}T09:00:00Z")


def journalled(made: SmallRegistry, adapter: str, *steps: str) -> Path:
    """Leaves the journal of a rebuild that came so far."""
    folder = made.root / ".adapterctl" / "rebuilds" / f"{adapter}-1-on-{NEW}"
    folder.mkdir(parents=True)
    journal = Journal(folder)
    journal.note("planned", at=f"{in_days(-1)}T09:00:00Z", to=NEW)
    for step in steps:
        journal.note(step, at=f"{in_days(0)}T09:00:00Z")
    return folder


@pytest.fixture
def made(tmp_path: Path) -> SmallRegistry:
    """Two adapters on an old base that ends in 90 days, and one that is on another."""
    made = SmallRegistry(tmp_path)
    made.base(OLD, successors=[NEW])
    made.base(NEW)
    made.date(OLD, in_days(90))
    made.adapter("first")
    made.adapter("second")
    made.adapter("elsewhere", base=NEW)
    return made


@pytest.fixture
def landscape(made: SmallRegistry) -> Iterator[SmallRegistry]:
    """An adapter in each state; one of the rebuilds is running."""
    for name in ("done", "ready", "failed", "stopped", "accepted", "gone"):
        made.adapter(name)
    promoted(made, "done")
    rebuilt(made, "ready")
    rebuilt(made, "failed", verdict="FAIL")
    journalled(made, "stopped", "old side run")
    made.waive("EOL003", "adapter:accepted", until=in_days(30))
    made.event("gone", "retired", 1, because="its service ended")
    with alone(journalled(made, "first")):
        yield made


def seen(made: SmallRegistry, *, plans: bool = False, to: str | None = None) -> Campaign:
    return campaign(made.project(), OLD, to=to, plans=plans, device="cpu")


def states(found: Campaign) -> dict[str, str]:
    return {each.adapter: each.state for each in found.moves}


def test_every_adapter_has_a_state_and_a_next_command(landscape: SmallRegistry) -> None:
    assert_golden("campaign.txt", as_text(seen(landscape)))


def test_the_same_as_json(landscape: SmallRegistry) -> None:
    answer = as_json(seen(landscape), as_of=TODAY)
    together = json.loads(answer)["campaign"]
    assert together["counts"] == {
        "done": 1,
        "running": 1,
        "blocked": 1,
        "waiting": 3,
        "waived": 1,
        "retired": 1,
    }
    assert_golden("campaign.json", answer)


def test_what_a_plan_blocks_is_blocked_with_what_mends_it(made: SmallRegistry) -> None:
    found = seen(made, plans=True)
    assert (found.to, found.planned) == (NEW, True)
    assert states(found) == {"first": "blocked", "second": "blocked"}
    assert "bases/minilm-l12" in found.moves[0].why
    assert found.against


def test_a_pace_that_will_do_is_no_judgement_against(made: SmallRegistry) -> None:
    promoted(made, "first")
    found = seen(made)
    assert states(found) == {"second": "waiting", "first": "done"}
    cast = found.forecast
    assert (cast.moved, cast.left, cast.per_day, cast.move_days) == (1, 1, round(1 / 6, 4), 4)
    assert (str(cast.done_on), cast.in_time) == (in_days(6), True)
    assert not found.against


def test_a_pace_that_will_not_do_is_one(made: SmallRegistry) -> None:
    made.date(OLD, in_days(5))
    promoted(made, "first")
    found = seen(made)
    assert found.forecast.in_time is False
    assert found.against


def test_what_was_not_begun_takes_at_least_as_long_as_the_longest_move(
    made: SmallRegistry,
) -> None:
    for number in range(4):
        made.adapter(f"quick-{number}")
        promoted(made, f"quick-{number}", planned=-20, days=19)
    found = seen(made)
    assert (found.forecast.left, found.forecast.move_days) == (2, 19)
    assert str(found.forecast.done_on) == in_days(19)


def test_without_a_promotion_there_is_no_pace(made: SmallRegistry) -> None:
    found = seen(made)
    assert found.forecast.in_time is None
    assert "In time: cannot be said" in as_text(found)
    assert "no rebuild was planned yet" in found.forecast.because[1]
    assert not found.against


def test_what_has_no_time_left_and_was_not_begun_is_against(made: SmallRegistry) -> None:
    made.date(OLD, in_days(30))
    found = seen(made)
    assert found.forecast.in_time is None
    assert "2 not begun, and by the lead time had to be by" in found.forecast.because[-1]
    assert found.against


def test_a_rollback_waits_for_somebody_to_mend_what_was_wrong(made: SmallRegistry) -> None:
    promoted(made, "first")
    made.event("first", "rolled_back", 1, at=f"{in_days(-1)}T09:00:00Z")
    first = seen(made).moves[0]
    assert (first.adapter, first.state, first.candidate) == ("first", "blocked", 2)
    assert first.why == f"its rebuild @2 on {NEW} served, and was rolled back"
    assert "adapterctl history first" in first.mend
    assert "adapterctl promote first@2" in first.mend


def test_after_a_rollback_a_new_candidate_goes_its_own_way(made: SmallRegistry) -> None:
    promoted(made, "first")
    made.event("first", "rolled_back", 1, at=f"{in_days(-1)}T09:00:00Z")
    third = rebuilt(made, "first", planned=-1)
    first = next(each for each in seen(made).moves if each.adapter == "first")
    assert (first.state, first.candidate) == ("waiting", third)


@pytest.mark.parametrize("champion", [True, False])
def test_what_moved_is_done_whether_or_not_its_old_version_was_champion(
    made: SmallRegistry, champion: bool
) -> None:
    made.adapter("fresh", promoted=champion)
    promoted(made, "fresh")
    found = seen(made)
    assert (states(found)["fresh"], found.forecast.moved) == ("done", 1)


def test_what_was_never_promoted_is_on_its_base_until_its_candidate_is(
    made: SmallRegistry,
) -> None:
    made.adapter("fresh", promoted=False)
    rebuilt(made, "fresh")
    rebuilt(made, "fresh")
    names, _ = on_base(made.project(), OLD)
    assert names == ["first@1", "fresh@1", "second@1"]
    judged = {each.subject for each in audit(made.project()).findings if each.code in ENDINGS}
    assert "adapter:fresh@1" in judged
    promoted(made, "fresh")
    assert on_base(made.project(), OLD)[0] == ["first@1", "second@1"]


def test_when_all_have_moved_it_is_in_time(made: SmallRegistry) -> None:
    promoted(made, "first")
    promoted(made, "second")
    found = seen(made)
    assert (found.forecast.left, found.forecast.in_time) == (0, True)


def test_a_candidate_that_tried_the_base_and_was_not_taken_is_no_part(made: SmallRegistry) -> None:
    recipe = msgspec.structs.replace(a_recipe("elsewhere"), base=OLD)
    made.version(recipe, base=a_record(recipe, 1).base, rebuilt_from=a_rebuild(1, NEW))
    made.event("elsewhere", "candidate", 2)
    assert "elsewhere" not in states(seen(made))


def test_a_base_that_nobody_knows_is_no_clean_answer(made: SmallRegistry) -> None:
    with pytest.raises(NotFound, match="no base 'minilm-16'"):
        campaign(made.project(), "minilm-16", to=None, plans=False, device="cpu")


@pytest.mark.parametrize(("when", "status"), [(90, 0), (30, 1)])
def test_the_exit_status_is_the_judgement(
    made: SmallRegistry, capsys: pytest.CaptureFixture[str], when: int, status: int
) -> None:
    made.date(OLD, in_days(when))
    words = ["campaign", OLD, "--quick", "--as-of", TODAY.isoformat(), "--format", "json"]
    assert run(["--project", str(made.root), *words]) == status
    assert json.loads(capsys.readouterr().out)["command"] == "campaign"
