"""An adapter on a base, in place, and off again.

PEFT loads an adapter onto a base that it does not fit with a warning at most. Here every tensor
must find its place, and nothing that the outputs depend on may be left to chance.
"""

from __future__ import annotations

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
from safetensors import SafetensorError, safe_open

from adapterctl.errors import Mismatch, NotFound
from adapterctl.records.recipe import Task
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
    tree = [(p, name, child) for p in base.model.modules() for name, child in p.named_children()]
    given = _shapes_in(adapter_dir)
    own = [(parameter, parameter.detach().clone()) for parameter in _named_in(given, base)]
    try:
        _put_on(base, adapter_dir, given)
        yield base
    finally:
        for parent, name, child in tree:
            parent._modules[name] = child
        with torch.no_grad():
            for parameter, value in own:
                parameter.copy_(value)
        vars(base.model).pop("peft_config", None)


def _put_on(base: LoadedBase, adapter_dir: Path, given: Shapes) -> None:
    _check_head(base, given, place=str(adapter_dir))
    config = _config_in(adapter_dir, task=base.task)
    with quiet():
        wrapped = MODEL_TYPE_TO_PEFT_MODEL_MAPPING[config.task_type](base.model, config)
    _check_fit(given, wrapped, place=str(adapter_dir))
    with quiet():
        wrapped.load_adapter(str(adapter_dir), "default", torch_device=base.device)
    wrapped.requires_grad_(False).eval()


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
    absent = [name for name in base.fresh if PREFIX + name not in given]
    if absent:
        raise Mismatch(
            "neither base nor adapter holds "
            f"{', '.join(absent)}: the outputs would depend on chance",
            place=place,
            hint="train it again with these modules in lora.modules_to_save",
        )


def _check_fit(given: Shapes, wrapped: Any, *, place: str) -> None:
    state = wrapped.state_dict()
    wanted = get_peft_model_state_dict(wrapped, state_dict=state, save_embedding_layers=False)
    shapes = {name: tuple(value.shape) for name, value in (state | wanted).items()}
    what = misfit(
        missing=wanted.keys() - given.keys(),
        unexpected=given.keys() - shapes.keys(),
        misshapen={name for name in given if shapes.get(name, given[name]) != given[name]},
    )
    if what:
        raise Mismatch(
            f"the adapter does not fit this base: {what}",
            place=place,
            hint="load it on the base it was trained on, or rebuild it for this one",
        )
