"""Repositories that hold another one's weights, quantised or renamed, and which one that is."""

from __future__ import annotations

import re

from adapterctl.rules.names.families import repository_of

MIRRORS = frozenset(
    {"unsloth", "thebloke", "mlx-community", "neuralmagic", "redhatai", "hugging-quants"}
    | {"nousresearch", "isotr0py", "solidrust", "techxgenus", "ai-modelscope", "llm-research"}
)
"""Organisations, in small letters, that publish other people's bases."""

_QUANTISED = re.compile(
    r"-(?:unsloth-)?bnb-[48]bit$|-[348]bit$|-(?:GPTQ|AWQ|INT4|INT8|FP8|GGUF|MLX|NF4)\b.*$"
    r"|-quantized\.w\d+a\d+$|-(?:bf16|fp16)$",
    re.IGNORECASE,
)


def origin_of(repository: str) -> str | None:
    """Returns the repository whose weights ``repository`` republishes, or ``None``.

    An organisation's own quantised release (``Qwen/...-AWQ``) is one, too.
    """
    owner, _, name = repository.rpartition("/")
    plain = unquantised(name)
    republished = owner.lower() in MIRRORS or plain != name
    return repository_of(plain) if republished else None


def unquantised(name: str) -> str:
    """Returns a name without what it says of quantisation: a LoRA sits on the same base."""
    return _QUANTISED.sub("", name)
