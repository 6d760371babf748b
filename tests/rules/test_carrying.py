"""LoRA settings beside the target modules: heads, patterns, layers, tokens."""

from __future__ import annotations

import msgspec
import pytest

from adapterctl.records.recipe import LoraSettings
from adapterctl.rules.mapping.carrying import map_targets
from adapterctl.rules.mapping.choice import chosen
from adapterctl.rules.mapping.targets import Blocker, Question
from support.families import shape
from support.mapping import ask, whats
from support.recipes import classifier


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
            mend="write in recipe.yaml: role_map: {attention.q: attention.q} to adapt every "
            "layer, or {attention.q: [NAME, ...]} with the successor's modules",
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
        {"layer_replication": [[0, 1]]},
    ],
)
def test_settings_of_one_base_alone_block(settings):
    found = ask("llama", "bert", target_modules=["q_proj"], **settings)
    [name] = settings
    assert [what.split(":")[0] for what in whats(found)] == [f"lora.{name} cannot be carried"]
