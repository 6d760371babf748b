"""A base is loaded frozen and whole, or not at all; its fresh head depends on the seed alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from adapterctl.errors import InvalidInput, Mismatch, NotFound
from adapterctl.training.loading import (
    LoadedBase,
    context_length,
    head_weights,
    load_base,
    reset_head,
)
from support.tiny_bases import tiny_bert, tiny_gpt2, tiny_llama

pytestmark = pytest.mark.usefixtures("one_thread")


def seq_cls(folder: Path, *, head_seed: int = 1, num_labels: int = 3) -> LoadedBase:
    return load_base(
        folder, task="SEQ_CLS", head_seed=head_seed, num_labels=num_labels, device="cpu"
    )


def causal(folder: Path) -> LoadedBase:
    return load_base(folder, task="CAUSAL_LM", head_seed=1, device="cpu")


def edit_config(folder: Path, **changes) -> Path:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))
    return folder


def edit_weights(folder: Path, edit) -> Path:
    weights = load_file(folder / "model.safetensors")
    edit(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


@pytest.mark.parametrize(
    ("name", "fresh"),
    [
        ("bert", ("classifier.bias", "classifier.weight")),
        ("llama", ("score.weight",)),
        ("gpt2", ("score.weight",)),
    ],
)
def test_only_the_head_of_a_classifier_is_fresh(name, fresh, request):
    base = seq_cls(request.getfixturevalue(name))
    assert base.fresh == fresh
    assert not base.model.training
    assert not any(parameter.requires_grad for parameter in base.model.parameters())
    assert base.model.config.num_labels == 3
    assert {parameter.dtype for parameter in base.model.parameters()} == {torch.float32}


@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_a_causal_base_has_nothing_fresh(name, request):
    assert causal(request.getfixturevalue(name)).fresh == ()


def test_a_head_depends_on_its_seed_and_on_nothing_else(bert):
    torch.manual_seed(1)
    first = seq_cls(bert, head_seed=5).model.classifier.weight
    torch.manual_seed(2)
    assert torch.equal(first, seq_cls(bert, head_seed=5).model.classifier.weight)
    assert not torch.equal(first, seq_cls(bert, head_seed=6).model.classifier.weight)


def test_a_head_s_first_weights_are_a_golden(bert):
    weights = head_weights(seq_cls(bert), seed=0)
    assert weights["classifier.bias"].tolist() == [0.0, 0.0, 0.0]
    first = weights["classifier.weight"][0, :3].tolist()
    assert first == pytest.approx([-0.0257167, -0.0044969, 0.0051423], abs=1e-6)


def test_a_head_is_drawn_as_wide_as_transformers_draws_it(bert):
    weights = head_weights(seq_cls(bert, num_labels=100), seed=0)["classifier.weight"]
    assert weights.std().item() == pytest.approx(0.02, rel=0.05)
    assert weights.mean().item() == pytest.approx(0.0, abs=0.002)


def test_a_head_can_be_drawn_again_without_loading_again(bert):
    base = seq_cls(bert, head_seed=5)
    first = base.model.classifier.weight.clone()
    reset_head(base, seed=6)
    assert torch.equal(
        base.model.classifier.weight, seq_cls(bert, head_seed=6).model.classifier.weight
    )
    reset_head(base, seed=5)
    assert torch.equal(base.model.classifier.weight, first)


def test_loading_leaves_the_global_random_state_alone(bert):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    seq_cls(bert)
    assert torch.equal(before, torch.get_rng_state())


def test_loading_is_silent(bert, capfd):
    seq_cls(bert)
    assert capfd.readouterr() == ("", "")


def test_a_missing_pooler_is_part_of_the_fresh_head(tmp_path):
    def drop_pooler(weights):
        for name in [name for name in weights if name.startswith("pooler.")]:
            del weights[name]

    base = seq_cls(edit_weights(tiny_bert(tmp_path / "base"), drop_pooler))
    assert base.fresh == (
        "bert.pooler.dense.bias",
        "bert.pooler.dense.weight",
        "classifier.bias",
        "classifier.weight",
    )


def test_a_head_of_another_size_in_the_folder_is_drawn_anew(tmp_path):
    model = seq_cls(tiny_bert(tmp_path / "base"), num_labels=5).model
    model.save_pretrained(tmp_path / "base")
    assert seq_cls(tmp_path / "base", num_labels=5).fresh == ()
    assert seq_cls(tmp_path / "base", num_labels=3).fresh == (
        "classifier.bias",
        "classifier.weight",
    )


def test_a_decoder_that_classifies_knows_its_padding(llama, gpt2):
    for folder in (llama, gpt2):
        base = seq_cls(folder)
        assert base.model.config.pad_token_id == base.tokenizer.eos_token_id == base.pad_token_id


def test_the_context_length_is_the_base_s_own(bert, gpt2, llama):
    assert [seq_cls(folder).context_length for folder in (bert, gpt2, llama)] == [128, 128, 256]
    assert (seq_cls(bert).longest(512), seq_cls(bert).longest(64)) == (128, 64)


def test_roberta_s_positions_start_behind_its_padding():
    from transformers import RobertaConfig, RobertaModel

    config = RobertaConfig(
        vocab_size=20,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=8,
        max_position_embeddings=66,
    )
    model = RobertaModel(config)
    assert context_length(model) == 64
    model(torch.full((1, 64), 5))
    with pytest.raises((IndexError, RuntimeError), match="out of"):
        model(torch.full((1, 65), 5))


def test_sampling_settings_of_a_base_are_dropped_and_its_end_tokens_kept(tmp_path):
    base = tiny_llama(tmp_path / "base")
    stated = {"do_sample": True, "temperature": 0.6, "top_p": 0.9, "eos_token_id": [420, 422]}
    (base / "generation_config.json").write_text(json.dumps(stated))
    kept = causal(base).model.generation_config
    assert (kept.do_sample, kept.temperature, kept.eos_token_id) == (None, None, [420, 422])


def test_a_dtype_is_honoured(bert):
    base = load_base(
        bert, task="SEQ_CLS", head_seed=1, num_labels=2, device="cpu", dtype="bfloat16"
    )
    assert {parameter.dtype for parameter in base.model.parameters()} == {torch.bfloat16}


HINT = (
    "\n  hint: config.json and the weights belong to different bases, or the base was saved "
    "without its head"
)


@pytest.mark.parametrize(
    ("write", "key"), [(tiny_bert, "num_hidden_layers"), (tiny_gpt2, "n_layer")]
)
@pytest.mark.parametrize(("layers", "word"), [(1, "unexpected"), (3, "missing")])
def test_a_base_with_more_or_fewer_layers_than_its_config_is_refused(
    tmp_path, write, key, layers, word
):
    base = edit_config(write(tmp_path / "base"), **{key: layers})
    with pytest.raises(Mismatch, match=rf"the weights do not fit \w+: 1[126] {word} \("):
        seq_cls(base)


def test_a_missing_weight_of_the_base_is_named(tmp_path):
    base = tiny_llama(tmp_path / "base")
    edit_weights(base, lambda weights: weights.pop("model.norm.weight"))
    with pytest.raises(Mismatch) as caught:
        causal(base)
    assert str(caught.value) == (
        f"{base}: the weights do not fit LlamaForCausalLM: 1 missing (model.norm.weight)" + HINT
    )


def test_a_misshapen_weight_of_the_base_is_named(tmp_path):
    base = tiny_llama(tmp_path / "base")
    edit_weights(base, lambda weights: weights.update({"model.norm.weight": torch.ones(16)}))
    with pytest.raises(Mismatch) as caught:
        causal(base)
    assert str(caught.value) == (
        f"{base}: the weights do not fit LlamaForCausalLM: 1 misshapen (model.norm.weight)" + HINT
    )


def test_a_base_without_a_language_head_cannot_write(bert):
    with pytest.raises(Mismatch, match="BertLMHeadModel: 6 missing"):
        causal(bert)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(NotFound) as caught:
        seq_cls(tmp_path / "none")
    assert str(caught.value) == (
        f"{tmp_path}/none: no config.json in the base's folder\n"
        "  hint: a base is a Hugging Face folder: give the one that holds config.json"
    )


def test_a_folder_without_safetensors_is_named(tmp_path):
    base = tiny_bert(tmp_path / "base")
    (base / "model.safetensors").rename(base / "pytorch_model.bin")
    with pytest.raises(NotFound) as caught:
        seq_cls(base)
    assert str(caught.value) == (
        f"{base}: no *.safetensors in the base's folder\n"
        "  hint: save it with save_pretrained; pickled weights are not loaded"
    )


def test_a_cut_off_weights_file_is_named(tmp_path):
    base = tiny_bert(tmp_path / "base")
    raw = (base / "model.safetensors").read_bytes()
    (base / "model.safetensors").write_bytes(raw[:-10])
    with pytest.raises(Mismatch, match="a weights file cannot be read: "):
        seq_cls(base)


def test_an_unknown_architecture_is_named(tmp_path):
    base = edit_config(tiny_bert(tmp_path / "base"), model_type="no-such-thing")
    with pytest.raises(InvalidInput) as caught:
        seq_cls(base)
    assert str(caught.value).startswith(
        f"{base}: transformers cannot load this base: The checkpoint you are trying to load has "
        "model type `no-such-thing`"
    )
    assert len(str(caught.value).splitlines()) == 2


def test_a_task_that_cannot_be_run_yet_is_refused(bert):
    with pytest.raises(InvalidInput) as caught:
        load_base(bert, task="TOKEN_CLS", head_seed=1, device="cpu")
    assert str(caught.value) == (
        "task TOKEN_CLS cannot be run yet\n  hint: tasks: SEQ_CLS, CAUSAL_LM"
    )


def test_a_real_base_loads_with_nothing_but_its_head_fresh(minilm: Path):
    base = seq_cls(minilm)
    assert base.fresh == ("classifier.bias", "classifier.weight")
    assert base.context_length == 512
