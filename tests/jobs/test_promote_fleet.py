"""Promoting a fleet: every candidate that passed moves, and each that stays says why."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from adapterctl.errors import NotFound
from adapterctl.jobs.project import Project
from adapterctl.jobs.promote_fleet import promote_passed
from adapterctl.records.version import BasePin
from adapterctl.render.promotions import as_json, as_text
from adapterctl.rules.campaign.promotions import Promotions
from support.goldens import assert_golden
from support.mirrors import MemoryMirror
from support.registries import TODAY, SmallRegistry, a_rebuild, a_recipe, a_record

OLD, NEW = "minilm-l6", "minilm-l12"


def candidate(made: SmallRegistry, adapter: str, *, of: int = 1, on: str = NEW, **rebuilt) -> int:
    """Registers a candidate of an adapter, rebuilt on another base."""
    recipe = msgspec.structs.replace(a_recipe(adapter), base=on)
    base: BasePin = a_record(recipe, 1).base
    record = made.version(recipe, base=base, rebuilt_from=a_rebuild(of, OLD, **rebuilt))
    details = {"planned_on": "2026-11-16"}
    made.event(adapter, "candidate", record.version, at="2026-11-18T09:00:00Z", details=details)
    return record.version


@pytest.fixture
def made(tmp_path: Path) -> SmallRegistry:
    """Six adapters on the old base: two may move, and each other has a reason of its own."""
    made = SmallRegistry(tmp_path)
    made.base(OLD)
    made.base(NEW)
    for name in ("passed", "twin", "failed", "waiting", "overtaken", "stepwise", "gone"):
        made.adapter(name)
    made.adapter("elsewhere", base=NEW)
    for name in ("passed", "twin"):
        candidate(made, name)
    candidate(made, "failed", verdict="FAIL")
    candidate(made, "overtaken")
    third = made.version(a_recipe("overtaken"))
    made.event("overtaken", "promoted", third.version, at="2026-11-19T09:00:00Z")
    candidate(made, "overtaken")
    candidate(made, "stepwise", on=OLD)
    made.event("gone", "retired", 1)
    made.broken_recipe("twin")
    return made


def project_of(made: SmallRegistry) -> Project:
    project = made.project()
    project.__dict__.update(mirror=MemoryMirror(reachable=False), by="Tester")
    return project


def promoted(made: SmallRegistry) -> Promotions:
    return promote_passed(project_of(made), on_base=OLD, because=None)


def test_what_passed_moves_and_what_stays_says_why(made: SmallRegistry) -> None:
    assert_golden("promote-on-base.txt", as_text(promoted(made)))


def test_the_same_as_json(made: SmallRegistry) -> None:
    answer = as_json(promoted(made), as_of=TODAY)
    results = {each["adapter"]: each for each in json.loads(answer)["results"]}
    assert [name for name, each in results.items() if each["moved"]] == ["passed"]
    assert results["passed"]["after"] == {"champion": 2, "previous": 1}
    assert results["failed"]["version"] == 2
    assert results["waiting"]["version"] is None
    assert_golden("promote-on-base.json", answer)


def test_each_move_is_an_event_and_the_recipe_follows(made: SmallRegistry) -> None:
    promoted(made)
    last = made.door.events("passed")[-1]
    assert (last.event, last.version, last.by) == ("promoted", 2, "Tester")
    assert made.door.recipe("passed").base == NEW
    assert [event.event for event in made.door.events("failed")][-1] == "candidate"


def test_what_stops_one_adapter_stops_no_other(made: SmallRegistry) -> None:
    """The recipe of the twin cannot be read, and so cannot be brought in line."""
    found = promoted(made)
    assert [each.adapter for each in found.moved] == ["passed"]
    twin = next(each for each in found.stay if each.adapter == "twin")
    assert "ownres" in twin.why
    assert [event.event for event in made.door.events("twin")][-1] == "candidate"


def test_again_nothing_is_left_to_move(made: SmallRegistry) -> None:
    promoted(made)
    assert promoted(made).moved == []


def test_what_was_rolled_back_is_not_promoted_again_unasked(made: SmallRegistry) -> None:
    promoted(made)
    made.event("passed", "rolled_back", 1, at="2026-11-20T09:00:00Z")
    stays = next(each for each in promoted(made).stay if each.adapter == "passed")
    assert (stays.version, stays.candidate) == (1, 2)
    assert "was rolled back" in stays.why


def test_a_base_that_nobody_knows_is_no_clean_answer(made: SmallRegistry) -> None:
    with pytest.raises(NotFound, match="no base 'minilm-16'"):
        promote_passed(project_of(made), on_base="minilm-16", because=None)


def test_a_base_that_nothing_stands_on_is_one(made: SmallRegistry) -> None:
    made.base("unused")
    found = promote_passed(project_of(made), on_base="unused", because=None)
    assert as_text(found).startswith("No adapter stands on unused.")
