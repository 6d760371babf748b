"""What other trainers' config files say of an adapter, under the recipe's names.

PEFT's ``adapter_config.json`` and TRL's arguments use the recipe's names already; Axolotl and
LLaMA-Factory have names of their own, which their documentation explains and the tables here
translate. What a recipe cannot hold is named, never dropped in silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from adapterctl.errors import InvalidInput
from adapterctl.records.noun import Noun
from adapterctl.records.recipe import LoraSettings, TrainingSettings

Config = Mapping[str, Any]


class Carried(NamedTuple):
    """What a config says.

    Attributes:
        source: whose config it is.
        lora: fields of the recipe's ``lora``.
        training: fields of the recipe's ``training``.
        base: the base as stated there.
        left: key to why the recipe does not hold it; empty text for one that it has no word for.
    """

    source: str
    lora: dict[str, Any]
    training: dict[str, Any]
    base: str | None
    left: dict[str, str]


class _Dialect(Noun, frozen=True, kw_only=True):
    """A config's own words; ``known_by`` are keys that tell it, any of which suffices."""

    source: str
    known_by: tuple[str, ...]
    base: tuple[str, ...]
    lora: dict[str, str]
    training: dict[str, str]
    not_settings: tuple[str, ...] = ()


_ALWAYS = frozenset({"r", "lora_alpha", "target_modules", "learning_rate"})
"""Written down even where they are the recipe's defaults: people look for them."""

_LORA = {field: field for field in LoraSettings.__struct_fields__}
_TRAINING = {field: field for field in TrainingSettings.__struct_fields__}

_DIALECTS = (
    _Dialect(
        source="PEFT",
        known_by=("peft_type",),
        base=("base_model_name_or_path",),
        lora=_LORA,
        training={},
        not_settings=("peft_type", "task_type", "inference_mode", "revision", "auto_mapping"),
    ),
    _Dialect(
        source="Axolotl",
        known_by=("micro_batch_size", "lora_target_linear", "sequence_len"),
        base=("base_model",),
        lora={
            "lora_r": "r",
            "lora_alpha": "lora_alpha",
            "lora_dropout": "lora_dropout",
            "lora_target_modules": "target_modules",
            "lora_target_linear": "target_modules",
            "lora_modules_to_save": "modules_to_save",
            "lora_fan_in_fan_out": "fan_in_fan_out",
            "peft_use_rslora": "use_rslora",
            "peft_use_dora": "use_dora",
            "peft_layers_to_transform": "layers_to_transform",
            "peft_layers_pattern": "layers_pattern",
        },
        training=_TRAINING
        | {
            "micro_batch_size": "per_device_train_batch_size",
            "eval_batch_size": "per_device_eval_batch_size",
            "num_epochs": "num_train_epochs",
            "lr_scheduler": "lr_scheduler_type",
            "optimizer": "optim",
            "sequence_len": "max_length",
        },
        not_settings=("adapter", "output_dir", "datasets"),
    ),
    _Dialect(
        source="LLaMA-Factory",
        known_by=("finetuning_type", "lora_target", "cutoff_len"),
        base=("model_name_or_path",),
        lora={
            "lora_rank": "r",
            "lora_alpha": "lora_alpha",
            "lora_dropout": "lora_dropout",
            "lora_target": "target_modules",
            "additional_target": "modules_to_save",
            "use_rslora": "use_rslora",
            "use_dora": "use_dora",
        },
        training=_TRAINING | {"cutoff_len": "max_length"},
        not_settings=("stage", "do_train", "finetuning_type", "output_dir", "dataset"),
    ),
    _Dialect(
        source="TRL",
        known_by=("lora_r", "use_peft", "max_seq_length", "per_device_train_batch_size"),
        base=("model_name_or_path", "model"),
        lora={
            "lora_r": "r",
            "lora_alpha": "lora_alpha",
            "lora_dropout": "lora_dropout",
            "lora_target_modules": "target_modules",
            "lora_modules_to_save": "modules_to_save",
            "use_rslora": "use_rslora",
            "use_dora": "use_dora",
        },
        training=_TRAINING | {"max_seq_length": "max_length"},
        not_settings=("use_peft", "output_dir", "dataset_name"),
    ),
)


def carried(config: Config, *, place: str) -> Carried:
    """Returns what a config says, field by field.

    Raises:
        InvalidInput: no trainer that is known wrote it, or it is not about LoRA.
    """
    dialect = next((d for d in _DIALECTS if set(d.known_by) & set(config)), None)
    if dialect is None:
        raise InvalidInput.one(
            "not a config of PEFT, Axolotl, LLaMA-Factory or TRL",
            place=place,
            hint="name an adapter's folder, or the file that its trainer read",
        )
    if config.get("peft_type", "LORA") != "LORA":
        raise InvalidInput.one(
            f"a {config['peft_type']} adapter: only LORA can be trained",
            place=place,
            hint="adapterctl import DIR keeps it as it is",
        )
    found = Carried(dialect.source, {}, {}, _base(dialect, config), {})
    for key, value in config.items():
        if value is None or key in {*dialect.base, *dialect.not_settings}:
            continue
        kind, into, words = (
            (LoraSettings, found.lora, dialect.lora)
            if key in dialect.lora
            else (TrainingSettings, found.training, dialect.training)
        )
        if key not in words:
            found.left[key] = ""
            continue
        try:
            into.update(_taken(kind, words[key], value))
        except msgspec.ValidationError as error:
            found.left[key] = f"{value!r}: {str(error).partition(' - at')[0]}"
    return found


def _base(dialect: _Dialect, config: Config) -> str | None:
    stated = (config[key] for key in dialect.base if isinstance(config.get(key), str))
    return next(stated, None)


def _taken(
    kind: type[LoraSettings] | type[TrainingSettings], field: str, value: Any
) -> dict[str, Any]:
    """Returns one field as the recipe writes it; nothing where that is its default anyway.

    Raises:
        msgspec.ValidationError: the recipe does not take such a value.
    """
    taken = getattr(msgspec.convert({field: _plain(field, value)}, kind), field)
    if taken == getattr(kind(), field) and field not in _ALWAYS:
        return {}
    return {field: msgspec.to_builtins(taken)}


def _plain(field: str, value: Any) -> Any:
    """Returns a value as the recipe writes it: all linear layers, and lists, by their names."""
    if field == "target_modules":
        if value is True or value in ("all", "all-linear"):
            return "all-linear"
        if isinstance(value, str) and "," in value:
            return [name.strip() for name in value.split(",") if name.strip()]
        return sorted(value) if isinstance(value, list) else value
    if field == "modules_to_save" and isinstance(value, str):
        return [name.strip() for name in value.split(",")]
    if field == "bf16" and value == "auto":
        return True
    return value
