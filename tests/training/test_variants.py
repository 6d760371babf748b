"""What goes through PEFT's own layers: trained, saved, and the same again when PEFT loads it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

from adapterctl.training.learning.job import SlotJob
from adapterctl.training.learning.loss import collate
from adapterctl.training.loading import load_base
from adapterctl.training.twin import read
from adapterctl.training.variants import VariantTrainee
from support.training_jobs import (
    adapter_bytes,
    classified,
    completions,
    job,
    train_all,
    without_dropout,
)

VARIANTS: dict[str, dict[str, Any]] = {
    "dora": {"use_dora": True},
    "biases": {"bias": "all"},
    "biases of targets": {"bias": "lora_only"},
    "a bias in B": {"lora_bias": True},
    "random B": {"init_lora_weights": False},
    "gaussian": {"init_lora_weights": "gaussian"},
    "orthogonal": {"init_lora_weights": "orthogonal"},
    "mica": {"init_lora_weights": "mica"},
    "pissa": {"init_lora_weights": "pissa", "rank_pattern": {"query": 2}},
    "pissa by iteration": {"init_lora_weights": "pissa_niter_4", "use_rslora": True},
    "olora": {"init_lora_weights": "olora", "alpha_pattern": {"value": 2}},
    "tokens": {"trainable_token_indices": [5, 6, 7]},
    "embeddings": {"target_modules": ["word_embeddings", "query"]},
}


@pytest.mark.parametrize("lora", VARIANTS.values(), ids=VARIANTS)
def test_peft_loads_a_variant_and_it_answers_as_it_was_trained(
    lora: dict[str, Any], bert: Path, tmp_path: Path
) -> None:
    plain = without_dropout(bert, tmp_path / "base")
    each = job(
        tmp_path, classified(24), lora={"lora_dropout": 0.0, **lora}, max_steps=4, logging_steps=1
    )
    [result] = train_all([each], plain)
    batch = collate(each.examples[:6], task="SEQ_CLS", pad=0, device="cpu")
    model = AutoModelForSequenceClassification.from_pretrained(plain, num_labels=3, dtype="float32")
    loaded = PeftModel.from_pretrained(model, result.adapter)
    theirs = loaded(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits
    torch.testing.assert_close(trained_logits(each, plain, batch), theirs, rtol=1e-4, atol=1e-5)
    digests = [step.weights_sha256 for step in result.trail]
    assert len(set(digests)) == len(digests), "some step changed nothing"


def trained_logits(each: SlotJob, base_dir: Path, batch: Any) -> torch.Tensor:
    """The answers of the trainee itself, resumed from the checkpoint of its last step."""
    from adapterctl.training.learning import checkpoints
    from adapterctl.training.learning.trainee import restore

    torch.manual_seed(0)
    base = load_base(base_dir, task="SEQ_CLS", head_seed=0, device="cpu", num_labels=3)
    trainee = VariantTrainee(
        each, base, read(each.lora, base_dir=base_dir, task="SEQ_CLS", labels=3)
    )
    [folder] = each.work_dir.iterdir()
    checkpoint = checkpoints.newest(folder)
    assert checkpoint is not None
    restore(trainee, checkpoint.tensors)
    return trainee.logits(batch).detach()


def test_a_variant_is_the_same_again(bert: Path, tmp_path: Path) -> None:
    settings = {"lora": {"init_lora_weights": "pissa_niter_2", "use_dora": False}, "max_steps": 3}
    [first] = train_all([job(tmp_path / "1", classified(24), **settings)], bert)
    [second] = train_all([job(tmp_path / "2", classified(24), **settings)], bert)
    assert adapter_bytes(first) == adapter_bytes(second)


def test_a_variant_can_recompute_its_activations(bert: Path, tmp_path: Path) -> None:
    jobs = [
        job(
            tmp_path,
            classified(24),
            name=name,
            lora={"use_dora": True},
            gradient_checkpointing=name == "recomputed",
        )
        for name in ("kept", "recomputed")
    ]
    kept, recomputed = train_all(jobs, bert)
    assert kept.trail == recomputed.trail


def test_parts_taken_out_of_the_base_are_saved_as_plain_lora(bert: Path, tmp_path: Path) -> None:
    settings = {"init_lora_weights": "pissa", "r": 4, "lora_alpha": 8}
    [result] = train_all([job(tmp_path, classified(24), lora=settings, max_steps=2)], bert)
    stated = json.loads((result.adapter / "adapter_config.json").read_text())
    assert (stated["init_lora_weights"], stated["r"], stated["lora_alpha"]) == (True, 8, 16)


def test_dora_and_plain_lora_start_from_the_same_head(bert: Path, tmp_path: Path) -> None:
    plain = without_dropout(bert, tmp_path / "base")
    no_dropout = {"lora_dropout": 0.0}
    jobs = [
        job(tmp_path, classified(24), name="dora", lora=no_dropout | {"use_dora": True}),
        job(tmp_path, classified(24), name="plain", lora=no_dropout),
    ]
    dora, simple = train_all(jobs, plain)
    # B is zero at first, so both are the bare base with that head.
    assert float.fromhex(dora.trail[0].loss) == pytest.approx(
        float.fromhex(simple.trail[0].loss), rel=1e-6
    )


def test_layers_can_be_replicated(llama: Path, tmp_path: Path) -> None:
    lora = {"layer_replication": [[0, 2], [1, 2]], "target_modules": ["q_proj"]}
    [result] = train_all([job(tmp_path, completions(24), lora=lora)], llama)
    assert result.facts.target_modules == [
        f"model.layers.{number}.self_attn.q_proj" for number in range(3)
    ]
    model = AutoModelForCausalLM.from_pretrained(llama)
    loaded = PeftModel.from_pretrained(model, result.adapter)
    assert len(loaded.get_base_model().model.layers) == 3


def test_a_parameter_can_be_a_target(llama: Path, tmp_path: Path) -> None:
    lora = {
        "target_parameters": ["q_proj.weight"],
        "target_modules": [],
        "lora_dropout": 0.0,
    }
    [result] = train_all([job(tmp_path, completions(24), lora=lora)], llama)
    stated = json.loads((result.adapter / "adapter_config.json").read_text())
    assert (stated["target_modules"], stated["target_parameters"]) == ([], ["q_proj.weight"])
    assert result.trail[0].loss != result.trail[-1].loss
