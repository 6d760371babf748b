"""LoRA settings carried between families: what maps, what is said, what blocks."""

from __future__ import annotations

from functools import cache

import msgspec
import pytest
from support.families import DECODERS, FAMILIES, build, shape
from support.recipes import classifier

from adapterctl.records.recipe import LoraSettings
from adapterctl.rules.carrying import map_targets
from adapterctl.rules.choice import chosen, spell
from adapterctl.rules.roles import role_of
from adapterctl.rules.targets import Blocker, Group, Question, RoleMap

Q_AND_V = {
    "bert": ["query", "value"],
    "llama": ["q_proj", "v_proj"],
    "distilbert": ["q_lin", "v_lin"],
}


def ask(old: str, new: str, *, role_map=None, task="SEQ_CLS", **lora) -> RoleMap:
    recipe = classifier(lora=LoraSettings(**lora), task=task)
    return map_targets(
        Question(
            recipe=recipe,
            old=shape(old, task),
            new=shape(new, task),
            overrides=role_map or {},
        )
    )


def whats(found: RoleMap) -> list[str]:
    return [blocker.what for blocker in found.blockers]


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
            mend="write in recipe.yaml: role_map: {cross_attention.q: [ROLE]} with one of its "
            "roles (attention.q, attention.k, attention.v, attention.o, mlp.gate, mlp.up, "
            "mlp.down, head), or cross_attention.q: [] to leave it out",
        )
    ]


def test_a_module_without_a_role_blocks():
    found = ask("albert", "bert", target_modules=["query", "embedding_hidden_mapping_in"])
    assert found.blockers == [
        Blocker(
            what="albert.encoder.embedding_hidden_mapping_in has no known role",
            mend="write in recipe.yaml: role_map: {embedding_hidden_mapping_in: [ROLE]} with a "
            "role or module of the successor, or embedding_hidden_mapping_in: [] to leave it out",
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
            mend="write in recipe.yaml: role_map: {attention.q: [NAME, ...]} with the "
            "successor's modules",
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


# role_map


def test_a_role_map_that_names_nothing_blocks():
    wrong = {"attention.query": "attention.q", "attention.q": "q_projection"}
    found = ask("bert", "llama", target_modules=["query"], role_map=wrong)
    assert whats(found) == [
        "role_map: 'attention.query' is neither a role nor a module of the old base",
        "role_map: attention.q: the successor has no role or module 'q_projection'",
    ]


def test_a_role_map_about_a_role_that_is_not_used_changes_nothing():
    found = ask("bert", "llama", target_modules=["query"], role_map={"mlp.gate": []})
    assert (found.lora.target_modules, found.blockers) == (["q_proj"], [])


# all-linear


def test_all_linear_stays_all_linear_and_shows_what_it_means_on_both_sides():
    found = ask("bert", "gpt2")
    assert found.lora == LoraSettings()
    sides = {match.role: (len(match.old), len(match.new)) for match in found.matches}
    assert sides == {
        "attention.q": (1, 0),
        "attention.k": (1, 0),
        "attention.v": (1, 0),
        "attention.o": (1, 1),
        "mlp.up": (1, 1),
        "mlp.down": (1, 1),
        "head.dense": (1, 0),
        "attention.qkv": (0, 1),
    }


def test_all_linear_leaves_out_what_clashes_with_the_head():
    found = ask("bert", "distilbert")
    assert found.lora == LoraSettings(exclude_modules=["pre_classifier"])
    assert found.notes == [
        "pre_classifier is part of the successor's head: trained in full, without LoRA"
    ]


def test_exclude_modules_become_part_of_the_choice():
    found = ask("bert", "llama", exclude_modules=["pooler.dense", "key"])
    assert found.lora.exclude_modules is None
    assert found.lora.target_modules == ["down_proj", "o_proj", "q_proj", "up_proj", "v_proj"]


# other settings that name the old base


@pytest.mark.parametrize(
    ("old", "new", "before", "after"),
    [
        ("llama", "bert", ["score"], ["classifier"]),
        ("bert", "llama", ["classifier"], ["score"]),
        ("bert", "mpnet", ["classifier"], ["classifier"]),
        ("bert", "albert", ["pooler"], ["albert.pooler"]),
        ("bert", "llama", ["pooler"], None),
    ],
)
def test_a_saved_head_becomes_the_successors_head(old, new, before, after):
    found = ask(old, new, modules_to_save=before)
    assert found.blockers == []
    assert found.lora.modules_to_save == after


def test_a_dense_layer_of_the_head_without_weights_is_trained_in_full():
    new = msgspec.structs.replace(shape("deberta-v2"), fresh=["pooler.dense"])
    recipe = classifier(lora=LoraSettings(target_modules=["dense"]))
    found = map_targets(Question(recipe=recipe, old=shape("bert"), new=new, overrides={}))
    assert found.blockers == []
    assert found.lora.modules_to_save == ["pooler.dense"]
    assert chosen(found.lora, new.linears, task="SEQ_CLS") == [
        name
        for layer in range(2)
        for name in (
            f"deberta.encoder.layer.{layer}.attention.output.dense",
            f"deberta.encoder.layer.{layer}.intermediate.dense",
            f"deberta.encoder.layer.{layer}.output.dense",
        )
    ]
    assert (
        "the successor has no weights for pooler.dense: trained in full beside the head"
        in found.notes
    )


def test_a_saved_embedding_blocks():
    found = ask("llama", "bert", target_modules=["q_proj"], modules_to_save=["embed_tokens"])
    assert found.blockers == [
        Blocker(
            what="lora.modules_to_save: 'embed_tokens' is trained in full on the old base and is "
            "no head",
            mend="write a recipe for the successor with its own names: adapterctl new NAME",
        )
    ]


def test_rank_and_alpha_patterns_follow_their_roles():
    found = ask(
        "llama",
        "bert",
        target_modules=["q_proj", "k_proj", "o_proj"],
        rank_pattern={"q_proj": 4, r"layers\.\d+\.self_attn\.o_proj": 2},
        alpha_pattern={"k_proj": 8},
    )
    assert found.blockers == []
    assert found.lora.rank_pattern == {"query": 4, r"attention\.output\.dense": 2}
    assert found.lora.alpha_pattern == {"key": 8}


def test_a_pattern_inside_one_role_blocks():
    found = ask(
        "llama",
        "bert",
        target_modules=["q_proj"],
        rank_pattern={r"layers\.0\.self_attn\.q_proj": 2},
    )
    assert whats(found) == ["lora.rank_pattern gives attention.q more than one value"]


def test_a_pattern_that_a_fused_layer_cannot_hold_blocks():
    found = ask(
        "bert",
        "gpt2",
        target_modules=["query", "key", "value"],
        rank_pattern={"query": 2, "key": 4, "value": 2},
    )
    assert whats(found) == ["lora.rank_pattern gives c_attn more than one value"]


def test_layers_are_carried_to_a_successor_of_the_same_depth():
    found = ask(
        "llama",
        "bert",
        target_modules=["q_proj"],
        layers_to_transform=[1],
        layers_pattern="layers",
    )
    assert found.blockers == []
    wanted = chosen(found.lora, shape("bert").linears, task="SEQ_CLS")
    assert wanted == ["bert.encoder.layer.1.attention.self.query"]


def test_layers_block_on_a_successor_of_another_depth():
    old = msgspec.structs.replace(shape("llama"), layers=12)
    lora = LoraSettings(target_modules=["q_proj"], layers_to_transform=[1])
    question = Question(recipe=classifier(lora=lora), old=old, new=shape("bert"), overrides={})
    assert map_targets(question).blockers == [
        Blocker(
            what="lora.layers_to_transform counts 12 layers, and the successor has 2",
            mend="write in recipe.yaml: role_map: {attention.q: [NAME, ...]} with the "
            "successor's modules",
        )
    ]


def test_layers_are_written_out_where_only_an_expression_is_exact():
    found = ask("llama", "bert", target_modules=["down_proj"], layers_to_transform=1)
    assert found.lora.target_modules == ["bert.encoder.layer.1.output.dense"]
    assert found.lora.layers_to_transform is None


@pytest.mark.parametrize(
    "settings",
    [
        {"trainable_token_indices": [3]},
        {"alora_invocation_tokens": [3]},
        {"target_parameters": ["experts.gate_up_proj"]},
        {"layer_replication": [[0, 1]]},
    ],
)
def test_settings_of_one_base_alone_block(settings):
    found = ask("llama", "bert", target_modules=["q_proj"], **settings)
    [name] = settings
    assert [what.split(":")[0] for what in whats(found)] == [f"lora.{name} cannot be carried"]


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


# spelling


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


# every pair of families, against PEFT itself


@cache
def given_by_peft(family: str, task: str, lora: bytes) -> frozenset[str]:
    from peft.tuners.lora import LoraLayer

    from adapterctl.training.twin import PREFIX, inject, lora_config

    settings = msgspec.json.decode(lora, type=LoraSettings)
    wrapped = inject(build(family, task), lora_config(settings, task=task), bare=True)
    modules = wrapped.named_modules()
    return frozenset(n.removeprefix(PREFIX) for n, m in modules if isinstance(m, LoraLayer))


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
        assert given_by_peft(new, task, msgspec.json.encode(found.lora)) == planned
        assert {match.role for match in found.matches if not match.new} <= {"mlp.gate"}
        assert sum(g.count for match in found.matches for g in match.new) >= len(planned)
    assert mapped > 0
