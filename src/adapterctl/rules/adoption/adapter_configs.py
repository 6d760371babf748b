"""Whether a config is PEFT's, and whose it is when it is not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from adapterctl.errors import InvalidInput

_PEFT_TYPE = re.compile(r"[A-Z][A-Z0-9_]*")

_OTHERS: tuple[tuple[str, frozenset[str]], ...] = (
    ("MLX (mlx-lm)", frozenset({"fine_tune_type"})),
    ("MLX (mlx-lm)", frozenset({"lora_parameters"})),
    ("MLX (mlx-lm)", frozenset({"lora_layers"})),
    ("Adapters (AdapterHub)", frozenset({"config", "model_class"})),
    ("Adapters (AdapterHub)", frozenset({"config", "model_name"})),
    ("Swift (ms-swift)", frozenset({"swift_type"})),
    ("a transformers base", frozenset({"model_type", "architectures"})),
)
"""Keys by which another framework's ``adapter_config.json`` is known."""

_REGISTER = "save the adapter with peft's save_pretrained, and import that folder"


def peft_type_of(config: Mapping[str, Any], *, place: str) -> str:
    """Returns the ``peft_type`` that a config states.

    Raises:
        InvalidInput: it states none, and is therefore no PEFT config.
    """
    stated = config.get("peft_type")
    if isinstance(stated, str) and _PEFT_TYPE.fullmatch(stated):
        return stated
    if stated is not None:
        what = f"not a PEFT adapter: its peft_type is {stated!r}"
    elif framework := framework_of(config):
        what = f"not a PEFT adapter: a config of {framework}"
    else:
        what = "not a PEFT adapter: no peft_type"
    raise InvalidInput.one(what, place=place, hint=_REGISTER)


def framework_of(config: Mapping[str, Any]) -> str | None:
    """Returns which other framework wrote a config, as far as its keys tell."""
    return next((name for name, keys in _OTHERS if keys <= config.keys()), None)
