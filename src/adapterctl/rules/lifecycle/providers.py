"""One name for each provider, whatever a feed, a recipe or a list calls it."""

from __future__ import annotations

from functools import cache

_NAMES = {
    "amazon bedrock": "bedrock",
    "aws bedrock": "bedrock",
    "azure_ai": "azure",
    "bedrock_converse": "bedrock",
    "bedrock_mantle": "bedrock",
    "dashscope": "alibaba",
    "fireworks": "fireworks_ai",
    "gemini": "google",
    "google vertex": "vertex",
    "text-completion-openai": "openai",
    "together": "together_ai",
    "together.ai": "together_ai",
    "vertex_ai": "vertex",
    "zai": "z-ai",
}


@cache
def provider_name(stated: str) -> str:
    """Returns the provider's name in lower case, one for all spellings that are known.

    LiteLLM names the publisher after a hyphen: ``vertex_ai-anthropic_models`` is ``vertex``.
    """
    name = stated.strip().lower()
    if name.startswith("vertex_ai-"):
        name = "vertex_ai"
    return _NAMES.get(name, name.replace(" ", "-"))


def same_provider(one: str, other: str) -> bool:
    """Whether two spellings name one provider."""
    return provider_name(one) == provider_name(other)
