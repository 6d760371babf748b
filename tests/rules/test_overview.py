from datetime import timedelta

from adapterctl.records.lifecycle import Observation
from adapterctl.rules.audit.judged import Frame
from adapterctl.rules.audit.overview import overview, tasks
from adapterctl.rules.findings import Audit, Finding
from adapterctl.rules.glances import build, choice
from adapterctl.rules.lifecycle.almanac import status_on
from adapterctl.rules.lifecycle.base_ends import base_ends
from adapterctl.rules.standing import Standing, stand
from support.registries import SOURCE, TODAY, a_recipe, a_record, in_days

FRAME = Frame(today=TODAY, horizon_days=180)


def seen(days: int, **rest) -> Observation:
    values = {"subject": "minilm-l6", "phase": "weights", "kind": "shutdown", "key": f"k{days}"}
    values |= {"date": in_days(days), "source": SOURCE, "seen_on": "2026-11-01"}
    return Observation(**values | rest)


def standing(
    name: str = "router", *dates: Observation, lead: int = 60, version: int = 1
) -> Standing:
    recipe = a_recipe(name)
    status = status_on(dates, lead_days=lead, today=TODAY)
    made = build(a_record(recipe, version))
    return stand(name, made, choice=choice(recipe), status=status, aliases=["champion"])


def finding(subject: str, **rest) -> Finding:
    values = {"code": "OWN001", "severity": "medium", "message": "no owner", "owners": []}
    return Finding(**values | {"subject": subject} | rest)


def reaches(*dates: Observation) -> list[str]:
    (ends,) = base_ends([standing("router", *dates)], {}, FRAME)
    return [clock.reach for clock in ends.clocks]


def test_an_end_is_over_on_its_day_late_after_its_rebuild_by_and_ahead_within_the_horizon():
    assert reaches(seen(0)) == ["over"]
    assert reaches(seen(59)) == ["late"]
    assert reaches(seen(60)) == ["ahead"]
    assert reaches(seen(180)) == ["ahead"]
    assert reaches(seen(181)) == ["later"]
    assert reaches(seen(1, kind="not_before")) == ["not_before"]


def test_the_slowest_adapter_on_a_base_says_when_to_begin():
    quick, slow = standing("quick", seen(90)), standing("slow", seen(90), lead=80)
    (ends,) = base_ends([quick, slow], {}, FRAME)
    assert [clock.rebuild_by for clock in ends.clocks] == [TODAY + timedelta(10)]
    assert ends.clocks[0].hits == ["quick", "slow"]


def test_promises_come_before_earliest_days_and_tuning_after_the_ends():
    dates = [seen(10, phase="tuning"), seen(5, kind="not_before", region="eu"), seen(99)]
    (ends,) = base_ends([standing("router", *dates)], {}, FRAME)
    assert [clock.day for clock in ends.clocks] == [TODAY + timedelta(days) for days in (99, 10, 5)]
    assert [clock.rebuild_by is None for clock in ends.clocks] == [False, True, True]


def test_tuning_alone_leaves_an_adapter_in_the_dark():
    (ends,) = base_ends([standing("router", seen(10, phase="tuning"))], {}, FRAME)
    assert ends.dark == ["router"]


def test_an_adapter_counts_once_for_its_owner_whatever_its_versions():
    versions = [standing("router", seen(90), version=number) for number in (1, 2)]
    (ends,) = base_ends([*versions, standing("other", seen(90))], {}, FRAME)
    assert (ends.owners, ends.adapters) == ({"support-ml": 2}, ["other", "router"])


def test_the_same_words_are_one_task_in_the_place_of_the_first():
    first, other, second = (
        finding("adapter:a@1", mend="x"),
        finding("adapter:b@1", message="no backup owner"),
        finding("adapter:c@1", mend="y"),
    )
    assert [task.findings for task in tasks([first, other, second])] == [[first, second], [other]]


def test_a_line_has_what_was_found_about_its_base_and_nothing_that_is_accepted():
    on = standing("router", seen(90))
    found = [
        finding("base:minilm-l6", severity="high"),
        finding("adapter:router@1"),
        finding("adapter:router@1", severity="critical", waived_until="2027-01-01"),
        finding("adapter:router@2", severity="critical"),
    ]
    counts = {"adapters": 1, "versions": 1, "retired": 0, "skipped": []}
    audit = Audit(as_of=TODAY, horizon_days=180, findings=found, **counts)
    (line,) = overview(audit, [on], {}).lines
    assert (line.severity, len(line.findings)) == ("high", 2)
    assert overview(audit, [on], {}).waived == found[2:3]
