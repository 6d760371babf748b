"""An adapter fits its base whole, or is refused; taken off, it leaves nothing behind."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSequenceClassification

from adapterctl.errors import Mismatch, NotFound
from adapterctl.training.adapted import adapted, load_adapted
from adapterctl.training.loading import LoadedBase, load_base
from adapterctl.training.products import quicken
from support.tiny_adapters import tiny_adapter
from support.tiny_bases import tiny_bert

pytestmark = pytest.mark.usefixtures("one_thread")

IDS = torch.tensor([[2, 40, 41, 42, 3]])


@pytest.fixture(scope="session")
def bert_adapter(bert, tmp_path_factory) -> Path:
    return tiny_adapter(tmp_path_factory.mktemp("adapters") / "bert", bert, task="SEQ_CLS")


@pytest.fixture
def copied(bert_adapter, tmp_path) -> Path:
    return Path(shutil.copytree(bert_adapter, tmp_path / "adapter"))


def bare(folder: Path, *, num_labels: int = 3) -> LoadedBase:
    return load_base(folder, task="SEQ_CLS", head_seed=1, num_labels=num_labels, device="cpu")


def logits(model) -> torch.Tensor:
    with torch.inference_mode():
        return model(input_ids=IDS).logits


def edit_weights(folder: Path, edit) -> Path:
    weights = load_file(folder / "adapter_model.safetensors")
    edit(weights)
    save_file(weights, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    return folder


def refusal(base: LoadedBase, adapter: Path) -> str:
    with pytest.raises(Mismatch) as caught, adapted(base, adapter):
        pass
    return str(caught.value)


FIT = "\n  hint: load it on the base it was trained on, or rebuild it for this one"


def test_an_adapter_answers_as_peft_s_own_loading_does(bert, bert_adapter):
    own = AutoModelForSequenceClassification.from_pretrained(str(bert), num_labels=3)
    quicken(own)  # the same products: what is compared is how the adapter is put on
    peft = PeftModel.from_pretrained(own, str(bert_adapter))
    with adapted(bare(bert), bert_adapter) as base:
        assert torch.equal(logits(base.model), logits(peft.eval()))


def test_a_base_with_its_adapter_for_good_answers_the_same(bert, bert_adapter):
    held = load_adapted(bert, bert_adapter, task="SEQ_CLS", num_labels=3, device="cpu")
    with adapted(bare(bert), bert_adapter) as base:
        assert torch.equal(logits(held.model), logits(base.model))


@pytest.mark.parametrize(
    "lora",
    [
        {},
        {"bias": "all"},
        {"use_dora": True},
        {"modules_to_save": ["pooler"]},
        {"target_modules": ["query", "word_embeddings"]},
    ],
)
def test_a_base_is_bit_for_bit_as_before_once_the_adapter_is_off(bert, tmp_path, lora):
    adapter = tiny_adapter(tmp_path / "adapter", bert, task="SEQ_CLS", **lora)
    base = bare(bert)
    names = [name for name, _ in base.model.named_parameters()]
    before = {name: value.clone() for name, value in base.model.state_dict().items()}
    first = logits(base.model)
    for _ in range(2):
        with adapted(base, adapter):
            assert not torch.equal(logits(base.model), first)
    assert torch.equal(logits(base.model), first)
    assert [name for name, _ in base.model.named_parameters()] == names
    assert all(torch.equal(before[name], v) for name, v in base.model.state_dict().items())
    assert not any(parameter.requires_grad for parameter in base.model.parameters())


def test_embeddings_that_an_adapter_brings_are_taken_off_with_it(llama, tmp_path):
    adapter = tiny_adapter(
        tmp_path / "adapter",
        llama,
        task="CAUSAL_LM",
        target_modules=["q_proj", "embed_tokens"],
        embeddings=True,
    )
    name = "base_model.model.model.embed_tokens.base_layer.weight"
    edit_weights(adapter, lambda weights: weights[name].add_(1.0))
    base = load_base(llama, task="CAUSAL_LM", head_seed=1, device="cpu")
    own = base.model.get_input_embeddings().weight.clone()
    with adapted(base, adapter):
        assert torch.equal(base.model.get_input_embeddings().weight, own + 1.0)
    assert torch.equal(base.model.get_input_embeddings().weight, own)


def test_a_base_is_as_before_when_the_work_on_it_fails(bert, bert_adapter):
    base = bare(bert)
    first = logits(base.model)
    with pytest.raises(KeyError), adapted(base, bert_adapter):
        raise KeyError
    assert torch.equal(logits(base.model), first)


def test_peft_s_own_unload_leaves_the_adapter_s_head_behind(bert, bert_adapter):
    """Why `adapted` restores the base by itself; once this fails, PEFT may do it."""
    base = bare(bert)
    first = logits(base.model)
    unloaded = PeftModel.from_pretrained(base.model, str(bert_adapter)).unload()
    assert not torch.equal(logits(unloaded), first)


def test_several_adapters_share_one_base(bert, bert_adapter, tmp_path):
    other = tiny_adapter(tmp_path / "other", bert, task="SEQ_CLS", seed=8)
    base = bare(bert)
    outputs = []
    for adapter in (bert_adapter, other, bert_adapter):
        with adapted(base, adapter):
            outputs.append(logits(base.model))
    assert torch.equal(outputs[0], outputs[2])
    assert not torch.equal(outputs[0], outputs[1])


def test_a_base_with_fewer_layers_is_refused(bert_adapter, tmp_path):
    said = refusal(bare(tiny_bert(tmp_path / "base", layers=1)), bert_adapter)
    assert said == (
        f"{bert_adapter}: the adapter does not fit this base: 12 unexpected "
        "(base_model.model.bert.encoder.layer.1.attention.output.dense.lora_A.weight, "
        "base_model.model.bert.encoder.layer.1.attention.output.dense.lora_B.weight, "
        "base_model.model.bert.encoder.layer.1.attention.self.key.lora_A.weight, ...)" + FIT
    )


def test_a_base_with_more_layers_is_refused(bert, tmp_path):
    adapter = tiny_adapter(
        tmp_path / "adapter", bert, task="SEQ_CLS", target_modules=["query", "value"]
    )
    assert refusal(bare(tiny_bert(tmp_path / "base", layers=3)), adapter) == (
        f"{adapter}: the adapter does not fit this base: 4 missing "
        "(base_model.model.bert.encoder.layer.2.attention.self.query.lora_A.weight, "
        "base_model.model.bert.encoder.layer.2.attention.self.query.lora_B.weight, "
        "base_model.model.bert.encoder.layer.2.attention.self.value.lora_A.weight, ...)" + FIT
    )


def test_all_linear_names_every_layer_so_a_deeper_base_is_not_noticed(bert_adapter, tmp_path):
    """Why a base is known by its fingerprint, and not by what fits on it."""
    with adapted(bare(tiny_bert(tmp_path / "base", layers=3)), bert_adapter) as base:
        names = [name for name, _ in base.model.named_parameters() if "lora_A" in name]
    assert {name.split(".")[3] for name in names if "layer" in name} == {"0", "1"}


def test_a_base_of_another_width_is_refused(bert_adapter, tmp_path):
    said = refusal(bare(tiny_bert(tmp_path / "base", hidden=64)), bert_adapter)
    assert "the adapter does not fit this base: " in said
    assert " misshapen (base_model.model." in said


def test_a_head_for_other_labels_is_refused(bert, bert_adapter):
    assert refusal(bare(bert, num_labels=4), bert_adapter) == (
        f"{bert_adapter}: the adapter does not fit this base: 2 misshapen "
        "(base_model.model.classifier.bias, base_model.model.classifier.weight)" + FIT
    )


def test_an_adapter_under_another_prefix_is_refused(bert, copied):
    def rename(weights):
        for name in [name for name in weights if "lora_" in name]:
            weights[name.replace("bert.encoder", "roberta.encoder")] = weights.pop(name)

    said = refusal(bare(bert), edit_weights(copied, rename))
    assert " missing (base_model.model.bert.encoder" in said
    assert " unexpected (base_model.model.roberta.encoder" in said


def test_an_adapter_without_the_head_it_needs_is_refused(bert, copied):
    edit_weights(copied, lambda weights: weights.pop("base_model.model.classifier.weight"))
    assert refusal(bare(bert), copied) == (
        f"{copied}: neither base nor adapter holds classifier.weight: the outputs would depend on "
        "chance\n  hint: train it again with these modules in lora.modules_to_save"
    )


def test_a_setting_that_the_installed_peft_does_not_know_is_refused(bert, copied):
    config = json.loads((copied / "adapter_config.json").read_text())
    config |= {"use_warp_drive": True, "warp_factor": None}
    (copied / "adapter_config.json").write_text(json.dumps(config))
    assert refusal(bare(bert), copied) == (
        f"{copied}/adapter_config.json: settings that the installed peft does not know: "
        "use_warp_drive\n  hint: install the peft release that wrote it, or a later one"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON: Expecting property name"),
        ('{"peft_type": "WARP"}', "settings that the installed peft does not know: peft_type WARP"),
    ],
)
def test_a_config_that_is_none_is_refused(bert, copied, text, said):
    (copied / "adapter_config.json").write_text(text)
    assert f"{copied}/adapter_config.json: {said}" in refusal(bare(bert), copied)


def test_a_refused_adapter_leaves_the_base_usable(bert, bert_adapter, copied):
    edit_weights(copied, lambda weights: weights.pop("base_model.model.classifier.weight"))
    wide = tiny_adapter(copied.parent / "wide", bert, task="SEQ_CLS", num_labels=5)
    base = bare(bert)
    first = logits(base.model)
    refusal(base, copied)
    refusal(base, wide)
    assert torch.equal(logits(base.model), first)
    with adapted(base, bert_adapter):
        assert not torch.equal(logits(base.model), first)


@pytest.mark.parametrize("name", ["adapter_config.json", "adapter_model.safetensors"])
def test_a_folder_without_an_adapter_is_named(bert, copied, name):
    (copied / name).unlink()
    with pytest.raises(NotFound) as caught, adapted(bare(bert), copied):
        pass
    assert str(caught.value) == (
        f"{copied}: no {name} in the adapter's folder\n"
        "  hint: an adapter is a folder written by peft's save_pretrained, in safetensors"
    )


def test_a_cut_off_adapter_is_named(bert, copied):
    weights = copied / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-8])
    assert f"{weights}: the weights cannot be read: " in refusal(bare(bert), copied)
