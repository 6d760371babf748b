"""Reading a base without its weights, held against the base itself."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
import torch
import transformers

from adapterctl.errors import InvalidInput, Mismatch, NotFound
from adapterctl.records.base import LinearShape
from adapterctl.records.recipe import LoraSettings
from adapterctl.rules.planning.estimates import LargestPass, TextLengths
from adapterctl.training.inspect import describe, fresh_layers, given_lora, linears, text_lengths
from adapterctl.training.loading import load_base
from adapterctl.training.rows.text import encode_all, load_tokenizer
from adapterctl.training.rows.vocabulary import unknown_tokens
from support.families import FAMILIES, shape
from support.registries import a_recipe
from support.tiny_bases import CHATML

CASES = [("bert", "SEQ_CLS"), ("llama", "SEQ_CLS"), ("llama", "CAUSAL_LM"), ("gpt2", "CAUSAL_LM")]


def save(folder: Path, family: str, tokenizer_from: Path, *, headless: bool = False) -> Path:
    """Writes a random base of a family with another's tokenizer; ``headless`` without any head."""
    config = transformers.AutoConfig.for_model(family, **FAMILIES[family] | {"vocab_size": 512})
    kind = transformers.AutoModel if headless else transformers.AutoModelForSequenceClassification
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        kind.from_config(config).save_pretrained(folder)
    load_tokenizer(tokenizer_from).save_pretrained(folder)
    return folder


@pytest.mark.parametrize(("family", "task"), CASES)
def test_the_shape_is_the_loaded_bases_own(family, task, request):
    folder = request.getfixturevalue(family)
    base = load_base(folder, task=task, head_seed=0, device="cpu", num_labels=2)
    found = describe(folder, task=task)
    assert found.linears == linears(base.model)
    assert found.architecture == type(base.model).__name__
    assert found.family == base.model.config.model_type == family
    assert found.parameters == base.model.num_parameters()
    assert found.context_length == base.context_length
    assert (found.hidden_size, found.layers) == (32, 2)
    assert found.vocabulary == len(base.tokenizer)


def test_modules_are_named_and_measured_as_peft_sees_them(gpt2):
    found = {linear.name: linear for linear in describe(gpt2, task="CAUSAL_LM").linears}
    assert found["transformer.h.1.attn.c_attn"] == LinearShape(
        name="transformer.h.1.attn.c_attn", kind="Conv1D", features_in=32, features_out=96
    )
    assert found["lm_head"].kind == "Linear"
    assert found["transformer.wpe"] == LinearShape(
        name="transformer.wpe", kind="Embedding", features_in=128, features_out=32
    )


def test_no_weights_are_read(llama, tmp_path):
    """Only the header of the weights file is left, and the description is the same."""
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        if (llama / name).is_file():
            (tmp_path / name).write_bytes((llama / name).read_bytes())
    raw = (llama / "model.safetensors").read_bytes()
    length = 8 + int.from_bytes(raw[:8], "little")
    (tmp_path / "model.safetensors").write_bytes(raw[:length] + bytes(len(raw) - length))
    assert describe(tmp_path, task="SEQ_CLS") == describe(llama, task="SEQ_CLS")


def test_describing_leaves_the_random_state_alone(bert):
    before = torch.random.get_rng_state()
    describe(bert, task="SEQ_CLS")
    assert torch.equal(torch.random.get_rng_state(), before)


def test_special_tokens_and_template_are_the_tokenizers(bert, llama):
    assert describe(bert, task="SEQ_CLS").special_tokens == {
        "cls_token": "[CLS]",
        "mask_token": "[MASK]",
        "pad_token": "[PAD]",
        "sep_token": "[SEP]",
        "unk_token": "[UNK]",
    }
    assert describe(bert, task="SEQ_CLS").chat_template is None
    assert describe(llama, task="CAUSAL_LM").chat_template == CHATML


@pytest.mark.parametrize(
    ("family", "length"),
    [("bert", 512), ("roberta", 511), ("mpnet", 510), ("gpt2", 1024), ("bloom", None)],
)
def test_the_context_is_what_the_positions_hold(family, length):
    # These small RoBERTas have 512 positions and pad with 0; real ones 514 and pad with 1.
    assert shape(family).context_length == length


def test_a_real_robertas_context_is_two_less_than_its_positions(bert, tmp_path):
    config = transformers.RobertaConfig(
        **FAMILIES["roberta"] | {"max_position_embeddings": 514, "pad_token_id": 1}
    )
    with torch.random.fork_rng(devices=[]):
        transformers.RobertaModel(config).save_pretrained(tmp_path)
    load_tokenizer(bert).save_pretrained(tmp_path)
    assert describe(tmp_path, task="SEQ_CLS").context_length == 512


def test_experts_are_listed_though_they_are_no_modules():
    experts = [linear for linear in shape("mixtral").linears if linear.kind == "Experts"]
    assert [linear.name for linear in experts][:2] == [
        "model.layers.0.mlp.experts.gate_up_proj",
        "model.layers.0.mlp.experts.down_proj",
    ]
    assert (experts[0].features_in, experts[0].features_out) == (16, 64)


@pytest.mark.parametrize(
    ("family", "fresh"),
    [
        ("deberta-v2", ["pooler.dense"]),
        ("distilbert", ["pre_classifier"]),
        ("bert", []),
        ("gpt2", []),
    ],
)
def test_dense_layers_of_the_head_without_weights_are_found(family, fresh, bert, tmp_path):
    folder = save(tmp_path, family, bert, headless=True)
    assert describe(folder, task="SEQ_CLS").fresh == fresh
    base = load_base(folder, task="SEQ_CLS", head_seed=0, device="cpu", num_labels=2)
    dense = {f"{name}.{part}" for name in fresh for part in ("weight", "bias")}
    assert {name for name in base.fresh if not name.startswith(("classifier", "score"))} == dense


def test_a_saved_head_is_not_fresh(bert, tmp_path):
    folder = save(tmp_path, "deberta-v2", bert)
    assert describe(folder, task="SEQ_CLS").fresh == []


def test_a_stored_tensor_counts_with_and_without_the_trunks_name():
    from support.families import build

    model = build("bert")
    assert fresh_layers(model, {"bert.pooler.dense.weight"}) == []
    assert fresh_layers(model, {"pooler.dense.weight"}) == []
    assert fresh_layers(model, {"encoder.pooler.dense.weight"}) == ["bert.pooler.dense"]


def test_lora_stands_where_peft_puts_it(bert):
    lora = LoraSettings(target_modules=["query"])
    recipe = msgspec.structs.replace(a_recipe("router"), lora=lora)
    assert given_lora(bert, recipe, labels=3) == [
        f"bert.encoder.layer.{layer}.attention.self.query" for layer in (0, 1)
    ]


# bad folders


def test_a_folder_without_a_config_is_refused(tmp_path):
    with pytest.raises(NotFound) as caught:
        describe(tmp_path, task="SEQ_CLS")
    assert str(caught.value) == (
        f"{tmp_path}: no config.json in the base's folder\n"
        "  hint: a base is a Hugging Face folder: give the one that holds config.json"
    )


def test_an_unknown_architecture_is_refused(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "perceptron-9000"}))
    with pytest.raises(InvalidInput) as caught:
        describe(tmp_path, task="SEQ_CLS")
    [problem] = caught.value.problems
    assert problem.place == str(tmp_path / "config.json")
    assert "perceptron-9000" in problem.what
    assert problem.hint.startswith("a newer transformers may know the architecture")


def test_an_architecture_that_cannot_do_the_task_is_refused(bert, tmp_path):
    folder = save(tmp_path, "distilbert", bert, headless=True)
    with pytest.raises(InvalidInput) as caught:
        describe(folder, task="CAUSAL_LM")
    assert str(caught.value) == (
        f"{folder}: distilbert cannot be built for CAUSAL_LM\n"
        "  hint: choose a base whose architecture transformers offers for this task"
    )


def test_a_damaged_weights_file_is_refused(bert, tmp_path):
    folder = save(tmp_path, "bert", bert)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(Mismatch, match="a weights file cannot be read"):
        describe(folder, task="SEQ_CLS")


# tokenizers


def test_a_tokenizer_is_told_by_its_kind_and_its_words(bert, llama, tmp_path):
    first, second = describe(bert, task="SEQ_CLS"), describe(llama, task="SEQ_CLS")
    assert (first.tokenizer_kind, second.tokenizer_kind) == ("WordPiece", "byte-level BPE")
    assert first.vocabulary_sha256 != second.vocabulary_sha256
    assert second.added_tokens == ["<|im_start|>", "<|im_end|>"]
    assert unknown_tokens(bert, ["<|im_start|>", "[MASK]"]) == ["<|im_start|>"]


# lengths


def sentences(*lengths: int) -> list[dict]:
    """Rows of so many words; a word of the tiny vocabularies is one token of BERT's."""
    return [{"text": " ".join(["card"] * length), "label": "a"} for length in lengths]


def test_rows_are_measured_in_the_bases_own_tokens(bert):
    # [CLS] and [SEP] come on top: 5, 7 and 12 tokens.
    found = text_lengths(
        bert, sentences(3, 5, 10), task="SEQ_CLS", max_length=7, context=128, batch=2
    )
    assert found == TextLengths(
        rows=3,
        conversations=0,
        tokens=5 + 7 + 7,
        longest=12,
        limit=7,
        cut=1,
        lost=0,
        context=128,
        beyond=0,
        largest=LargestPass(rows=2, tokens=7 + 7, longest=7),
    )


def test_the_context_cuts_where_it_is_shorter_than_max_length(bert):
    found = text_lengths(bert, sentences(10), task="SEQ_CLS", max_length=64, context=8)
    assert (found.limit, found.cut, found.context, found.beyond) == (8, 1, 8, 1)
    found = text_lengths(bert, sentences(10), task="SEQ_CLS", max_length=7, context=12)
    assert (found.limit, found.cut, found.beyond) == (7, 1, 0)
    found = text_lengths(bert, sentences(10), task="SEQ_CLS", max_length=64, context=None)
    assert (found.limit, found.cut) == (64, 0)


def test_an_answer_that_is_cut_away_whole_is_counted(llama):
    rows = [
        {"prompt": "the card is lost", "completion": " yes"},
        {"prompt": " ".join(["card"] * 40), "completion": " no"},
    ]
    found = text_lengths(llama, rows, task="CAUSAL_LM", max_length=16, context=256)
    assert (found.rows, found.cut, found.lost) == (2, 1, 1)


def test_lengths_agree_with_what_training_encodes(llama):
    rows = [
        {"messages": [{"role": "user", "content": "card"}, {"role": "assistant", "content": "no"}]},
        {"prompt": "the card is lost", "completion": " yes"},
    ]
    found = text_lengths(llama, rows, task="CAUSAL_LM", max_length=12, context=256)
    examples = encode_all(
        rows, task="CAUSAL_LM", tokenizer=load_tokenizer(llama), labels=None, max_length=12
    )
    assert found.tokens == sum(len(example.input_ids) for example in examples)
    assert found.conversations == 1


def test_rows_that_the_base_cannot_read_are_refused(gpt2):
    rows = [{"messages": [{"role": "assistant", "content": "no"}]}]
    with pytest.raises(InvalidInput, match="the base has no chat template"):
        text_lengths(gpt2, rows, task="CAUSAL_LM", max_length=12, context=128)
