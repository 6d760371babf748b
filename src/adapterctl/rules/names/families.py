"""How the families of open weights spell their repositories on the Hugging Face Hub.

Facts of names: who publishes a family, and what its releases are called there. A name that no row
knows in full has no repository; nothing is guessed.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

PUBLISHERS = {
    "meta": "meta-llama",
    "mistral": "mistralai",
    "deepseek": "deepseek-ai",
    "alibaba": "qwen",
    "minimax": "minimaxai",
    "moonshot": "moonshotai",
    "zai": "zai-org",
}
"""Other names of organisations of the Hub, in small letters."""

_B = r"[0-9.]+b"
"""A size: ``8b``, ``1.5b``."""

_ROWS: tuple[tuple[str, str, str], ...] = (
    ("llama", r"(?:meta-)?llama-?3\.1-(8b|70b|405b)(-instruct)?",
     "meta-llama/Llama-3.1-{0:size}{1:title}"),
    ("llama", r"(?:meta-)?llama-?3\.2-(1b|3b)(-instruct)?",
     "meta-llama/Llama-3.2-{0:size}{1:title}"),
    ("llama", r"(?:meta-)?llama-?3\.2-(11b|90b)-vision(-instruct)?",
     "meta-llama/Llama-3.2-{0:size}-Vision{1:title}"),
    ("llama", r"(?:meta-)?llama-?3\.3-(70b)-instruct", "meta-llama/Llama-3.3-{0:size}-Instruct"),
    ("llama", r"(?:meta-)?llama-?3-(8b|70b)(-instruct)?",
     "meta-llama/Meta-Llama-3-{0:size}{1:title}"),
    ("llama", r"(?:meta-)?llama-?2-(7b|13b|70b)(-chat)?(?:-hf)?", "meta-llama/Llama-2-{0}{1}-hf"),
    ("llama", r"(?:meta-)?llama-?4-(scout)-17b-16e(-instruct)?",
     "meta-llama/Llama-4-Scout-17B-16E{1:title}"),
    ("llama", r"(?:meta-)?llama-?4-(maverick)-17b-128e(-instruct)?",
     "meta-llama/Llama-4-Maverick-17B-128E{1:title}"),
    ("llama", r"(?:meta-)?llama-guard-(3-1b|3-8b|4-12b)", "meta-llama/Llama-Guard-{0:size}"),
    ("llama", r"codellama-(7b|13b|34b|70b)(?:-hf)?", "codellama/CodeLlama-{0}-hf"),
    ("llama", r"codellama-(7b|13b|34b|70b)-(instruct|python)(?:-hf)?",
     "codellama/CodeLlama-{0}-{1:title}-hf"),
    ("llama", r"tinyllama-chat|tinyllama-1\.1b-chat-v1\.0", "TinyLlama/TinyLlama-1.1B-Chat-v1.0"),
    ("llama", r"tinyllama", "TinyLlama/TinyLlama-1.1B-intermediate-step-1431k-3T"),
    ("gemma", r"gemma-?([234])-([a-z0-9.-]+)", "google/gemma-{0}-{1}"),
    ("gemma", r"(gemma-(?:1\.1-)?[27]b(?:-it)?)", "google/{0}"),
    ("gemma", r"(gemma-3n-[a-z0-9-]+)", "google/{0}"),
    ("gemma", r"(codegemma-[a-z0-9.-]+)", "google/{0}"),
    ("mistral", r"mistral-(7b)(-instruct)?-(v0\.[1-3])", "mistralai/Mistral-{0:size}{1:title}-{2}"),
    ("mistral", r"mistral-nemo-(base|instruct)-2407", "mistralai/Mistral-Nemo-{0:title}-2407"),
    ("mistral", r"mistral-small-(24b|22b)-(base|instruct)-(\d+)",
     "mistralai/Mistral-Small-{0:size}-{1:title}-{2}"),
    ("mistral", r"mistral-small-(3\.[12])-24b-(base|instruct)-(\d+)",
     "mistralai/Mistral-Small-{0}-24B-{1:title}-{2}"),
    ("mixtral", r"mixtral-(8x7b|8x22b)(-instruct)?-v0\.1",
     "mistralai/Mixtral-{0:times}{1:title}-v0.1"),
    ("ministral", r"ministral-8b-instruct-2410", "mistralai/Ministral-8B-Instruct-2410"),
    ("pixtral", r"pixtral-12b-2409", "mistralai/Pixtral-12B-2409"),
    ("stral", r"(devstral|magistral)-small-(\d{4})", "mistralai/{0:title}-Small-{1}"),
    ("voxtral", r"voxtral-(mini|small)-(3b|24b)-2507", "mistralai/Voxtral-{0:title}-{1:size}-2507"),
    ("qwen", rf"qwen-?(1\.5|2|2\.5)-({_B})(-instruct|-chat|-base)?",
     "Qwen/Qwen{0}-{1:size}{2:title}"),
    ("qwen", rf"qwen-?(2|2\.5)-(coder|math|vl|audio)-({_B})(-instruct)?",
     "Qwen/Qwen{0}-{1:kind}-{2:size}{3:title}"),
    ("qwen", rf"qwen-?(3|3\.\d)-({_B}(?:-a{_B})?)(-base|-instruct|-thinking)?(-2507)?",
     "Qwen/Qwen{0}-{1:size}{2:title}{3}"),
    ("qwen", rf"qwen-?3-(coder|vl|next)-({_B}(?:-a{_B})?)(-instruct|-thinking)?",
     "Qwen/Qwen3-{0:kind}-{1:size}{2:title}"),
    ("qwq", r"qwq-32b", "Qwen/QwQ-32B"),
    ("phi", r"phi-3-(mini-4k|mini-128k|small-8k|small-128k|medium-4k|medium-128k)-instruct",
     "microsoft/Phi-3-{0}-instruct"),
    ("phi", r"phi-3\.5-(mini|moe|vision)-instruct", "microsoft/Phi-3.5-{0:phi}-instruct"),
    ("phi", r"phi-4-(mini|multimodal)-instruct", "microsoft/Phi-4-{0}-instruct"),
    ("phi", r"phi-4-(reasoning|reasoning-plus|mini-reasoning)", "microsoft/Phi-4-{0}"),
    ("phi", r"(phi-[124])", "microsoft/{0}"),
    ("deepseek", rf"deepseek-r1-distill-(qwen|llama)-({_B})",
     "deepseek-ai/DeepSeek-R1-Distill-{0:title}-{1:size}"),
    ("deepseek", r"deepseek-(r1|v3)(-\d{4})?", "deepseek-ai/DeepSeek-{0:size}{1}"),
    ("deepseek", r"deepseek-v(3\.[12])", "deepseek-ai/DeepSeek-V{0}"),
    ("glm", r"glm-(\d(?:\.\d)?)(-air|-flash)?", "zai-org/GLM-{0}{1:title}"),
    ("kimi", r"kimi-(k2)-(instruct|instruct-0905|thinking)", "moonshotai/Kimi-{0:title}-{1:title}"),
    ("kimi", r"kimi-(k2\.\d)(-code)?", "moonshotai/Kimi-{0:title}{1:title}"),
    ("minimax", r"minimax-(m\d(?:\.\d)?)", "MiniMaxAI/MiniMax-{0:title}"),
    ("gpt-oss", r"gpt-oss-(20b|120b)", "openai/gpt-oss-{0}"),
    ("falcon", r"falcon-(7b|40b|180b)(-instruct|-chat)?", "tiiuae/falcon-{0}{1}"),
    ("smollm", r"smollm2-(135m|360m|1\.7b)(-instruct)?",
     "HuggingFaceTB/SmolLM2-{0:size}{1:title}"),
)  # fmt: skip


class _Family(NamedTuple):
    pattern: re.Pattern[str]
    repository: str


_STEM = re.compile("|".join(sorted({re.escape(stem) for stem, _, _ in _ROWS}, key=len)[::-1]))


@cache
def _families(stem: str) -> list[_Family]:
    """Compiled when the stem is first met: most commands meet few of them."""
    return [_Family(re.compile(pattern), to) for of, pattern, to in _ROWS if of == stem]


@cache
def repository_of(name: str) -> str | None:
    """Returns the repository that a family publishes under ``name``, spelt as it spells it.

    Args:
        name: without an organisation, in any capitals; an organisation that is given must be the
            family's own: what others publish under a family's name is something else.
    """
    owner, _, plain = name.lower().rpartition("/")
    for stem in dict.fromkeys(_STEM.findall(plain)):
        for family in _families(stem):
            if found := family.pattern.fullmatch(plain):
                parts = (_Part(part or "") for part in found.groups())
                repository = family.repository.format(*parts)
                return repository if _is_publisher(owner, repository) else None
    return None


def _is_publisher(owner: str, repository: str) -> bool:
    return not owner or PUBLISHERS.get(owner, owner) == repository.partition("/")[0].lower()


class _Part(str):
    """A part of a name that can be spelt as publishers do: ``8B``, ``-Instruct``, ``VL``."""

    __slots__ = ()

    def __format__(self, spelling: str) -> str:
        match spelling:
            case "size":
                return self.upper()
            case "times":
                return self.upper().replace("X", "x")
            case "title":
                return self.title()
            case "kind":
                return "VL" if self == "vl" else self.title()
            case "phi":
                return "MoE" if self == "moe" else str(self)
        return str(self)
