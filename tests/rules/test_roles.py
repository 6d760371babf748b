"""The table of roles against small random bases of every family."""

from __future__ import annotations

import pytest

from adapterctl.rules.mapping.roles import PARTS, ROLES, by_role, is_mixture, role_of
from support.families import DECODERS, FAMILIES, LAYERS, shape

WITHOUT_ROLE = {
    "albert": {"albert.encoder.embedding_hidden_mapping_in"},
    "deberta": {
        f"deberta.encoder.layer.{layer}.attention.self.{name}"
        for layer in range(LAYERS)
        for name in ("pos_proj", "pos_q_proj")
    },
    "opt": {"model.decoder.project_in", "model.decoder.project_out"},
}
"""Modules that no other family has a counterpart for."""

SPLIT = {"attention.q", "attention.k", "attention.v", "attention.o"}
FUSED = {"attention.qkv", "attention.o"}
GATED = {"mlp.gate", "mlp.up", "mlp.down"}
PLAIN = {"mlp.up", "mlp.down"}

LAYER_ROLES = {
    "bert": SPLIT | PLAIN,
    "roberta": SPLIT | PLAIN,
    "xlm-roberta": SPLIT | PLAIN,
    "electra": SPLIT | PLAIN,
    "mpnet": SPLIT | PLAIN,
    "albert": SPLIT | PLAIN,
    "distilbert": SPLIT | PLAIN,
    "deberta": FUSED | PLAIN,
    "deberta-v2": SPLIT | PLAIN,
    "modernbert": FUSED | {"mlp.gate_up", "mlp.down"},
    "gpt2": FUSED | PLAIN,
    "gptj": SPLIT | PLAIN,
    "gpt_bigcode": FUSED | PLAIN,
    "gpt_neo": SPLIT | PLAIN,
    "gpt_neox": FUSED | PLAIN,
    "opt": SPLIT | PLAIN,
    "bloom": FUSED | PLAIN,
    "mpt": FUSED | PLAIN,
    "falcon": FUSED | PLAIN,
    "phi": SPLIT | PLAIN,
    "phi3": FUSED | {"mlp.gate_up", "mlp.down"},
    "llama": SPLIT | GATED,
    "mistral": SPLIT | GATED,
    "qwen2": SPLIT | GATED,
    "qwen3": SPLIT | GATED,
    "gemma": SPLIT | GATED,
    "gemma2": SPLIT | GATED,
    "gemma3_text": SPLIT | GATED,
    "starcoder2": SPLIT | PLAIN,
    "t5": SPLIT | PLAIN | {f"cross_{role}" for role in SPLIT},
    "mixtral": SPLIT | {"experts.gate_up", "experts.down"},
    "qwen2_moe": SPLIT
    | {"experts.gate_up", "experts.down", "router"}
    | {f"shared_expert.{part}" for part in ("gate", "up", "down")},
    "qwen3_moe": SPLIT | {"experts.gate_up", "experts.down"},
}

TASKS = [(family, "SEQ_CLS") for family in FAMILIES] + [
    (family, "CAUSAL_LM") for family in DECODERS
]


@pytest.mark.parametrize(("family", "task"), TASKS)
def test_every_module_has_a_role_or_is_known_to_have_none(family, task):
    without = {linear.name for linear in shape(family, task).linears if not role_of(linear.name)}
    assert without == WITHOUT_ROLE.get(family, set())


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_has_its_roles_in_every_layer(family):
    found = by_role(shape(family).linears)
    parts = ("attention.", "cross_", "mlp.", "experts.", "shared_", "router")
    layered = {role: names for role, names in found.items() if role and role.startswith(parts)}
    assert set(layered) == LAYER_ROLES[family]
    count = {role: len(names) for role, names in layered.items()}
    # ALBERT shares one layer; T5's decoder has the encoder's roles again.
    expected = {"albert": 1, "t5": 2 * LAYERS}.get(family, LAYERS)
    assert {c for role, c in count.items() if not role.startswith("cross_")} == {expected}


@pytest.mark.parametrize(("family", "task"), TASKS)
def test_every_base_has_one_head_and_one_token_embedding(family, task):
    found = by_role(shape(family, task).linears)
    assert len(found["head"]) == 1
    # T5 names one table three times.
    assert len(found["embedding"]) == (3 if family == "t5" else 1)


def test_mixtures_of_experts_are_told_from_the_others():
    mixtures = {family for family in FAMILIES if is_mixture(shape(family).linears)}
    assert mixtures == {"mixtral", "qwen2_moe", "qwen3_moe"}


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("q_proj", "attention.q"),
        ("query_key_value", "attention.qkv"),
        ("down_proj", "mlp.down"),
        ("transformer.h.3.attn.c_proj", "attention.o"),
        ("transformer.h.3.mlp.c_proj", "mlp.down"),
        ("transformer.h.3.crossattention.c_attn", "cross_attention.kv"),
        ("decoder.layers.0.encoder_attn.out_proj", "cross_attention.o"),
        ("layers.1.mlp.experts.7.w1", "experts.gate"),
        ("layers.1.block_sparse_moe.gate", "router"),
        ("classifier.out_proj", "head"),
        ("vision_tower.patch_conv", None),
        ("dense", None),
    ],
)
def test_a_name_is_read_from_its_end(name, role):
    assert role_of(name) == role


def test_fused_roles_are_made_of_roles():
    assert {part for parts in PARTS.values() for part in parts} <= ROLES | {"experts.gate"}
    assert set(PARTS) <= ROLES
