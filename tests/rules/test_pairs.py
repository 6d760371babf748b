"""Every pair of families: it maps, or what the message says to write makes it map."""

from __future__ import annotations

import re

import msgspec
import pytest
from ruamel.yaml import YAML

from adapterctl.rules.mapping.choice import spell
from adapterctl.rules.mapping.roles import role_of
from support.families import shape
from support.mapping import ask, whats

TUNED = (
    "bert roberta distilbert deberta-v2 modernbert gpt2 gpt_neox opt llama mistral qwen2 qwen3 "
    "gemma2 gemma3_text phi3 falcon t5 mixtral qwen2_moe qwen3_moe"
).split()


def choices(family: str):
    linears = [one for one in shape(family).linears if one.kind != "Experts"]
    roles = [(one.name, role_of(one.name) or "") for one in linears]
    starts = ("attention.", "mlp.", "cross_", "shared_")
    parts = {role for _, role in roles if role.startswith(starts)}
    some = {"attention.q", "attention.v", "attention.qkv"} & parts
    names = [name for name, _ in roles]
    for wanted in (some, parts, parts - {r for r in parts if r.startswith("attention.")}):
        if chosen := [name for name, role in roles if role in wanted]:
            yield spell(chosen, names)
    yield "all-linear"


@pytest.mark.parametrize("new", TUNED)
def test_a_pair_maps_or_says_what_to_write_and_that_makes_it_map(new):
    for old in TUNED:
        for wanted in choices(old):
            found = ask(old, new, target_modules=wanted)
            written = {}
            for blocker in found.blockers:
                given = re.search(r"role_map: (\{.*?\})", blocker.mend)
                written |= YAML(typ="safe").load(given[1])
            kind = dict[str, str | list[str]]
            again = ask(
                old, new, target_modules=wanted, role_map=msgspec.convert(written, type=kind)
            )
            assert whats(again) == [], (old, wanted, written)
            assert any(match.new for match in again.matches), (old, wanted, written)
