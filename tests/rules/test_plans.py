"""What a plan decides from facts: changes, pins, proposals, costs, dead ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import msgspec
import pytest

from adapterctl.records.lifecycle import Observation
from adapterctl.records.recipe import LoraSettings
from adapterctl.rules.lifecycle.almanac import Almanac
from adapterctl.rules.lifecycle.exposure import Use
from adapterctl.rules.lifecycle.succession import Move, Succession, succession
from adapterctl.rules.mapping.targets import Blocker
from adapterctl.rules.planning.differences import Change
from adapterctl.rules.planning.estimates import TextLengths
from adapterctl.rules.planning.pins import Pin
from adapterctl.rules.planning.plans import RebuildPlan, by_deadline, draft
from adapterctl.rules.planning.runways import Runway
from support.plans import facts, status
from support.registries import TODAY, a_base

LENGTHS = TextLengths(rows=100, conversations=0, tokens=1_000, longest=40, limit=128, cut=0, lost=0)


def drafted(**changes) -> RebuildPlan:
    return draft(facts(**changes))


# the proposal


def test_the_proposed_recipe_is_the_old_one_mapped():
    plan = drafted(lora=LoraSettings(r=16, lora_alpha=32, target_modules=["query", "value"]))
    old = facts().record.recipe
    assert plan.proposed_recipe == msgspec.structs.replace(
        old,
        base="new-base",
        lora=LoraSettings(r=16, lora_alpha=32, target_modules=["q_proj", "v_proj"]),
    )
    assert plan.changes_in_recipe == {
        "base": ["old-base", "new-base"],
        "lora.target_modules": [["query", "value"], ["q_proj", "v_proj"]],
    }
    assert (plan.rank, plan.alpha) == (16, 32)


def test_todays_role_map_counts_and_ends_in_the_target_modules():
    plan = drafted(
        lora=LoraSettings(target_modules=["intermediate.dense"]),
        role_map={"mlp.up": ["mlp.up", "mlp.gate"]},
    )
    assert plan.proposed_recipe.lora.target_modules == ["gate_proj", "up_proj"]
    assert plan.proposed_recipe.role_map == {}


def test_a_shorter_context_shortens_max_length_and_says_so():
    plan = drafted(new_context=64)
    assert plan.proposed_recipe.training.max_length == 64
    assert plan.changes_in_recipe["training.max_length"] == [128, 64]
    assert "max_length 128 is more than the successor's context: 64 is used" in plan.notes


def test_settings_beside_rank_alpha_and_targets_are_listed_as_carried():
    plan = drafted(lora=LoraSettings(lora_dropout=0.05, use_rslora=True))
    assert plan.carried == {"lora_dropout": 0.05, "use_rslora": True}


def test_every_other_setting_of_lora_is_carried_with_its_new_names():
    settings = LoraSettings(
        target_modules=["query", "value"],
        use_dora=True,
        use_rslora=True,
        rank_pattern={"query": 32},
        alpha_pattern={"query": 64.0},
        layers_to_transform=[1],
        modules_to_save=["classifier"],
    )
    plan = drafted(lora=settings)
    assert plan.blockers == []
    assert plan.carried == {
        "use_dora": True,
        "use_rslora": True,
        "rank_pattern": {"q_proj": 32},
        "alpha_pattern": {"q_proj": 64.0},
        "layers_to_transform": [1],
        "modules_to_save": ["score"],
    }
    assert [note for note in plan.notes if "pattern" in note or "layers" in note] == [
        "rank_pattern names the successor's modules now: q_proj: 32",
        "alpha_pattern names the successor's modules now: q_proj: 64",
        "layers_to_transform is carried: both have 2 layers",
    ]


# what changes, what stays


def test_changes_are_said_side_by_side_and_equal_things_left_out():
    plan = drafted()
    assert plan.changes == [
        Change(what="base", old="old-base", new="new-base"),
        Change(
            what="architecture",
            old="BertForSequenceClassification",
            new="LlamaForSequenceClassification",
        ),
        Change(
            what="size",
            old="2 x 16, 14,034 parameters",
            new="2 x 16, 6,256 parameters",
        ),
        Change(what="context", old="512 tokens", new="2,048 tokens"),
        Change(what="label head", old="3 labels", new="3 labels, a new head from scratch"),
    ]


def test_special_tokens_and_templates_are_compared():
    changed = {
        "special_tokens": {"eos_token": "<end>", "pad_token": "<end>"},
        "chat_template": "{{ messages }}",
        "tokenizer_class": "GPT2Tokenizer",
        "tokenizer_kind": "Unigram",
        "vocabulary_sha256": "f" * 64,
        "added_tokens": [f"<t{number}>" for number in range(8)],
    }
    plan = drafted(new_changes=changed)
    found = {change.what: (change.old, change.new) for change in plan.changes}
    assert found["eos_token"] == ("</s>", "<end>")
    assert found["pad_token"] == ("none", "<end>")
    assert found["chat template"] == ("none", "sha256 f24189f08c85")
    assert found["tokenizer"] == ("TokenizersBackend (BPE)", "GPT2Tokenizer (Unigram)")
    assert found["vocabulary"] == (
        "64 tokens, sha256 000000000000",
        "64 tokens, sha256 ffffffffffff",
    )
    assert found["added tokens"] == ("none", "<t0>, <t1>, <t2>, <t3>, <t4>, <t5> and 2 more")


def test_without_the_old_base_what_was_is_not_known():
    plan = drafted(old=None)
    found = {change.what: change.old for change in plan.changes}
    assert found["architecture"] == found["tokenizer"] == "not known here"
    assert plan.cost is not None and plan.cost.seconds is None


def test_what_stays_is_listed_with_its_digests():
    record = facts().record
    assert drafted().pinned == [
        Pin(what="train: data/support-router/train.jsonl", digest=f"sha256:{record.train.sha256}"),
        *(
            Pin(
                what=f"{name}: data/support-router/{name}.jsonl",
                digest=f"sha256:{record.evaluation[name].sha256}",
            )
            for name in ("gold", "shadow")
        ),
        Pin(
            what="pool: data/support-router/pool.jsonl",
            digest=f"sha256:{record.selection.pool.sha256}",
        ),
        Pin(
            what="code: registry/adapters/support-router/prepare.py:prepare",
            digest=f"sha256:{record.code.digest}",
        ),
        *(
            Pin(what=f"prepared rows: {name}", digest=f"sha256:{prepared.rows_sha256}")
            for name, prepared in record.prepared.items()
        ),
        Pin(what="seed", digest="17"),
    ]


# texts


def test_cut_rows_and_lost_answers_are_said():
    lengths = msgspec.structs.replace(LENGTHS, longest=300, cut=7, lost=2)
    notes = drafted(lengths=lengths).notes
    assert (
        "7 of 100 training rows are longer than 128 tokens and lose their end; on the old base "
        "none did"
    ) in notes
    assert "2 of them lose their whole answer and teach nothing: they are left out" in notes


def test_conversations_meet_another_template():
    lengths = msgspec.structs.replace(LENGTHS, conversations=90)
    changed = {"chat_template": "{{ messages }}"}
    said = "90 of 100 rows are conversations: the successor's own chat template renders them"
    assert said in drafted(lengths=lengths, new_changes=changed).notes
    assert said not in drafted(lengths=lengths).notes


def test_added_tokens_that_the_successor_reads_in_pieces_are_counted():
    assert (
        "<tool> is one token on the old base and in pieces on the successor; training rows that "
        "hold it: 12"
    ) in drafted(lost_tokens={"<tool>": 12}).notes


# licences


def test_a_licence_that_changes_or_is_not_stated_is_said():
    changed = drafted(licences=("apache-2.0", "llama3.1"))
    assert (changed.old_licence, changed.licence) == ("apache-2.0", "llama3.1")
    assert "the licence changes from apache-2.0 to llama3.1: read what it allows" in changed.notes
    assert (
        "no licence of new-base is stated: read it at its source, and write it down as licence in "
        "registry/bases/new-base.yaml"
    ) in drafted(licences=("mit", None)).notes
    assert not any("licence" in note for note in drafted().notes)
    assert not any("licence" in note for note in drafted(licences=(None, "mit")).notes)


# what blocks


def test_a_plan_without_blockers_can_run():
    plan = drafted()
    assert plan.blockers == []
    assert plan.can_run


def test_what_was_found_while_gathering_blocks():
    blocker = Blocker(what="the data are gone", mend="adapterctl verify")
    plan = drafted(blockers=[blocker])
    assert plan.blockers == [blocker]
    assert not plan.can_run
    assert str(plan.blockers[0]) == "the data are gone (adapterctl verify)"


@pytest.mark.parametrize(
    ("changes", "what", "mend"),
    [
        (
            {"new_base": "old-base"},
            "the version already stands on old-base",
            "adapterctl reproduce support-router@1 builds it again there",
        ),
        (
            {"fingerprint": None},
            "base new-base has no fingerprint, so nobody could tell it from another",
            "adapterctl bases fingerprint new-base",
        ),
        (
            {"runway": status("2026-11-23")},
            "the successor is past its own end: weights ended on 2026-11-23",
            "choose another successor",
        ),
        (
            {"lengths": msgspec.structs.replace(LENGTHS, lost=100)},
            "no training row keeps its answer within 128 tokens",
            "choose a successor with a longer context",
        ),
    ],
)
def test_a_dead_end_blocks_with_its_mend(changes, what, mend):
    plan = drafted(**changes)
    assert plan.blockers == [Blocker(what=what, mend=mend)]
    assert not plan.can_run


# time


def test_the_deadline_of_the_old_base_and_the_life_of_the_new_are_told():
    plan = drafted(deadline=status("2027-01-05"), runway=status("2027-01-20"))
    assert (plan.rebuild_by, plan.slack_days) == (date(2026, 11, 6), -17)
    assert plan.successor == Runway(
        ends=date(2027, 1, 20), phase="weights", days=58, not_before=None
    )
    assert (
        "new-base lives 58 days more, less than the lead time of 60 days: the next move starts "
        "at once (EOL007)"
    ) in plan.notes


def onward(*days: str) -> Succession:
    """Who follows new-base: one after the other, each with its end; the last has no successor."""
    names = ["new-base", *(f"base-{number}" for number in range(1, len(days)))]
    lines = [
        Observation(
            subject=name,
            phase="weights",
            kind="shutdown",
            date=day,
            source="https://example.org",
            seen_on="2026-11-01",
            key=name,
            successor=after,
        )
        for name, day, after in zip(names, days, [*names[1:], None], strict=True)
    ]
    almanac = Almanac(lines, {name: a_base(name) for name in names})
    return succession(almanac, Move("new-base", Use(), TODAY, 60))


def followed(*days: str, ends: str = "2027-01-20") -> RebuildPlan:
    return draft(replace(facts(runway=status(ends)), onward=onward(ends, *days)))


def test_who_comes_after_a_successor_that_dies_soon_is_told():
    assert followed("2026-06-01", "2029-01-01").notes[1:] == [
        "after it: new-base -> base-1 (until 2026-06-01) -> base-2; plan for base-2"
    ]
    assert followed("2026-06-01").notes[1:] == [
        "nobody who follows new-base lives longer; no successor is left: base-1 (until "
        "2026-06-01), named by new-base"
    ]
    assert followed().notes[1:] == []


def test_past_its_own_end_a_successor_gives_way_to_the_one_after_it():
    (blocker,) = followed("2029-01-01", ends="2026-11-23").blockers
    assert blocker.mend == "adapterctl plan support-router --to base-1"


def test_who_comes_after_a_successor_that_lives_is_nothing_to_the_plan():
    assert followed("2030-01-01", ends="2029-01-20").notes == []


def test_an_earliest_day_is_no_end():
    plan = drafted(runway=status("2027-01-20", kind="not_before"))
    assert plan.successor == Runway(ends=None, phase=None, days=None, not_before=date(2027, 1, 20))
    assert not any("EOL007" in note for note in plan.notes)


def test_an_unknown_life_is_said():
    assert drafted(runway=status()).notes == [
        "nothing is known of how long new-base lives (EOL004): adapterctl lifecycle add new-base"
    ]


def test_a_successor_whose_examples_are_padded_is_said():
    said = (
        "the examples of a batch are padded to its longest: bloom is not among the families that "
        "run without padding"
    )
    assert said in drafted(new_changes={"family": "bloom"}).notes
    assert not any("padded" in note for note in drafted().notes)


def test_the_same_weights_under_another_name_are_said():
    same = facts().record.base.fingerprint
    assert (
        "both bases have the same fingerprint: they are the same weights under two names"
    ) in drafted(fingerprint=same).notes


def test_plans_are_ordered_by_deadline_and_unknown_ones_come_last():
    def named(name: str, ends: str | None) -> RebuildPlan:
        plan = drafted(deadline=status(ends) if ends else status())
        return msgspec.structs.replace(plan, adapter=name)

    plans = [named("c", None), named("b", "2027-03-01"), named("a", "2027-02-01"), named("d", None)]
    assert [plan.adapter for plan in by_deadline(plans)] == ["a", "b", "c", "d"]


def test_a_plan_survives_json():
    plan = drafted(deadline=status("2027-01-05"))
    assert msgspec.json.decode(msgspec.json.encode(plan), type=RebuildPlan) == plan
