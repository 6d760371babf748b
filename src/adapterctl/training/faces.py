"""Several heads over one trunk: a base that is loaded once serves both tasks, and any labels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

from adapterctl.records.recipe import Task
from adapterctl.training.blueprint import blueprint, config_of
from adapterctl.training.loading import LoadedBase, reset_head
from adapterctl.training.products import is_quick, quicken


def can_share(base_dir: Path, *, whole: Any, headed: Any) -> bool:
    """Whether a base loaded for one task lacks nothing but a fresh head for another.

    Args:
        base_dir: the base's folder; the names of its tensors are read.
        whole: the model to load, with or without weights.
        headed: the model that would stand on its trunk.
    """
    ours = type(headed).__module__.startswith("transformers.")
    if not ours or whole.base_model_prefix != headed.base_model_prefix:
        return False
    trunks = [_shapes(model.base_model) for model in (whole, headed)]
    held = {name for file in base_dir.glob("*.safetensors") for name in _names_in(file)}
    return trunks[0] == trunks[1] and held.isdisjoint(_head_of(headed))


def beside(base: LoadedBase, *, task: Task, labels: int | None) -> LoadedBase | None:
    """Returns ``base`` for a task and a number of labels, or ``None`` where it cannot serve.

    Args:
        base: loaded, bare; both may be used in turn, never one while the other wears an adapter.
        task: what is to be asked.
        labels: how many labels the head tells apart; ``None`` for CAUSAL_LM.
    """
    own = int(base.model.config.num_labels) if base.task == "SEQ_CLS" else None
    if (base.task, own) == (task, labels):
        return base
    drawn = [name for name in base.fresh if name.startswith(f"{base.model.base_model_prefix}.")]
    if task != "SEQ_CLS" or drawn:
        return None  # a part of the trunk itself is drawn from a seed: each has its own
    headed = blueprint(config_of(base.folder, num_labels=labels), task=task, place=str(base.folder))
    if not can_share(base.folder, whole=base.model, headed=headed):
        return None
    return face(base, task=task, labels=labels)


def face(base: LoadedBase, *, task: Task, labels: int | None, seed: int = 0) -> LoadedBase:
    """Returns another head over the trunk of ``base``, which stays as it is.

    Args:
        base: loaded for a task with which this one `can_share`.
        labels: how many labels the head tells apart; ``None`` for CAUSAL_LM.
        seed: keys the fresh head.
    """
    heads: dict[str, Any] = {} if labels is None else {"num_labels": labels}
    config = config_of(base.folder, **heads)
    loaded = base.model.config.get_text_config()
    config.get_text_config().pad_token_id = loaded.pad_token_id
    config.get_text_config().use_cache = loaded.use_cache
    model = blueprint(config, task=task, place=str(base.folder))
    setattr(model, model.base_model_prefix, base.model.base_model)
    fresh = tuple(sorted(_head_of(model)))
    for name, child in model.named_children():
        if name != model.base_model_prefix:
            child.to_empty(device=base.device).float()
    model.requires_grad_(False).train(base.model.training)
    if is_quick(base.model):
        quicken(model)
    other = replace(base, task=task, model=model, fresh=fresh)
    reset_head(other, seed=seed)
    return other


def _head_of(model: Any) -> set[str]:
    trunk = f"{model.base_model_prefix}."
    return {name for name, _ in model.named_parameters() if not name.startswith(trunk)}


def _shapes(trunk: torch.nn.Module) -> dict[str, torch.Size]:
    return {name: parameter.shape for name, parameter in trunk.named_parameters()}


def _names_in(file: Path) -> list[str]:
    with safe_open(file, framework="pt") as tensors:
        return list(tensors.keys())
