"""Bases in 4 bits: what is refused before anything is loaded, and what bitsandbytes is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from msgspec.structs import replace

from adapterctl.errors import AdapterctlError, InvalidInput, Problem
from adapterctl.records.recipe import TrainingSettings
from adapterctl.rules.recipes import recipe_digest
from adapterctl.training.learning.slots import SlottedBase, SlotTrainee
from adapterctl.training.loading import load_base
from adapterctl.training.quantized import (
    in_words,
    installed,
    plainness_problems,
    quantization_config,
    quantization_problems,
)
from adapterctl.training.refusals import training_problems
from adapterctl.training.twin import read
from support.recipes import classifier
from support.training_jobs import completions, job, train_all

FOUR = TrainingSettings(load_in_4bit=True)


def problems(*, device: str, available: bool, settings: TrainingSettings = FOUR) -> list[str]:
    found = quantization_problems(settings, device=device, available=available)
    return [str(InvalidInput([problem])) for problem in found]


def test_without_bitsandbytes_it_is_refused() -> None:
    assert problems(device="cuda", available=False) == [
        "training.load_in_4bit: bitsandbytes is not installed, and holds bases in 4 bits\n"
        "  hint: pip install 'adapterctl[qlora]', or load_in_4bit: false"
    ]


def test_on_the_cpu_it_is_refused() -> None:
    assert problems(device="cpu", available=True) == [
        "training.load_in_4bit: 4 bits need a CUDA GPU, and this would train on cpu\n"
        "  hint: train on a machine with one, or load_in_4bit: false"
    ]


def test_where_it_can_be_done_nothing_is_said() -> None:
    assert problems(device="cuda:0", available=True) == []
    assert problems(device="cpu", available=False, settings=TrainingSettings()) == []


def test_nothing_is_loaded_for_what_is_refused(tmp_path: Path) -> None:
    each = job(tmp_path, completions(8), load_in_4bit=True)
    with pytest.raises(AdapterctlError) as caught:
        train_all([each], tmp_path / "there is no base here")
    assert caught.value.exit_status == 3
    assert "one: training.load_in_4bit: 4 bits need a CUDA GPU" in str(caught.value)
    assert ("bitsandbytes is not installed" in str(caught.value)) is not installed()


def test_what_peft_s_own_layers_train_is_refused() -> None:
    assert list(plainness_problems(FOUR, plain=True)) == []
    assert list(plainness_problems(FOUR, plain=False)) == [
        Problem(
            place="training.load_in_4bit",
            what="on a base in 4 bits only plain LoRA is trained",
            hint="load_in_4bit: false, or LoRA without DoRA, biases and other starts",
        )
    ]


@pytest.mark.parametrize(
    "settings", [{"bnb_4bit_quant_type": "fp4"}, {"bnb_4bit_use_double_quant": True}]
)
def test_how_4_bits_are_filled_means_nothing_without_them(settings: dict[str, Any]) -> None:
    [field] = settings
    assert list(training_problems(TrainingSettings(**settings))) == [
        Problem(
            place=f"training.{field}",
            what="the base is not held in 4 bits",
            hint="load_in_4bit: true",
        )
    ]


def test_bitsandbytes_is_told_what_the_recipe_says() -> None:
    assert quantization_config(TrainingSettings()) is None
    told = quantization_config(
        TrainingSettings(load_in_4bit=True, bnb_4bit_use_double_quant=True, bf16=True)
    )
    assert (told.load_in_4bit, told.bnb_4bit_quant_type) == (True, "nf4")
    assert told.bnb_4bit_use_double_quant
    assert told.bnb_4bit_compute_dtype is torch.bfloat16
    assert quantization_config(FOUR).bnb_4bit_compute_dtype is torch.float32


def test_jobs_share_a_base_that_is_held_alike() -> None:
    twice = TrainingSettings(load_in_4bit=True, bnb_4bit_use_double_quant=True)
    assert [in_words(each) for each in (TrainingSettings(), FOUR, twice)] == [
        "",
        "nf4",
        "nf4 twice",
    ]


def test_a_layer_whose_weight_is_packed_takes_a_pair_and_is_not_trained_whole(
    llama: Path, tmp_path: Path
) -> None:
    base = load_base(llama, task="CAUSAL_LM", head_seed=0, device="cpu")
    layer = base.model.model.layers[0].mlp.down_proj
    # As bitsandbytes keeps it: two values in a byte, in one column.
    packed = torch.zeros(layer.weight.numel() // 2, 1, dtype=torch.uint8)
    layer.weight = torch.nn.Parameter(packed, requires_grad=False)
    slotted = SlottedBase(base)

    def slot(name: str, **lora: Any) -> SlotTrainee:
        each = job(tmp_path, completions(8), name=name, lora=lora)
        return SlotTrainee(each, slotted, read(each.lora, base_dir=llama, task=each.task, labels=0))

    pair = slot("pair", target_modules=["down_proj"]).tensors
    name = "base_model.model.model.layers.0.mlp.down_proj"
    assert pair[f"{name}.lora_A.weight"].shape == (4, layer.in_features)
    assert pair[f"{name}.lora_B.weight"].shape == (layer.out_features, 4)
    with pytest.raises(InvalidInput) as caught:
        slot("whole", target_modules=["q_proj"], modules_to_save=["down_proj"])
    assert str(caught.value) == (
        "lora.modules_to_save: model.layers.0.mlp.down_proj is held in 4 bits, and cannot be "
        "trained whole\n  hint: give it LoRA instead (target_modules), or load_in_4bit: false"
    )


def test_how_a_base_is_held_is_part_of_what_is_built() -> None:
    recipe = classifier()
    digests = {
        recipe_digest(replace(recipe, training=replace(recipe.training, **told)))
        for told in (
            {},
            {"load_in_4bit": True},
            {"load_in_4bit": True, "bnb_4bit_quant_type": "fp4"},
            {"load_in_4bit": True, "bnb_4bit_use_double_quant": True},
        )
    }
    assert len(digests) == 4
