"""Repositories that hold another one's weights, quantised or renamed, and which one that is.

Facts of names: who publishes a family on the Hugging Face Hub, and how the family spells its
repositories. A name that no row knows has no origin; nothing is guessed.
"""

from __future__ import annotations

import re

MIRRORS = frozenset(
    {"unsloth", "thebloke", "mlx-community", "neuralmagic", "redhatai", "hugging-quants"}
    | {"isotr0py", "solidrust", "techxgenus", "ai-modelscope", "llm-research"}
)
"""Organisations, in small letters, that publish other people's bases."""

_QUANTISED = re.compile(
    r"-(?:unsloth-)?bnb-[48]bit$|-[348]bit$|-(?:GPTQ|AWQ|INT4|INT8|FP8|GGUF|MLX|NF4)\b.*$"
    r"|-quantized\.w\d+a\d+$|-bf16$",
    re.IGNORECASE,
)

_ROWS: tuple[tuple[str, str], ...] = (
    (r"(?:meta-)?llama-3\.1-(8b|70b|405b)(-instruct)?", "meta-llama/Llama-3.1-{0:size}{1:title}"),
    (r"llama-3\.2-(1b|3b)(-instruct)?", "meta-llama/Llama-3.2-{0:size}{1:title}"),
    (r"llama-3\.2-(11b|90b)-vision(-instruct)?", "meta-llama/Llama-3.2-{0:size}-Vision{1:title}"),
    (r"llama-3\.3-(70b)-instruct", "meta-llama/Llama-3.3-{0:size}-Instruct"),
    (r"(?:meta-)?llama-3-(8b|70b)(-instruct)?", "meta-llama/Meta-Llama-3-{0:size}{1:title}"),
    (r"llama-2-(7b|13b|70b)(-chat)?(?:-hf)?", "meta-llama/Llama-2-{0}{1}-hf"),
    (r"codellama-(7b|13b|34b|70b)(?:-hf)?", "codellama/CodeLlama-{0}-hf"),
    (r"(gemma-[a-z0-9.-]+)", "google/{0}"),
    (r"(codegemma-[a-z0-9.-]+)", "google/{0}"),
    (r"mistral-(7b)(-instruct)?-(v0\.[1-3])", "mistralai/Mistral-{0:size}{1:title}-{2}"),
    (r"mistral-nemo-(base|instruct)-2407", "mistralai/Mistral-Nemo-{0:title}-2407"),
    (
        r"mistral-small-(24b|22b)-(base|instruct)-(\d+)",
        "mistralai/Mistral-Small-{0:size}-{1:title}-{2}",
    ),
    (r"mixtral-8x7b(-instruct)?-v0\.1", "mistralai/Mixtral-8x7B{0:title}-v0.1"),
    (r"qwen(2|2\.5|3)-([0-9.]+b)(-instruct|-base)?", "Qwen/Qwen{0}-{1:size}{2:title}"),
    (r"qwen2\.5-(coder|math)-([0-9.]+b)(-instruct)?", "Qwen/Qwen2.5-{0:title}-{1:size}{2:title}"),
    (r"phi-3-(mini-4k|mini-128k|medium-4k|medium-128k)-instruct", "microsoft/Phi-3-{0}-instruct"),
    (r"phi-3\.5-mini-instruct", "microsoft/Phi-3.5-mini-instruct"),
    (r"(phi-[124])", "microsoft/{0}"),
    (r"tinyllama-chat|tinyllama-1\.1b-chat-v1\.0", "TinyLlama/TinyLlama-1.1B-Chat-v1.0"),
    (r"tinyllama", "TinyLlama/TinyLlama-1.1B-intermediate-step-1431k-3T"),
    (
        r"deepseek-r1-distill-(qwen|llama)-([0-9.]+b)",
        "deepseek-ai/DeepSeek-R1-Distill-{0:title}-{1:size}",
    ),
    (r"smollm2-(135m|360m|1\.7b)(-instruct)?", "HuggingFaceTB/SmolLM2-{0:size}{1:title}"),
)  # fmt: skip

_FAMILIES = tuple((re.compile(pattern), origin) for pattern, origin in _ROWS)


def origin_of(repository: str) -> str | None:
    """Returns the repository whose weights ``repository`` republishes, or ``None``.

    An organisation's own quantised release (``Qwen/...-AWQ``) is one, too.
    """
    owner, _, name = repository.rpartition("/")
    plain = _QUANTISED.sub("", name)
    republished = owner.lower() in MIRRORS or plain != name
    return _of_family(plain) if republished else None


def _of_family(name: str) -> str | None:
    for pattern, origin in _FAMILIES:
        if found := pattern.fullmatch(name.lower()):
            parts = (_Part(part or "") for part in found.groups())
            return origin.format(*parts)
    return None


class _Part(str):
    """A part of a name that can be spelt as publishers do: ``8B``, ``-Instruct``."""

    __slots__ = ()

    def __format__(self, spelling: str) -> str:
        match spelling:
            case "size":
                return self.upper()
            case "title":
                return self.title()
        return str(self)
