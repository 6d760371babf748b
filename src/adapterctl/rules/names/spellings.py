"""How providers write the names of open weights, as rewriting rules, each true of one provider.

What is taken away says where or how a base is served: an account, a region, the version of an
interface, the precision of a deployment. A LoRA that was tuned at the provider sits on the same
base under each of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from adapterctl.rules.names.mirrors import unquantised

_Rule = tuple[str, str]
"""A pattern, and what stands there instead."""

_VENDORS = (
    "ai21|amazon|anthropic|cohere|deepseek|google|meta|minimax|mistral|moonshot(?:ai)?|openai|qwen"
    "|zai"
)
"""What Bedrock puts before a name, with a full stop behind it."""


_SPELLINGS: dict[str, tuple[_Rule, ...]] = {
    "bedrock": (
        (r"^arn:aws[a-z-]*:bedrock:[^/]*/", ""),
        (r"^(?:us-gov|us|eu|apac|jp|au|ca|global)\.(?=[a-z0-9]+\.)", ""),
        (rf"^(?:{_VENDORS})\.", ""),
        (r"-v0:(\d)$", r"-v0.\1"),
        (r"(?<=llama)(\d)-(\d)-(?=\d+b)", r"-\1.\2-"),
    ),
    "fireworks_ai": (
        (r"^accounts/fireworks/models/", ""),
        (r"(?<=\d)p(?=\d)", "."),
        (r"^llama-v(?=\d)", "llama-"),
        (r"^(llama-3.*)-hf$", r"\1"),
    ),
    "together_ai": ((r"(?:-(?:turbo|lite|reference|free|tput))+$", ""),),
    "vertex": ((r"^publishers/([a-z0-9-]+)/models/", r"\1/"), (r"-maas$", "")),
    "azure": (
        (r"^azureml://registries/[^/]+/models/([^/]+).*$", r"\1"),
        (r"^fw-", ""),
        (r"^gpt-35-", "gpt-3.5-"),
    ),
    "databricks": (
        (r"^databricks-", ""),
        (r"(?<=llama-)(\d)-(\d)-(?=\d+b)", r"\1.\2-"),
    ),
    "ollama": (
        (r"(?:-q\d\w*|-fp16)$", ""),
        (r"^(llama(?:3\.[123]|3)):(\d+b)(?:-instruct)?$", r"\1-\2-instruct"),
        (r"^(llama2):(\d+b)(?:-chat)?$", r"\1-\2-chat"),
        (r"^(llama(?:3\.[12]|3|2)):(\d+b)-text$", r"\1-\2"),
        (r"^(qwen2\.5):([0-9.]+b)(?:-instruct)?$", r"\1-\2-instruct"),
        (r"^(qwen3):([0-9.]+b)$", r"\1-\2"),
        (r"^(gemma[23]):(\d+b)(?:-(?:it|instruct.*))?$", r"\1-\2-it"),
        (r"^(gemma2):(\d+b)-text$", r"\1-\2"),
    ),
}

_INTERFACE = re.compile(r"-v\d+(?::\d+)?$")
"""Version of Bedrock's interface to a base, not of the base."""

_FORMS = re.compile(
    r"(?P<bedrock>(?:[a-z-]+\.)?(?:amazon|anthropic|cohere|meta|mistral)\.[a-z0-9.-]+-v\d+:\d+"
    r"|arn:aws[a-z-]*:bedrock:)"
    r"|(?P<fireworks_ai>accounts/fireworks/)"
    r"|(?P<vertex>publishers/[a-z0-9-]+/models/)"
    r"|(?P<azure>azureml://)"
    r"|(?P<ollama>(?:llama|qwen|gemma)[0-9.]*:[0-9.]+b)"
)
"""How names begin that one provider alone writes."""


def plain(name: str, provider: str) -> str:
    """Returns a provider's name without what only says where it is served, in small letters."""
    text = "-".join(name.lower().split())
    for pattern, instead in _compiled(provider):
        text = pattern.sub(instead, text)
    return text


@cache
def _compiled(provider: str) -> list[tuple[re.Pattern[str], str]]:
    return [(re.compile(pattern), instead) for pattern, instead in _SPELLINGS.get(provider, ())]


def open_weights(plain_name: str, provider: str) -> Iterator[str]:
    """Yields what the family may call it, less and less of the deployment in it."""
    yield plain_name
    if provider == "bedrock":
        plain_name = _INTERFACE.sub("", plain_name)
        yield plain_name
    yield unquantised(plain_name)


def whose(name: str) -> str | None:
    """Returns the provider that alone writes names of this form, or ``None``."""
    found = _FORMS.match(name.lower())
    return found.lastgroup if found else None
