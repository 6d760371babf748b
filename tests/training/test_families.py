"""An adapter mapped to any family that PEFT's users tune learns in every role that it stands on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
import transformers
from peft.tuners.lora import LoraLayer

from adapterctl.records.recipe import LoraSettings
from adapterctl.rules.mapping.roles import role_of
from adapterctl.training.adapted import load_adapted
from adapterctl.training.quiet import quiet
from adapterctl.training.rows.text import Example
from adapterctl.training.twin import target_name
from support.families import CAUSAL, FAMILIES, TUNED
from support.mapping import as_mended, ask
from support.tiny_bases import llama_tokenizer
from support.training_jobs import VOCABULARY, classified, completions, job, train_all

KINDS = {
    "SEQ_CLS": transformers.AutoModelForSequenceClassification,
    "CAUSAL_LM": transformers.AutoModelForCausalLM,
}
CASES = [("SEQ_CLS", family) for family in TUNED] + [("CAUSAL_LM", family) for family in CAUSAL]


EOS = 1


def ended(row: Example) -> Example:
    """The row as a tokenizer ends it: T5 classifies what stands at the end."""
    return msgspec.structs.replace(
        row, input_ids=(*row.input_ids, EOS), loss_mask=(*row.loss_mask, 0)
    )


def base_of(family: str, task: str, folder: Path) -> Path:
    """A small random base in a folder; its weights are strong enough for answers to differ."""
    settings = FAMILIES[family] | {
        "vocab_size": VOCABULARY + 6,
        "pad_token_id": 0,
        "eos_token_id": EOS,
    }
    with quiet(), torch.random.fork_rng():
        torch.manual_seed(5)
        model = KINDS[task].from_config(transformers.AutoConfig.for_model(family, **settings))
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.data.mul_(3)
        model.save_pretrained(folder)
    llama_tokenizer().save_pretrained(folder)
    return folder


def mapped(family: str, task: str) -> LoraSettings:
    """What a plan proposes for an adapter on all of another family's layers."""
    old = "qwen2" if family != "qwen2" else "llama"
    layers = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    found = ask(old, family, task=task, target_modules=layers)
    if found.blockers:
        role_map = as_mended(found)
        found = ask(old, family, task=task, target_modules=layers, role_map=role_map)
    assert found.blockers == []
    return found.lora


def answers(model: Any) -> torch.Tensor:
    ids = torch.tensor([[*example.input_ids[:4], EOS] for example in classified(4)])
    with torch.no_grad():
        logits: torch.Tensor = model(input_ids=ids).logits
    return logits


def layers_by_role(model: Any) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for name, layer in model.named_modules():
        if isinstance(layer, LoraLayer):
            found.setdefault(role_of(target_name(name, layer)) or name, []).append(layer)
    return found


@pytest.mark.parametrize(("task", "family"), CASES, ids=map("-".join, CASES))
def test_every_role_of_a_mapped_adapter_learns_and_changes_the_answers(
    task: str, family: str, tmp_path: Path
) -> None:
    base = base_of(family, task, tmp_path / "base")
    lora = mapped(family, task)
    rows = [ended(row) for row in classified(16)] if task == "SEQ_CLS" else completions(16)
    one = job(tmp_path, rows, max_steps=3, learning_rate=5e-2)
    [trained] = train_all([replace(one, lora=lora)], base)
    labels = {"num_labels": 3} if task == "SEQ_CLS" else {}
    model = load_adapted(base, trained.adapter, task=task, device="cpu", **labels).model
    whole = answers(model)
    roles = layers_by_role(model)
    assert len(roles) >= 2
    for role, layers in roles.items():
        pairs = [layer.lora_B["default"].weight for layer in layers]
        kept = [pair.detach().clone() for pair in pairs]
        assert all(bool(pair.any()) for pair in kept), f"{role} has learned nothing"
        with torch.no_grad():
            for pair in pairs:
                pair.zero_()
            assert not torch.equal(answers(model), whole), f"{role} changes no answer"
            for pair, value in zip(pairs, kept, strict=True):
                pair.copy_(value)
    assert torch.equal(answers(model), whole)
