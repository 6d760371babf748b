"""How a choice of modules is written down, and that PEFT reads it the same for every family."""

from __future__ import annotations

from functools import cache

import msgspec
import pytest

from adapterctl.errors import InvalidInput
from adapterctl.records.recipe import LoraSettings
from adapterctl.rules.mapping.choice import chosen, clashes, spell
from adapterctl.rules.mapping.roles import role_of
from support.families import DECODERS, FAMILIES, given_by_peft, shape
from support.mapping import ask


def test_endings_are_as_short_as_they_can_be():
    names = [linear.name for linear in shape("bert").linears]
    dense = [name for name in names if name.endswith("dense") and "pooler" not in name]
    assert spell(dense, names) == ["intermediate.dense", "output.dense"]


def test_an_ending_that_would_choose_too_much_becomes_an_expression():
    names = [linear.name for linear in shape("bert").linears]
    wanted = [name for name in names if role_of(name) in {"mlp.down", "attention.q"}]
    assert spell(wanted, names) == r"(?:.*\.)?(?:\d+\.output\.dense|query)"


def test_what_no_pattern_tells_apart_is_named_in_full():
    names = [linear.name for linear in shape("bert").linears]
    assert spell(["bert.encoder.layer.1.output.dense"], names) == [
        "bert.encoder.layer.1.output.dense"
    ]


# one family, against PEFT itself

# PEFT reaches the experts of these two, and a plan blocks all-linear there.
LINEAR = [family for family in FAMILIES if family not in {"mixtral", "qwen3_moe"}]
TASKS = [(family, "SEQ_CLS") for family in LINEAR] + [
    (family, "CAUSAL_LM") for family in LINEAR if family in DECODERS
]


@pytest.mark.parametrize(("family", "task"), TASKS)
def test_all_linear_means_what_it_means_to_peft(family, task):
    linears = shape(family, task).linears
    lora = LoraSettings(exclude_modules=clashes(linears, task=task) or None)
    expected = given_by_peft(family, task, lora)
    if (family, task) == ("t5", "SEQ_CLS"):
        # PEFT does not know T5's head by name; it is a head all the same.
        expected -= {"classification_head.out_proj"}
    assert set(chosen(lora, linears, task=task)) == expected


@pytest.mark.parametrize(
    ("family", "settings"),
    [
        ("bert", {"target_modules": ["query", "value", "dense"]}),
        ("bert", {"target_modules": ["output.dense"], "exclude_modules": ["pooler.dense"]}),
        ("roberta", {"target_modules": ["dense"]}),
        ("distilbert", {"target_modules": ["q_lin", "lin1"], "layers_to_transform": 1}),
        ("gpt2", {"target_modules": r".*\.mlp\.c_.*|.*c_attn"}),
        ("gpt2", {"target_modules": ["wte", "c_proj"]}),
        ("llama", {"target_modules": ["q_proj"], "layers_to_transform": [0]}),
        (
            "llama",
            {"target_modules": ["q_proj"], "layers_to_transform": [1], "layers_pattern": "layers"},
        ),
        ("qwen2_moe", {"target_modules": ["gate_proj"]}),
        ("t5", {"target_modules": ["q", "wo"]}),
    ],
)
def test_a_choice_means_what_it_means_to_peft(family, settings):
    lora = LoraSettings(**settings)
    mine = chosen(lora, shape(family).linears, task="SEQ_CLS")
    assert mine
    assert set(mine) == given_by_peft(family, "SEQ_CLS", lora)


def test_a_head_whose_name_ends_like_another_clashes_with_all_linear():
    assert clashes(shape("distilbert").linears, task="SEQ_CLS") == ["pre_classifier"]
    with pytest.raises(InvalidInput, match="modules_to_save cannot be applied"):
        given_by_peft("distilbert", "SEQ_CLS", LoraSettings())


# every pair of families, against PEFT itself


@cache
def given(family: str, task: str, lora: bytes) -> set[str]:
    return given_by_peft(family, task, msgspec.json.decode(lora, type=LoraSettings))


def role_sets(family: str, task: str) -> list[list[str]]:
    """Choices that people make: attention, MLP, both, and each role alone."""
    linears = shape(family, task).linears
    found: dict[str, list[str]] = {}
    for linear in linears:
        role = role_of(linear.name) or ""
        if role.startswith(("attention.", "mlp.")):
            found.setdefault(role, []).append(linear.name)
    names = [linear.name for linear in linears]
    attention = [n for role, each in found.items() if role.startswith("att") for n in each]
    everything = [n for each in found.values() for n in each]
    return [spell(each, names) for each in (*found.values(), attention, everything)]


DIFFERENT = ("bert", "distilbert", "modernbert", "gpt2", "opt", "phi3", "llama", "t5")
"""One old base of each kind: names, fused or not, gated or not."""


@pytest.mark.parametrize("new", FAMILIES)
def test_every_successor_maps_to_layers_that_peft_really_creates_or_blocks(new):
    for old in DIFFERENT:
        assert_mapped_or_blocked(old, new, "SEQ_CLS")


@pytest.mark.slow
@pytest.mark.parametrize("new", FAMILIES)
def test_every_pair_maps_to_layers_that_peft_really_creates_or_blocks(new):
    for old in FAMILIES:
        assert_mapped_or_blocked(old, new, "SEQ_CLS")


@pytest.mark.slow
@pytest.mark.parametrize("new", DECODERS)
def test_every_pair_of_decoders_maps_to_layers_that_peft_really_creates_or_blocks(new):
    for old in DECODERS:
        assert_mapped_or_blocked(old, new, "CAUSAL_LM")


def assert_mapped_or_blocked(old: str, new: str, task: str) -> None:
    mapped = 0
    for target_modules in role_sets(old, task):
        found = ask(old, new, task=task, target_modules=target_modules)
        if found.blockers:
            assert all(blocker.mend for blocker in found.blockers)
            continue
        mapped += 1
        planned = set(chosen(found.lora, shape(new, task).linears, task=task))
        assert given(new, task, msgspec.json.encode(found.lora)) == planned
        assert {match.role for match in found.matches if not match.new} <= {"mlp.gate"}
        assert sum(g.count for match in found.matches for g in match.new) >= len(planned)
    assert mapped > 0
