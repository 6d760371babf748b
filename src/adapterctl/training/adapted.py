"""An adapter on a base, in place, and off again.

PEFT loads an adapter onto a base that it does not fit with a warning at most. Here every tensor
must find its place, and nothing that the outputs depend on may be left to chance.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from peft import (
    MODEL_TYPE_TO_PEFT_MODEL_MAPPING,
    PEFT_TYPE_TO_CONFIG_MAPPING,
    get_peft_model_state_dict,
)
from peft.tuners.tuners_utils import check_target_module_exists
from safetensors import SafetensorError, safe_open

from adapterctl.errors import Mismatch, NotFound
from adapterctl.records.recipe import Task
from adapterctl.rules.effects import Fit
from adapterctl.training.loading import LoadedBase, load_base, misfit
from adapterctl.training.quiet import quiet

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
PREFIX = "base_model.model."

_OTHER_PEFT = "install the peft release that wrote it, or a later one"

Shapes = dict[str, tuple[int, ...]]


def load_adapted(
    base_dir: Path,
    adapter_dir: Path,
    *,
    task: Task,
    device: str,
    num_labels: int | None = None,
    trust_remote_code: bool = False,
) -> LoadedBase:
    """Returns a base with an adapter on it, for good; see `adapted` for the errors."""
    base = load_base(
        base_dir,
        task=task,
        head_seed=0,
        device=device,
        num_labels=num_labels,
        trust_remote_code=trust_remote_code,
    )
    _put_on(base, adapter_dir, _shapes_in(adapter_dir))
    return base


@contextmanager
def adapted(base: LoadedBase, adapter_dir: Path) -> Iterator[LoadedBase]:
    """Puts an adapter on the base; afterwards the base is as it was, bit for bit.

    PEFT's own ``unload`` is not enough: it leaves the adapter's head, and trained biases, behind.

    Raises:
        NotFound: the folder holds no adapter in safetensors.
        Mismatch: tensors are missing, left over or misshapen (WGT002), the base's fresh head is
            not among them, or the config has settings that this PEFT does not know.
    """
    given = _shapes_in(adapter_dir)
    with _restored(base, given):
        _put_on(base, adapter_dir, given)
        yield base


def fit(base: LoadedBase, adapter_dir: Path) -> Fit:
    """Returns whether an adapter finds its place on a base, tensor by tensor; nothing is kept.

    Raises:
        NotFound: the folder holds no adapter in safetensors.
        Mismatch: its weights cannot be read, or its config not by this PEFT.
    """
    given = _shapes_in(adapter_dir)
    config = _config_in(adapter_dir, task=base.task)
    headless = {PREFIX + name for name in _absent_head(base, given)}
    unmatched = _unmatched(config, base)
    if unmatched and unmatched == _patterns(config):
        # PEFT refuses to look any further.
        return Fit(misfit(missing=headless, unexpected=given), tuple(unmatched))
    with _restored(base, given):
        faults = _faults(given, *_places(_wrapped(base, config)))
    faults["missing"] |= headless
    return Fit(misfit(**faults), tuple(unmatched))


@contextmanager
def _restored(base: LoadedBase, given: Shapes) -> Iterator[None]:
    tree = [(p, name, child) for p in base.model.modules() for name, child in p.named_children()]
    own = [(parameter, parameter.detach().clone()) for parameter in _named_in(given, base)]
    try:
        yield
    finally:
        for parent, name, child in tree:
            parent._modules[name] = child
        with torch.no_grad():
            for parameter, value in own:
                parameter.copy_(value)
        vars(base.model).pop("peft_config", None)


def _put_on(base: LoadedBase, adapter_dir: Path, given: Shapes) -> None:
    _check_head(base, given, place=str(adapter_dir))
    wrapped = _wrapped(base, _config_in(adapter_dir, task=base.task))
    _check_fit(given, wrapped, place=str(adapter_dir))
    with quiet():
        wrapped.load_adapter(str(adapter_dir), "default", torch_device=base.device)
    wrapped.requires_grad_(False).eval()


def _wrapped(base: LoadedBase, config: Any) -> Any:
    with quiet():
        return MODEL_TYPE_TO_PEFT_MODEL_MAPPING[config.task_type](base.model, config)


def _patterns(config: Any) -> list[str]:
    """Returns the names that pick the modules to adapt; PEFT's own choice and "all" are none."""
    wanted = config.target_modules
    if wanted is None or wanted == "all-linear":
        return []
    return [wanted] if isinstance(wanted, str) else sorted(wanted)


def _unmatched(config: Any, base: LoadedBase) -> list[str]:
    """Returns the patterns that, as PEFT reads them, pick no module of the base."""
    names = [name for name, _ in base.model.named_modules()]
    alone = copy.copy(config)
    unmatched = []
    for pattern in _patterns(config):
        alone.target_modules = pattern if isinstance(config.target_modules, str) else {pattern}
        if not any(check_target_module_exists(alone, name) for name in names):
            unmatched.append(pattern)
    return unmatched


def _named_in(given: Shapes, base: LoadedBase) -> list[Any]:
    """Returns the base's own parameters that the adapter replaces: trained biases, embeddings."""
    names = {name.removeprefix(PREFIX).replace(".base_layer.", ".") for name in given}
    return [parameter for name, parameter in base.model.named_parameters() if name in names]


def _shapes_in(adapter_dir: Path) -> Shapes:
    for name in (CONFIG, WEIGHTS):
        if not (adapter_dir / name).is_file():
            raise NotFound(
                f"no {name} in the adapter's folder",
                place=str(adapter_dir),
                hint="an adapter is a folder written by peft's save_pretrained, in safetensors",
            )
    try:
        with safe_open(adapter_dir / WEIGHTS, framework="pt") as tensors:
            names = tensors.keys()
            return {name: tuple(tensors.get_slice(name).get_shape()) for name in names}
    except SafetensorError as error:
        raise Mismatch(
            f"the weights cannot be read: {error}",
            place=str(adapter_dir / WEIGHTS),
            hint="fetch the adapter again: the file is cut off or damaged",
        ) from error


def _config_in(adapter_dir: Path, *, task: Task) -> Any:
    """Reads the config by itself: PEFT would drop settings that it does not know with a warning."""
    path = adapter_dir / CONFIG
    try:
        stated = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise Mismatch(f"not JSON: {error}", place=str(path), hint=_OTHER_PEFT) from error
    kind = PEFT_TYPE_TO_CONFIG_MAPPING.get(stated.get("peft_type"))
    known = {field.name for field in fields(kind)} if kind else set()
    unknown = sorted(key for key, value in stated.items() if value and key not in known)
    if kind is None or unknown:
        what = ", ".join(unknown) if kind else f"peft_type {stated.get('peft_type')}"
        raise Mismatch(
            f"settings that the installed peft does not know: {what}",
            place=str(path),
            hint=_OTHER_PEFT,
        )
    config = kind(**{key: value for key, value in stated.items() if key in known})
    config.task_type = config.task_type or task
    config.inference_mode = True
    return config


def _check_head(base: LoadedBase, given: Shapes, *, place: str) -> None:
    absent = _absent_head(base, given)
    if absent:
        raise Mismatch(
            "neither base nor adapter holds "
            f"{', '.join(absent)}: the outputs would depend on chance",
            place=place,
            hint="train it again with these modules in lora.modules_to_save",
        )


def _absent_head(base: LoadedBase, given: Shapes) -> list[str]:
    return [name for name in base.fresh if PREFIX + name not in given]


def _places(wrapped: Any) -> tuple[Shapes, Shapes]:
    """Returns the shapes of everything in an adapted base, and of what its adapter must hold."""
    state = wrapped.state_dict()
    wanted = get_peft_model_state_dict(wrapped, state_dict=state, save_embedding_layers=False)
    places = {name: tuple(value.shape) for name, value in (state | wanted).items()}
    return places, {name: places[name] for name in wanted}


def _faults(given: Shapes, places: Shapes, wanted: Shapes) -> dict[str, set[str]]:
    return {
        "missing": wanted.keys() - given.keys(),
        "unexpected": given.keys() - places.keys(),
        "misshapen": {name for name in given if places.get(name, given[name]) != given[name]},
    }


def _check_fit(given: Shapes, wrapped: Any, *, place: str) -> None:
    what = misfit(**_faults(given, *_places(wrapped)))
    if what:
        raise Mismatch(
            f"the adapter does not fit this base: {what}",
            place=place,
            hint="load it on the base it was trained on, or rebuild it for this one",
        )
