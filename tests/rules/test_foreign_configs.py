"""What other trainers' configs say, under the recipe's names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from adapterctl.errors import InvalidInput
from adapterctl.rules.adoption.foreign_configs import carried

AXOLOTL: dict[str, Any] = {
    "base_model": "meta-llama/Llama-3.1-8B",
    "adapter": "lora",
    "lora_r": 32,
    "lora_alpha": 16,
    "lora_dropout": 0.05,
    "lora_target_linear": True,
    "micro_batch_size": 2,
    "gradient_accumulation_steps": 4,
    "num_epochs": 4,
    "optimizer": "adamw_bnb_8bit",
    "lr_scheduler": "cosine",
    "learning_rate": 2e-4,
    "sequence_len": 4096,
    "sample_packing": True,
    "wandb_project": None,
    "bf16": "auto",
}


def test_axolotl_is_translated_and_what_a_recipe_cannot_hold_is_named() -> None:
    found = carried(AXOLOTL, place="axolotl.yml")
    assert (found.source, found.base) == ("Axolotl", "meta-llama/Llama-3.1-8B")
    assert found.lora == {
        "r": 32,
        "lora_alpha": 16.0,
        "lora_dropout": 0.05,
        "target_modules": "all-linear",
    }
    assert found.training == {
        "per_device_train_batch_size": 2,
        "gradient_accumulation_steps": 4,
        "num_train_epochs": 4.0,
        "lr_scheduler_type": "cosine",
        "learning_rate": 2e-4,
        "max_length": 4096,
        "bf16": True,
    }
    assert set(found.left) == {"optimizer", "sample_packing"}
    assert found.left["optimizer"].startswith("'adamw_bnb_8bit': Invalid enum value")


def test_llama_factory_is_translated() -> None:
    config = {
        "model_name_or_path": "Qwen/Qwen3-4B",
        "stage": "sft",
        "finetuning_type": "lora",
        "lora_rank": 8,
        "lora_target": "q_proj,v_proj",
        "cutoff_len": 2048,
        "learning_rate": 1e-4,
        "template": "qwen3",
    }
    found = carried(config, place="qwen.yaml")
    assert (found.source, found.base) == ("LLaMA-Factory", "Qwen/Qwen3-4B")
    assert found.lora == {"r": 8, "target_modules": ["q_proj", "v_proj"]}
    assert found.training == {"learning_rate": 1e-4, "max_length": 2048}
    assert found.left == {"template": ""}


def test_trl_s_arguments_keep_their_names() -> None:
    config = {"model_name_or_path": "a/b", "use_peft": True, "lora_r": 4, "warmup_ratio": 0.1}
    found = carried(config, place="sft.yaml")
    assert (found.source, found.lora, found.training) == (
        "TRL", {"r": 4}, {"warmup_ratio": 0.1},
    )  # fmt: skip


def test_an_unknown_config_is_refused() -> None:
    with pytest.raises(InvalidInput, match="not a config of PEFT, Axolotl"):
        carried({"hello": 1}, place="x.yaml")


def test_an_adapter_of_another_type_is_refused() -> None:
    with pytest.raises(InvalidInput, match="a LOHA adapter: only LORA can be trained"):
        carried({"peft_type": "LOHA", "r": 4}, place="adapter_config.json")


def test_every_lora_config_of_the_corpus_is_carried(corpus: Path) -> None:
    files = sorted((corpus / "adapters" / "configs").rglob("*.json"))
    configs = [json.loads(file.read_text()) for file in files]
    loras = [config for config in configs if config.get("peft_type") == "LORA"]
    assert len(loras) >= 20
    for config in loras:
        found = carried(config, place="adapter_config.json")
        assert (found.source, found.lora["r"]) == ("PEFT", config["r"])
