"""What PEFT makes of LoRA settings on a base, learnt from PEFT itself on a twin without weights.

The twin has the base's shape on the ``meta`` device, so it costs milliseconds and no memory, and
``target_modules``, ``rank_pattern``, ``layers_to_transform`` and the rest mean exactly what they
mean to the installed PEFT.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import torch
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict
from peft.tuners.lora import Linear as LoraLinear
from peft.tuners.lora import LoraLayer
from peft.tuners.lora.layer import ParamWrapper
from peft.utils import ModulesToSaveWrapper
from transformers.pytorch_utils import Conv1D

from adapterctl.errors import InvalidInput
from adapterctl.records.recipe import LoraSettings, Task
from adapterctl.training.blueprint import blueprint, config_of

PREFIX = "base_model.model."
"""What PEFT puts before the name of a base's module."""

# Said by PEFT while it does the right thing: it sets the flag, and it calls a renamed property.
_KNOWN_WARNINGS = (
    "fan_in_fan_out is set to",
    "`is_gradient_checkpointing` is deprecated",
)


@dataclass(frozen=True, kw_only=True)
class Target:
    """A linear layer that gets a low-rank pair; ``scaling`` is PEFT's (alpha / r, or rsLoRA's)."""

    name: str
    rank: int
    scaling: float


@dataclass(frozen=True, kw_only=True)
class Reading:
    """LoRA settings as PEFT reads them on one base.

    Attributes:
        targets: the layers that get LoRA, sorted by name.
        own: modules that are trained whole (the head, ``modules_to_save``), without weights.
        plain: whether slots can train it; PEFT's own layers do otherwise.
        config: PEFT's config as it stands after injection; of a plain adapter with the layers
            it resolved to as ``target_modules``.
        shapes: what the adapter's file holds: PEFT's tensor names, and their shapes.
        base: the twin itself, for its way to initialise modules.
    """

    targets: tuple[Target, ...]
    own: dict[str, torch.nn.Module]
    plain: bool
    config: LoraConfig
    shapes: dict[str, tuple[int, ...]]
    base: Any


def read(
    lora: LoraSettings, *, base_dir: Path, task: Task, labels: int, trust_remote_code: bool = False
) -> Reading:
    """Returns what PEFT makes of ``lora`` on the base in ``base_dir``.

    Args:
        base_dir: its ``config.json`` is read, its weights are not.
        labels: how many labels the head tells apart; 0 without a head.

    Raises:
        InvalidInput: PEFT refuses the settings on this base, in its words.
    """
    base = _twin(base_dir, task=task, labels=labels, trust_remote_code=trust_remote_code)
    modules = [name for name, _ in base.named_modules()]
    wrapped = inject(base, lora_config(lora, task=task), bare=True)
    layers = {
        name.removeprefix(PREFIX): module
        for name, module in wrapped.named_modules()
        if isinstance(module, LoraLayer)
    }
    config = wrapped.peft_config["default"]
    _check_orientation(lora, config)
    own = dict(_own_modules(wrapped))
    _check_apart(own)
    plain = _is_plain(lora) and _fits_slots(layers.values(), own.values())
    if plain:
        config.target_modules = shortest_names(layers, modules=modules)
    targets = (_target(name, layer) for name, layer in layers.items())
    return Reading(
        targets=tuple(sorted(targets, key=lambda target: target.name)),
        own=own,
        plain=plain,
        config=config,
        shapes={name: tuple(tensor.shape) for name, tensor in adapter_state(wrapped).items()},
        base=base,
    )


def shortest_names(targets: Iterable[str], *, modules: Iterable[str]) -> list[str]:
    """Returns names that pick just these targets out of all modules, sorted.

    PEFT takes a name for every module that ends in it. The last parts serve when they pick no
    other module (``query``, ``value``), else the full dotted names.
    """
    wanted = set(targets)
    last = {name.rpartition(".")[2] for name in wanted}
    picked = {name for name in modules if name.rpartition(".")[2] in last}
    return sorted(last if picked <= wanted else wanted)


def lora_config(lora: LoraSettings, *, task: Task) -> LoraConfig:
    """Returns PEFT's config for these settings.

    Raises:
        InvalidInput: PEFT refuses the combination.
    """
    fields = {name: value for name, value in msgspec.to_builtins(lora).items() if value is not None}
    fields["lora_alpha"] = _whole(lora.lora_alpha)
    fields["alpha_pattern"] = {key: _whole(value) for key, value in lora.alpha_pattern.items()}
    try:
        return LoraConfig(task_type=task, **fields)
    except (TypeError, ValueError) as error:
        raise _refused(error) from error


def inject(base: Any, config: LoraConfig, *, bare: bool = False) -> PeftModel:
    """Returns the base with PEFT's layers in it, changed in place.

    Args:
        base: a ``transformers.PreTrainedModel``.
        config: what to put where; PEFT completes it in place.
        bare: make the new layers without weights.

    Raises:
        InvalidInput: PEFT refuses the config on this base.
    """
    with _known_warnings():
        try:
            return get_peft_model(base, config, low_cpu_mem_usage=bare)
        except (TypeError, ValueError, NotImplementedError) as error:
            raise _refused(error) from error


def adapter_state(wrapped: PeftModel) -> dict[str, torch.Tensor]:
    """Returns what PEFT would save, under the names it would save it."""
    # Without the state, PEFT takes the bias of lora_B for a broken matrix, and warns.
    state: dict[str, torch.Tensor] = get_peft_model_state_dict(
        wrapped, state_dict=wrapped.state_dict(), save_embedding_layers=False
    )
    return state


def _twin(base_dir: Path, *, task: Task, labels: int, trust_remote_code: bool) -> Any:
    heads = {"num_labels": labels} if labels else {}
    config = config_of(base_dir, trust_remote_code=trust_remote_code, **heads)
    return blueprint(config, task=task, place=str(base_dir), trust_remote_code=trust_remote_code)


def _own_modules(wrapped: PeftModel) -> Iterator[tuple[str, torch.nn.Module]]:
    for name, module in wrapped.named_modules():
        if isinstance(module, ModulesToSaveWrapper):
            yield name.removeprefix(PREFIX), module.original_module


def target_name(name: str, layer: Any) -> str:
    """Returns what a layer of PEFT's adapts, by the base's own name; of experts a parameter."""
    name = name.removeprefix(PREFIX)
    if isinstance(layer, ParamWrapper):
        # Two parameters of one module are wrapped one around the other.
        return f"{name.replace('.base_layer', '')}.{layer.parameter_name}"
    return name


def _target(name: str, layer: Any) -> Target:
    return Target(
        name=target_name(name, layer), rank=layer.r["default"], scaling=layer.scaling["default"]
    )


def _is_plain(lora: LoraSettings) -> bool:
    return lora.init_lora_weights is True and not any(
        (
            lora.use_dora,
            lora.lora_bias,
            lora.bias != "none",
            lora.trainable_token_indices,
            lora.target_parameters,
            lora.layer_replication,
            lora.ensure_weight_tying,
        )
    )


def _fits_slots(layers: Iterable[Any], own: Iterable[torch.nn.Module]) -> bool:
    linears = all(
        type(layer) is LoraLinear and isinstance(layer.base_layer, torch.nn.Linear | Conv1D)
        for layer in layers
    )
    # A buffer that is saved would be a tensor that is not trained.
    return linears and all(len(m.state_dict()) == len(list(m.parameters())) for m in own)


def _check_apart(own: Collection[str]) -> None:
    """Refuses to train a module whole inside one that is trained whole."""
    for outer in own:
        for name in own:
            if name.startswith(f"{outer}."):
                raise InvalidInput.one(
                    f"{name} is a part of {outer}, which is trained whole anyway",
                    place="lora.modules_to_save",
                    hint=f"leave {name} out",
                )


def _check_orientation(lora: LoraSettings, config: LoraConfig) -> None:
    if lora.fan_in_fan_out not in {None, config.fan_in_fan_out}:
        raise InvalidInput.one(
            f"{str(lora.fan_in_fan_out).lower()}, and the base's layers say otherwise",
            place="lora.fan_in_fan_out",
            hint="leave it out: it follows from the base",
        )


def _whole(value: float) -> float:
    """Returns 32 for 32.0, as PEFT and everyone else writes it."""
    return int(value) if value == int(value) else value


def _refused(error: Exception) -> InvalidInput:
    return InvalidInput.one(
        f"PEFT refuses it on this base: {' '.join(str(error).split())}",
        place="lora",
        hint="see peft.LoraConfig; names are those of the base's own modules",
    )


@contextmanager
def _known_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        for text in _KNOWN_WARNINGS:
            warnings.filterwarnings("ignore", message=f"(?s){text}")
        yield
