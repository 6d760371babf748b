"""The adapter that a trainer command left, checked and taken over."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

import msgspec

from adapterctl.errors import AdapterctlError, InvalidInput
from adapterctl.jobs.inputs.sources import Sources
from adapterctl.jobs.trainers.inputs import Handed
from adapterctl.records.canonical import pretty
from adapterctl.records.version import TrainingFacts
from adapterctl.rules.adoption.adapter_configs import peft_type_of
from adapterctl.rules.adoption.adopted import PICKLE, SAFETENSORS
from adapterctl.rules.recipes import TRAIN
from adapterctl.rules.redaction import without_secrets
from adapterctl.rules.trainer_commands import command_of
from adapterctl.rules.trainer_output import Progress, departures, progress_in, targets_in
from adapterctl.stores.files import write_atomically
from adapterctl.stores.safetensors.folder import json_object
from adapterctl.stores.safetensors.layout import read_layout

CONFIG = "adapter_config.json"
STATE = "trainer_state.json"

_WHERE = "trainer.command"


def taken(sources: Sources, handed: Handed, *, seconds: float, folder: Path) -> TrainingFacts:
    """Puts the adapter in ``handed.out`` into ``folder``; returns what is known of its training.

    The base that its config states is not believed: the one that was handed over is named.

    Raises:
        InvalidInput: no adapter, pickled weights, another kind of adapter, or damaged files.
    """
    config = _config(handed.out)
    layout = read_layout(_weights(handed.out))
    used = targets_in(place.name for place in layout)
    recipe, command = sources.recipe, command_of(sources.recipe)
    told = _progress(handed.out)
    facts = TrainingFacts(
        rows=len(sources.rows[TRAIN]),
        seconds=seconds,
        trainable_parameters=sum(math.prod(place.shape) for place in layout),
        target_modules=used,
        labels=list(sources.labels),
        trainer=without_secrets(command.command) if command else recipe.adapter,
        departures=departures(recipe, config, used=used, intended=handed.targets),
        **msgspec.structs.asdict(told),
    )
    _take(handed.out, _named(config, sources), folder=folder)
    return facts


def _config(out: Path) -> dict[str, Any]:
    place = f"{_WHERE}: {out}"
    config = json_object(out / CONFIG)
    if config is None:
        raise InvalidInput.one(f"left no {CONFIG}", place=place, hint=_elsewhere(out))
    kind = peft_type_of(config, place=place)
    if kind != "LORA":
        raise InvalidInput.one(
            f"trained a {kind} adapter", place=place, hint="only LORA adapters can be rebuilt"
        )
    return config


def _elsewhere(out: Path) -> str:
    """Returns where an adapter lies that was saved, but not in the folder itself."""
    deeper = sorted(path.parent for path in out.rglob(CONFIG))
    if deeper:
        nearest = deeper[0].relative_to(out).as_posix()
        return f"an adapter lies in {{out}}/{nearest}: save it to {{out}} itself"
    return "let the trainer save_pretrained() the adapter to {out}"


def _weights(out: Path) -> Path:
    weights = out / SAFETENSORS
    if weights.is_file():
        return weights
    if (out / PICKLE).is_file():
        raise InvalidInput.one(
            f"left {PICKLE}: a pickle, which is never opened",
            place=f"{_WHERE}: {out}",
            hint="let it save safetensors: save_safetensors: true, or "
            "save_pretrained(..., safe_serialization=True)",
        )
    raise InvalidInput.one(
        f"left {CONFIG} without {SAFETENSORS}",
        place=f"{_WHERE}: {out}",
        hint="let the trainer save_pretrained() the adapter to {out}",
    )


def _progress(out: Path) -> Progress:
    """Returns what the run tells of itself, in ``out`` or in its last checkpoint."""
    states = [out / STATE, *out.glob(f"checkpoint-*/{STATE}")]
    found = [json_object(path) or {} for path in states if path.is_file()]
    told = [progress_in(state) for state in found]
    return max(told, key=lambda each: each.steps or 0, default=Progress())


def _named(config: dict[str, Any], sources: Sources) -> dict[str, Any]:
    base = sources.base
    stated = {
        "base_model_name_or_path": base.source.hub or base.base,
        "revision": base.revision,
    }
    return config | stated


def _take(out: Path, config: dict[str, Any], *, folder: Path) -> None:
    """Copies config and weights into the new folder, whole or not at all."""
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        shutil.copyfile(out / SAFETENSORS, partial / SAFETENSORS)
        write_atomically(partial / CONFIG, pretty(config))
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise AdapterctlError(
            f"cannot keep the adapter: {error.strerror or error}", place=str(folder)
        ) from None
