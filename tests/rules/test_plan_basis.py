"""What a plan rests on, the environment among it, and what is said when that has moved."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from adapterctl.errors import Mismatch, Refused
from adapterctl.records.version import Environment
from adapterctl.rules.planning.basis import Decision, difference
from adapterctl.rules.planning.plans import RebuildPlan, decision, draft
from adapterctl.rules.planning.saved import SavedPlan, must_be_sealed, must_still_hold, sealed
from adapterctl.rules.planning.surroundings import Surroundings
from support.families import shape
from support.plans import facts
from support.registries import an_environment


def newer(**changes) -> Environment:
    plain = an_environment()
    packages = {**plain.distributions, "torch": "2.13.0", "rich": "14.0"}
    return msgspec.structs.replace(plain, **{"distributions": packages, **changes})


def drafted(**changes) -> RebuildPlan:
    return draft(facts(**changes))


def decided(**changes) -> Decision:
    return decision(drafted(**changes))


# the environment


def test_an_equal_environment_is_nothing_to_speak_of():
    assert drafted().environment == Surroundings(differs=[], beside=0, first=[])


def test_another_environment_offers_a_way_in_two_steps():
    assert drafted(running=newer()).environment == Surroundings(
        differs=["torch: 2.11.0 -> 2.13.0"],
        beside=1,
        first=[
            "adapterctl rebuild support-router@1 --to old-base",
            "adapterctl rebuild support-router@candidate --to new-base",
        ],
    )


def test_what_gives_no_other_version_needs_no_second_step():
    variables = {"CUBLAS_WORKSPACE_CONFIG": ":16:8"}
    found = drafted(running=msgspec.structs.replace(an_environment(), variables=variables))
    assert found.environment.differs == ["CUBLAS_WORKSPACE_CONFIG: None -> :16:8"]
    assert found.environment.first == []


def test_without_the_old_base_nothing_can_be_told_apart():
    found = drafted(running=newer(), old=None)
    assert found.environment.first == []
    assert (
        "the environment differs from the recorded one and the old base is not here: a regression "
        "would have two possible causes"
    ) in found.notes
    assert not any("two possible causes" in note for note in drafted(old=None).notes)


def test_the_first_step_is_the_old_recipe_as_it_is():
    made = facts(
        new_base="old-base",
        running=newer(),
        role_map={"attention.q": "q_proj"},
    )
    made = replace(made, new=shape("bert"))
    found = draft(made)
    assert found.blockers == []
    assert found.proposed_recipe.lora == made.record.recipe.lora
    assert [one.rung for one in found.ladder.rungs] == ["carried recipe"]
    assert {one.why for one in found.ladder.cannot} == {
        "the base stays: only the environment is tried"
    }
    assert found.environment.first == []
    assert found.notes[0] == (
        "the base stays: only the environment changes, and the verdict is about that alone"
    )


# what moved


def test_nothing_moves_by_itself():
    assert difference(decided(), decided()) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"role_map": {"mlp.up": ["mlp.up"]}},
            ["role_map: {} -> {'mlp.up': ['mlp.up']}"],
        ),
        ({"running": newer()}, ["distributions.torch: 2.11.0 -> 2.13.0"]),
        (
            {"fingerprint": None},
            [f"fingerprint of new-base: {facts().new_base.fingerprint} -> none"],
        ),
        ({"new_context": 64}, ["training.max_length: 128 -> 64"]),
        (
            {"old": None},
            [
                "rungs: ['carried recipe', 'learning-rate sweep', 'old adapter as teacher'] -> "
                "['carried recipe', 'warm start', 'learning-rate sweep']",
            ],
        ),
    ],
)
def test_what_moved_is_named(changes, said):
    assert difference(decided(), decided(**changes)) == said


# the seal


def saved(*decides: Decision, on_base: str | None = None) -> SavedPlan:
    return sealed(decides, [], to="new-base", on_base=on_base, at="2026-11-23T12:00:00Z")


def test_a_sealed_plan_is_read_back_as_it_was():
    plan = saved(decided())
    again = msgspec.json.decode(msgspec.json.encode(plan), type=SavedPlan)
    assert again == plan
    must_be_sealed(again, place="plan.json")


def test_a_broken_seal_is_told():
    other = msgspec.structs.replace(saved(decided()), decides=[decided(new_context=64)])
    with pytest.raises(Mismatch, match="changed after it was saved"):
        must_be_sealed(other, place="plan.json")


def test_what_was_not_planned_is_not_run():
    must_still_hold(None, decided())
    must_still_hold(saved(decided()), decided())
    other = msgspec.structs.replace(decided(), adapter="other")
    with pytest.raises(Refused) as caught:
        must_still_hold(saved(other, on_base="old-base"), decided())
    assert str(caught.value) == (
        "support-router@1 -> new-base: the plan saved at 2026-11-23T12:00:00Z does not hold any "
        "more: it is not in the plan\n"
        "  hint: put it back, or read and save a new plan: adapterctl plan --on-base old-base "
        "--to new-base --save FILE"
    )
