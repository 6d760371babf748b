from __future__ import annotations

import dataclasses
import inspect
import warnings
from pathlib import Path
from typing import Any

import msgspec
import pytest
import transformers
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
from peft.tuners.lora import LoraLayer

from adapterctl.errors import InvalidInput
from adapterctl.records.recipe import LoraSettings, TrainingSettings
from adapterctl.training.refusals import NOT_OFFERED
from adapterctl.training.twin import Reading, read, shortest_names
from support.families import FAMILIES

PREFIX = "base_model.model."


def reading(base: Path, **lora: Any) -> Reading:
    return read(LoraSettings(**lora), base_dir=base, task="SEQ_CLS", labels=4)


def names(found: Reading) -> list[str]:
    return [target.name for target in found.targets]


def real(base: Path, **lora: Any) -> Any:
    """PEFT's own layers on the real base, weights and all."""
    model = transformers.AutoModelForSequenceClassification.from_pretrained(base, num_labels=4)
    settings = {"r": 8, "target_modules": "all-linear", "task_type": "SEQ_CLS", **lora}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="fan_in_fan_out")
        return get_peft_model(model, LoraConfig(**settings))


MEANINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "all linear layers": ("bert", {}),
    "all linear layers of GPT-2": ("gpt2", {}),
    "a list": ("bert", {"target_modules": ["query", "value"]}),
    "a regex": ("bert", {"target_modules": r".*layer\.1\..*(query|intermediate\.dense)"}),
    "an exclusion": ("bert", {"exclude_modules": ["pooler.dense", "key"]}),
    "an excluding regex": ("bert", {"exclude_modules": r".*layer\.0\..*"}),
    "one layer": ("bert", {"target_modules": ["query"], "layers_to_transform": 1}),
    "a pattern of layers": (
        "llama",
        {"target_modules": ["q_proj"], "layers_to_transform": [0], "layers_pattern": "layers"},
    ),
    "ranks and alphas": (
        "bert",
        {
            "rank_pattern": {"query": 2, r"layer.1.output.dense": 16},
            "alpha_pattern": {"value": 3.5},
            "use_rslora": True,
        },
    ),
    "modules trained whole": ("bert", {"modules_to_save": ["pooler"]}),
    "embeddings": ("bert", {"target_modules": ["word_embeddings", "query"]}),
}


@pytest.mark.parametrize(("base", "lora"), MEANINGS.values(), ids=MEANINGS)
def test_settings_mean_what_they_mean_to_peft(
    base: str, lora: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    folder = request.getfixturevalue(base)
    theirs = real(folder, **lora)
    layers = {n: m for n, m in theirs.named_modules() if isinstance(m, LoraLayer)}
    found = reading(folder, **lora)
    assert {(t.name, t.rank, t.scaling) for t in found.targets} == {
        (name.removeprefix(PREFIX), layer.r["default"], layer.scaling["default"])
        for name, layer in layers.items()
    }
    state = get_peft_model_state_dict(theirs, save_embedding_layers=False)
    assert found.shapes == {name: tuple(tensor.shape) for name, tensor in state.items()}


@pytest.mark.parametrize(
    "lora",
    [
        {"use_dora": True},
        {"lora_bias": True, "target_modules": ["query"]},
        {"bias": "all"},
        {"init_lora_weights": False},
        {"init_lora_weights": "gaussian"},
        {"trainable_token_indices": [5]},
        {"target_modules": ["word_embeddings"]},
        {"layer_replication": [[0, 2], [1, 2]]},
        {"target_parameters": ["intermediate.dense.weight"], "target_modules": []},
    ],
    ids=lambda lora: next(iter(lora)),
)
def test_what_slots_cannot_do_is_left_to_peft(lora: dict[str, Any], bert: Path) -> None:
    assert not reading(bert, **lora).plain


@pytest.mark.parametrize("lora", [{}, {"use_rslora": True}, {"modules_to_save": ["pooler"]}])
def test_plain_and_rank_stabilized_lora_run_in_slots(lora: dict[str, Any], bert: Path) -> None:
    assert reading(bert, **lora).plain


def test_a_twin_has_no_weights(llama: Path) -> None:
    found = reading(llama)
    assert {parameter.device.type for parameter in found.base.parameters()} == {"meta"}


def test_the_orientation_of_layers_follows_from_the_base(gpt2: Path, bert: Path) -> None:
    assert reading(gpt2).config.fan_in_fan_out is True
    assert reading(bert).config.fan_in_fan_out is False
    with pytest.raises(InvalidInput) as caught:
        reading(bert, fan_in_fan_out=True)
    assert str(caught.value) == (
        "lora.fan_in_fan_out: true, and the base's layers say otherwise\n"
        "  hint: leave it out: it follows from the base"
    )


def test_a_module_that_is_not_there_is_refused_in_pefts_words(bert: Path) -> None:
    with pytest.raises(InvalidInput, match=r"^lora: PEFT refuses it on this base: "):
        reading(bert, target_modules=["q_proj"])


def test_a_part_of_what_is_trained_whole_is_refused(tmp_path: Path) -> None:
    config = transformers.AutoConfig.for_model("roberta", **FAMILIES["roberta"])
    config.architectures = ["RobertaModel"]
    config.save_pretrained(tmp_path)
    with pytest.raises(InvalidInput) as caught:
        reading(tmp_path, target_modules=["query"], modules_to_save=["classifier.dense"])
    assert str(caught.value) == (
        "lora.modules_to_save: classifier.dense is a part of classifier, which is trained whole "
        "anyway\n  hint: leave classifier.dense out"
    )


def test_settings_that_contradict_each_other_are_refused_in_pefts_words(bert: Path) -> None:
    with pytest.raises(InvalidInput, match="layers_to_transform"):
        reading(bert, target_modules=".*query", layers_to_transform=[0])


def test_short_names_are_used_where_they_pick_nothing_else() -> None:
    modules = ["a.query", "b.query", "a.value", "head.value"]
    assert shortest_names(["a.query", "b.query"], modules=modules) == ["query"]
    assert shortest_names(["a.query", "a.value"], modules=modules) == ["a.query", "a.value"]


def test_every_field_of_pefts_config_is_offered_or_refused_with_a_reason() -> None:
    pefts = {field.name for field in dataclasses.fields(LoraConfig)}
    ours = set(LoraSettings.__struct_fields__)
    assert ours <= pefts, "a recipe offers what PEFT does not know"
    assert not ours & NOT_OFFERED.keys()
    assert pefts <= ours | NOT_OFFERED.keys(), "PEFT has learned something: offer or refuse it"
    assert all(NOT_OFFERED.values())


def test_lora_defaults_are_pefts() -> None:
    pefts = LoraConfig()
    # A table inside PEFT, which changes; a list in a dataclass; and absent instead of false.
    different = {"target_modules", "loftq_config", "fan_in_fan_out"}
    for field in msgspec.structs.fields(LoraSettings):
        if field.name not in different:
            value = field.default_factory() if callable(field.default_factory) else field.default
            assert value == getattr(pefts, field.name), field.name


def test_every_training_setting_is_one_of_training_arguments() -> None:
    theirs = {field.name for field in dataclasses.fields(transformers.TrainingArguments)}
    in_4_bits = set(inspect.signature(transformers.BitsAndBytesConfig).parameters)
    # TRL's word, and the older word for a `warmup_steps` below 1.
    others = set(TrainingSettings.__struct_fields__) - theirs - in_4_bits
    assert others == {"max_length", "warmup_ratio"}


def test_training_defaults_are_those_of_training_arguments(tmp_path: Path) -> None:
    theirs = transformers.TrainingArguments(output_dir=str(tmp_path), use_cpu=True)
    ours = TrainingSettings()
    different = {"max_length", "warmup_ratio", "logging_steps", "save_steps"}
    different |= set(inspect.signature(transformers.BitsAndBytesConfig).parameters)
    for name in set(TrainingSettings.__struct_fields__) - different:
        value, expected = getattr(ours, name), getattr(theirs, name)
        assert (value or None) == (expected or None), name
