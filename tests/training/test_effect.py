"""Whether an adapter fits, does anything, and consists of numbers: facts, as PEFT has them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from adapterctl.errors import Mismatch
from adapterctl.records.recipe import TrainingSettings
from adapterctl.rules.effects import Effect, Fit
from adapterctl.training.adapted import fit
from adapterctl.training.asking.effect import effect, nonfinite
from adapterctl.training.loading import LoadedBase, load_base
from support.tiny_adapters import tiny_adapter

pytestmark = pytest.mark.usefixtures("one_thread")

LABELS = ("a", "b", "c")
TEXTS = ["a late parcel", "refund my payment", "the password is lost"]
ROWS = {
    "SEQ_CLS": [{"text": text, "label": "a"} for text in TEXTS],
    "CAUSAL_LM": [{"prompt": text, "completion": " thanks"} for text in TEXTS],
}
HEAD = "base_model.model.classifier"


@pytest.fixture(scope="session")
def bert_adapter(bert, tmp_path_factory) -> Path:
    return tiny_adapter(tmp_path_factory.mktemp("adapters") / "bert", bert, task="SEQ_CLS")


@pytest.fixture
def copied(bert_adapter, tmp_path) -> Path:
    return Path(shutil.copytree(bert_adapter, tmp_path / "adapter"))


def bare(folder: Path, task: str = "SEQ_CLS") -> LoadedBase:
    labels = 3 if task == "SEQ_CLS" else None
    return load_base(folder, task=task, head_seed=1, num_labels=labels, device="cpu")


def seen(base: LoadedBase, adapter: Path) -> Effect:
    return effect(
        base,
        adapter,
        rows=ROWS[base.task],
        labels=LABELS if base.task == "SEQ_CLS" else (),
        settings=TrainingSettings(max_length=32),
        place="probe",
    )


def edit_weights(folder: Path, edit) -> Path:
    weights = load_file(folder / "adapter_model.safetensors")
    edit(weights)
    save_file(weights, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    return folder


def edit_config(folder: Path, **settings) -> Path:
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))
    return folder


def without_lora(weights) -> None:
    for name, tensor in weights.items():
        if "lora_B" in name:
            tensor.zero_()


def test_an_adapter_that_was_trained_changes_every_answer(bert, bert_adapter):
    found = seen(bare(bert), bert_adapter)
    assert (found.rows, found.changed) == (3, 3)
    assert found.largest > 1e-4


def test_a_head_alone_is_no_effect_of_lora(bert, copied):
    edit_weights(copied, without_lora)
    assert seen(bare(bert), copied) == Effect(rows=3, changed=0, largest=0.0)


def test_one_layer_that_does_something_is_enough(bert, copied):
    def keep_one(weights) -> None:
        names = [name for name in sorted(weights) if "lora_B" in name]
        for name in names[1:]:
            weights[name].zero_()

    assert seen(bare(bert), edit_weights(copied, keep_one)).changed == 3


@pytest.mark.parametrize("zero", [False, True])
def test_what_a_causal_adapter_does_shows_in_the_likelihood(llama, tmp_path, zero):
    adapter = tiny_adapter(tmp_path / "adapter", llama, task="CAUSAL_LM")
    if zero:
        edit_weights(adapter, without_lora)
    assert seen(bare(llama, "CAUSAL_LM"), adapter).changed == (0 if zero else 3)


def test_the_base_is_left_bare(bert, bert_adapter):
    base = bare(bert)
    before = {name: value.clone() for name, value in base.model.state_dict().items()}
    seen(base, bert_adapter)
    fit(base, bert_adapter)
    after = base.model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_an_adapter_on_its_own_base_fits(bert, bert_adapter):
    assert fit(bare(bert), bert_adapter) == Fit("", ())


MISFITS = {
    "a key is missing": (
        lambda weights: weights.pop(f"{HEAD}.bias"),
        f"1 missing ({HEAD}.bias)",
    ),
    "a key is left over": (
        lambda weights: weights.update(stray=torch.zeros(1)),
        "1 unexpected (stray)",
    ),
    "a tensor has another shape": (
        lambda weights: weights.update({f"{HEAD}.bias": torch.zeros(4)}),
        f"1 misshapen ({HEAD}.bias)",
    ),
}


@pytest.mark.parametrize("case", MISFITS)
def test_every_tensor_without_its_place_is_named(case, bert, copied):
    edit, faults = MISFITS[case]
    assert fit(bare(bert), edit_weights(copied, edit)) == Fit(faults, ())


def test_a_target_module_that_the_base_does_not_have_is_named(bert, copied):
    wanted = json.loads((copied / "adapter_config.json").read_text())["target_modules"]
    edit_config(copied, target_modules=[*wanted, "q_proj"])
    assert fit(bare(bert), copied) == Fit("", ("q_proj",))


def test_target_modules_of_another_family_are_named_where_peft_only_raises(bert, copied):
    found = fit(bare(bert), edit_config(copied, target_modules=["q_proj", "v_proj"]))
    assert found.unmatched == ("q_proj", "v_proj")
    assert "unexpected" in found.faults


def test_a_pattern_is_read_as_peft_reads_it(bert, tmp_path):
    pattern = r".*\.(query|value)"
    adapter = tiny_adapter(tmp_path / "adapter", bert, task="SEQ_CLS", target_modules=pattern)
    assert fit(bare(bert), adapter) == Fit("", ())
    found = fit(bare(bert), edit_config(adapter, target_modules=r".*\.(q|v)_proj"))
    assert found.unmatched == (r".*\.(q|v)_proj",)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_tensors_with_what_is_no_number_are_named_and_counted(value, copied):
    def spoil(weights) -> None:
        weights[f"{HEAD}.bias"][:2] = value

    assert nonfinite(edit_weights(copied, spoil)) == {f"{HEAD}.bias": 2}


def test_weights_of_every_width_are_looked_at(copied):
    def narrow(weights) -> None:
        for kind in (torch.float16, torch.bfloat16, torch.float8_e4m3fn):
            weights[str(kind)] = torch.tensor([1.0, float("nan")]).to(kind)
        weights["whole"] = torch.tensor([1, 2])

    found = nonfinite(edit_weights(copied, narrow))
    assert found == {"torch.bfloat16": 1, "torch.float16": 1, "torch.float8_e4m3fn": 1}


def test_a_cut_off_file_is_named(copied):
    path = copied / "adapter_model.safetensors"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(Mismatch, match="the weights cannot be read"):
        nonfinite(copied)
