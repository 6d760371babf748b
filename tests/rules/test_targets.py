"""Target modules carried between families: what maps, what is said, what blocks."""

from __future__ import annotations

import pytest

from adapterctl.records.recipe import LoraSettings
from adapterctl.rules.mapping.carrying import map_targets
from adapterctl.rules.mapping.choice import chosen
from adapterctl.rules.mapping.targets import Blocker, Group, Question
from support.families import shape
from support.mapping import ask, whats
from support.recipes import classifier

Q_AND_V = {
    "bert": ["query", "value"],
    "llama": ["q_proj", "v_proj"],
    "distilbert": ["q_lin", "v_lin"],
}

# the same role under another name


@pytest.mark.parametrize(
    ("old", "new", "before", "after"),
    [
        ("bert", "llama", ["query", "value"], ["q_proj", "v_proj"]),
        ("llama", "bert", ["q_proj", "v_proj"], ["query", "value"]),
        ("llama", "mistral", ["q_proj", "v_proj"], ["q_proj", "v_proj"]),
        ("llama", "qwen3", r".*\.(q|k|v|o)_proj", r".*\.(q|k|v|o)_proj"),
        ("bert", "distilbert", ["attention.output.dense"], ["out_lin"]),
        ("gpt2", "gpt_neox", ["c_attn"], ["query_key_value"]),
        ("gpt2", "falcon", ["c_attn", "mlp.c_proj"], ["dense_4h_to_h", "query_key_value"]),
        ("opt", "phi", ["fc1", "out_proj"], ["dense", "fc1"]),
        ("phi3", "modernbert", ["qkv_proj", "gate_up_proj"], ["Wi", "Wqkv"]),
        ("t5", "qwen2", ["SelfAttention.q"], ["q_proj"]),
        ("llama", "bert", ["o_proj"], ["attention.output.dense"]),
    ],
)
def test_a_role_keeps_its_meaning_under_another_name(old, new, before, after):
    found = ask(old, new, target_modules=before)
    assert found.blockers == []
    assert found.lora.target_modules == after


def test_the_table_shows_names_counts_and_widths_of_both_sides():
    [match] = ask("bert", "mistral", target_modules=["key"]).matches
    assert match.role == "attention.k"
    assert match.how == "same role"
    assert match.old == [
        Group(
            pattern="bert.encoder.layer.*.attention.self.key",
            count=2,
            features_in=16,
            features_out=16,
        )
    ]
    assert match.new == [
        Group(pattern="model.layers.*.self_attn.k_proj", count=2, features_in=16, features_out=8)
    ]


def test_rank_alpha_and_variants_are_carried_untouched():
    settings = {
        "r": 16,
        "lora_alpha": 32,
        "lora_dropout": 0.05,
        "bias": "lora_only",
        "use_rslora": True,
        "use_dora": True,
    }
    found = ask("bert", "llama", target_modules=["query"], **settings)
    assert found.lora == LoraSettings(target_modules=["q_proj"], **settings)


# fused projections


def test_a_fused_layer_of_the_old_base_is_split_and_said():
    found = ask("gpt2", "llama", target_modules=["c_attn"])
    assert found.lora.target_modules == ["k_proj", "q_proj", "v_proj"]
    assert found.blockers == []
    assert found.notes == [
        f"attention.qkv was one fused layer; attention.{part} ({part}_proj) now has a rank of "
        "its own"
        for part in "qkv"
    ]


@pytest.mark.parametrize(("old", "before"), Q_AND_V.items())
@pytest.mark.parametrize(
    ("new", "fused"), [("gpt2", "c_attn"), ("phi3", "qkv_proj"), ("modernbert", "Wqkv")]
)
def test_two_of_three_fused_projections_block_with_what_to_write(old, before, new, fused):
    found = ask(old, new, target_modules=before)
    assert found.blockers == [
        Blocker(
            what="the successor fuses attention.q, attention.k and attention.v into one layer "
            f"({fused}), and the old adapter stands on attention.q and attention.v alone",
            mend="write in recipe.yaml: role_map: {attention.q: attention.qkv, "
            "attention.v: attention.qkv} to adapt the whole layer, or "
            "{attention.q: [], attention.v: []} to leave it out",
        )
    ]


def test_what_the_message_says_to_write_unblocks():
    whole = {"attention.q": "attention.qkv", "attention.v": "attention.qkv"}
    found = ask("bert", "gpt2", target_modules=["query", "value"], role_map=whole)
    assert found.blockers == []
    assert found.lora.target_modules == ["c_attn"]
    without = {"attention.q": [], "attention.v": []}
    found = ask("bert", "gpt2", target_modules=["query", "value", "key"], role_map=without)
    assert [match.how for match in found.matches] == [
        "left out, as role_map says",
        "left out, as role_map says",
        "blocks",
    ]


def test_three_of_three_fused_projections_share_one_layer_and_it_is_said():
    found = ask("bert", "gpt2", target_modules=["query", "key", "value"])
    assert found.blockers == []
    assert found.lora.target_modules == ["c_attn"]
    assert found.notes == [
        "attention.q, attention.k and attention.v share one layer on the successor (c_attn): one "
        "rank for all of them"
    ]


# gates


def test_a_gate_that_the_old_base_has_not_stays_without_lora_and_it_is_said():
    found = ask("bert", "llama", target_modules=["intermediate.dense", "output.dense"])
    assert found.lora.target_modules == ["down_proj", "o_proj", "up_proj"]
    assert found.notes == [
        "the successor's MLP has a gate (gate_proj) and the old one has none: it stays without "
        "LoRA; role_map: {mlp.up: [mlp.up, mlp.gate]} adapts it too"
    ]


def test_the_role_map_adapts_the_gate_too():
    both = {"mlp.up": ["mlp.up", "mlp.gate"]}
    found = ask("bert", "llama", target_modules=["intermediate.dense"], role_map=both)
    assert found.lora.target_modules == ["gate_proj", "up_proj"]
    assert (found.notes, found.blockers) == ([], [])


def test_a_gate_that_the_successor_has_not_is_left_out_and_it_is_said():
    found = ask("llama", "gpt2", target_modules=["gate_proj", "up_proj", "down_proj"])
    assert found.blockers == []
    assert found.lora.target_modules == ["c_fc", "mlp.c_proj"]
    assert found.notes == [
        "the successor's MLP has no gate: mlp.gate is left out, and mlp.up (c_fc) carries the "
        "MLP's input alone"
    ]


def test_a_gate_alone_blocks_where_there_is_none():
    found = ask("llama", "gpt2", target_modules=["gate_proj"])
    assert whats(found) == ["the successor has no mlp.gate"]


def test_an_up_projection_goes_into_a_fused_gate_and_up():
    found = ask("bert", "phi3", target_modules=["intermediate.dense"])
    assert found.blockers == []
    assert found.lora.target_modules == ["gate_up_proj"]


def test_up_without_gate_blocks_where_both_are_fused_and_the_old_base_had_both():
    found = ask("llama", "phi3", target_modules=["up_proj"])
    assert whats(found) == [
        "the successor fuses mlp.gate and mlp.up into one layer (gate_up_proj), and the old "
        "adapter stands on mlp.up alone"
    ]


# nothing in silence


def test_an_unmapped_role_blocks_with_the_roles_that_there_are():
    found = ask("t5", "llama", target_modules=["q"])
    assert found.blockers == [
        Blocker(
            what="the successor has no cross_attention.q",
            mend="write in recipe.yaml: role_map: {cross_attention.q: attention.q} to adapt that "
            "in its stead, or {cross_attention.q: []} to leave it out; its roles: attention.q, "
            "attention.k, attention.v, attention.o, mlp.gate, mlp.up, mlp.down, head",
        )
    ]


def test_a_module_without_a_role_blocks():
    found = ask("albert", "bert", target_modules=["query", "embedding_hidden_mapping_in"])
    assert found.blockers == [
        Blocker(
            what="albert.encoder.embedding_hidden_mapping_in has no known role",
            mend="write in recipe.yaml: role_map: {embedding_hidden_mapping_in: []} to leave it "
            "out, or {embedding_hidden_mapping_in: ROLE} with a role or module of the successor",
        )
    ]
    left_out = {"embedding_hidden_mapping_in": []}
    again = ask(
        "albert",
        "bert",
        target_modules=["query", "embedding_hidden_mapping_in"],
        role_map=left_out,
    )
    assert (again.lora.target_modules, again.blockers) == (["query"], [])


def test_a_pooler_without_counterpart_is_said():
    found = ask("bert", "llama", target_modules=["dense"])
    assert found.blockers == []
    assert found.lora.target_modules == ["down_proj", "o_proj", "up_proj"]
    assert found.notes[0] == (
        "head.dense, the dense layer of the old head, has no counterpart: the successor's head "
        "is trained in full"
    )


def test_experts_block_and_the_attention_alone_maps():
    found = ask("llama", "qwen3_moe", target_modules=["q_proj", "up_proj", "down_proj"])
    assert whats(found) == [
        f"mlp.{part}: the successor's MLPs are experts, which target_modules do not reach"
        for part in ("up", "down")
    ]
    assert ask("llama", "qwen3_moe", target_modules=["q_proj"]).blockers == []


def test_all_linear_blocks_on_a_mixture_of_experts():
    assert whats(ask("llama", "mixtral")) == [
        "all-linear does not mean the same modules on a mixture of experts"
    ]
    alone = {"mlp.gate": [], "mlp.up": [], "mlp.down": []}
    found = ask("llama", "mixtral", role_map=alone)
    assert found.blockers == []
    assert found.lora.target_modules == ["k_proj", "o_proj", "q_proj", "v_proj"]


def test_some_of_a_roles_modules_block():
    found = ask("llama", "bert", target_modules=["layers.1.self_attn.q_proj"])
    assert found.blockers == [
        Blocker(
            what="the old adapter stands on 1 of 2 modules of attention.q; which of the "
            "successor's these mean is not clear",
            mend="write in recipe.yaml: role_map: {attention.q: attention.q} to adapt all of "
            "them, or {attention.q: [NAME, ...]} with the successor's modules",
        )
    ]
    named = {"attention.q": ["layer.1.attention.self.query"]}
    found = ask("llama", "bert", target_modules=["layers.1.self_attn.q_proj"], role_map=named)
    assert found.blockers == []
    chosen_now = chosen(found.lora, shape("bert").linears, task="SEQ_CLS")
    assert chosen_now == ["bert.encoder.layer.1.attention.self.query"]


def test_a_choice_of_nothing_blocks():
    assert whats(ask("bert", "llama", target_modules=["q_proj"])) == [
        "lora.target_modules chooses no module that is known of the old base"
    ]


def test_a_broken_expression_blocks():
    assert whats(ask("bert", "llama", target_modules="(query")) == [
        "lora.target_modules is no regular expression: missing ), unterminated subpattern at "
        "position 0"
    ]


# without the old base


def test_the_names_in_the_record_serve_where_the_old_base_is_gone():
    question = Question(
        recipe=classifier(lora=LoraSettings(target_modules=["query", "value"])),
        old=None,
        new=shape("llama"),
        overrides={},
        recorded=[f"bert.encoder.layer.{n}.attention.self.{m}" for n in (0, 1) for m in ("query",)],
    )
    found = map_targets(question)
    assert found.blockers == []
    assert found.lora.target_modules == ["q_proj"]
    assert found.matches[0].old == [
        Group(pattern="bert.encoder.layer.*.attention.self.query", count=2)
    ]
