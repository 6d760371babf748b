"""The adapter's folder: what ``peft`` writes, in one canonical form.

PEFT writes its lists in set order and the base's name as it happens to be loaded; here lists are
sorted, keys are sorted, and base and revision are what the recipe names.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig
from safetensors.torch import save

from adapterctl.training.whole_folders import appearing

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"


def write_adapter(
    folder: Path,
    tensors: Mapping[str, torch.Tensor],
    *,
    config: LoraConfig,
    base_name: str,
    base_revision: str | None,
) -> None:
    """Writes an adapter's folder, whole or not at all; replaces one that is there.

    Raises:
        AdapterctlError: it cannot be written.
    """
    stated = _stated(config, base_name=base_name, base_revision=base_revision)
    content = {name: tensors[name].detach().cpu().contiguous() for name in sorted(tensors)}
    with appearing(folder, what="the adapter") as partial:
        (partial / CONFIG).write_text(json.dumps(stated, indent=2, sort_keys=True) + "\n", "utf-8")
        (partial / WEIGHTS).write_bytes(save(content, metadata={"format": "pt"}))


def _stated(config: LoraConfig, *, base_name: str, base_revision: str | None) -> dict[str, Any]:
    """Returns PEFT's own dictionary of the config, with every list in one order."""
    final = copy.deepcopy(config)
    final.base_model_name_or_path = base_name
    final.revision = base_revision
    final.inference_mode = True
    return {key: _ordered(value) for key, value in final.to_dict().items()}


def _ordered(value: Any) -> Any:
    return sorted(value) if isinstance(value, set | frozenset) else value
