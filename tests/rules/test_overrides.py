"""What a person says about the mapping: ``role_map``, all-linear, excluded modules."""

from __future__ import annotations

from adapterctl.records.recipe import LoraSettings
from support.mapping import ask, whats

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


def test_a_part_of_a_fused_layer_is_not_passed_over():
    found = ask("phi3", "llama", target_modules=["gate_up_proj"], role_map={"mlp.gate": []})
    assert [str(blocker) for blocker in found.blockers] == [
        "role_map: 'mlp.gate' is only a part of the old adapter's mlp.gate_up (write mlp.gate_up "
        "in its place: one layer of the old base is placed as a whole)"
    ]
    found = ask(
        "phi3", "llama", target_modules=["gate_up_proj"], role_map={"mlp.gate_up": "mlp.up"}
    )
    assert (found.lora.target_modules, found.blockers) == (["up_proj"], [])


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
