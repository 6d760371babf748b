"""Providers' names of open weights that no rule gives: a table, each part with where it says so.

What a provider's page does not tie to one release is not in it, or stands for itself alone:
``open-mistral-7b`` has meant several, Groq's ``gemma-7b-it`` is not Google's of that name, and its
``qwen-2.5-32b`` does not say whether it is the instruct one.
"""

from __future__ import annotations

from typing import NamedTuple


class Known(NamedTuple):
    """One provider's names: each in small letters, to the repository or the name it stands for."""

    provider: str
    source: str
    names: dict[str, str]


TABLE = (
    Known("groq", "https://console.groq.com/docs/deprecations", {
        "llama-3.1-8b-instant": "meta-llama/Llama-3.1-8B-Instruct",
        "llama-3.1-70b-versatile": "meta-llama/Llama-3.1-70B-Instruct",
        "llama-3.1-70b-specdec": "meta-llama/Llama-3.1-70B-Instruct",
        "llama-3.3-70b-versatile": "meta-llama/Llama-3.3-70B-Instruct",
        "llama-3.3-70b-specdec": "meta-llama/Llama-3.3-70B-Instruct",
        "llama3-8b-8192": "meta-llama/Meta-Llama-3-8B-Instruct",
        "llama3-70b-8192": "meta-llama/Meta-Llama-3-70B-Instruct",
        "mixtral-8x7b-32768": "mistralai/Mixtral-8x7B-Instruct-v0.1",
        "qwen-2.5-32b": "qwen-2.5-32b",
        "qwen-2.5-coder-32b": "qwen-2.5-coder-32b",
        "qwen-qwq-32b": "Qwen/QwQ-32B",
        "deepseek-r1-distill-llama-70b-specdec": "deepseek-ai/DeepSeek-R1-Distill-Llama-70B",
        "gemma-7b-it": "gemma-7b-it",
    }),
    Known("cerebras", "https://inference-docs.cerebras.ai/models/overview", {
        "llama3.1-8b": "meta-llama/Llama-3.1-8B-Instruct",
        "llama3.1-70b": "meta-llama/Llama-3.1-70B-Instruct",
        "llama-3.3-70b": "meta-llama/Llama-3.3-70B-Instruct",
    }),
    Known("together_ai", "https://docs.together.ai/docs/serverless-models", {
        "meta-llama/llama-3-8b-chat-hf": "meta-llama/Meta-Llama-3-8B-Instruct",
        "meta-llama/llama-3-70b-chat-hf": "meta-llama/Meta-Llama-3-70B-Instruct",
    }),
    Known("fireworks_ai", "https://fireworks.ai/models", {
        "mixtral-8x7b-instruct": "mistralai/Mixtral-8x7B-Instruct-v0.1",
        "mixtral-8x22b-instruct": "mistralai/Mixtral-8x22B-Instruct-v0.1",
        "mistral-7b-instruct-v3": "mistralai/Mistral-7B-Instruct-v0.3",
    }),
    Known("bedrock", "https://docs.aws.amazon.com/bedrock/latest/userguide/models-supported.html", {
        "llama-3.2-11b-instruct": "meta-llama/Llama-3.2-11B-Vision-Instruct",
        "llama-3.2-90b-instruct": "meta-llama/Llama-3.2-90B-Vision-Instruct",
        "llama4-scout-17b-instruct": "meta-llama/Llama-4-Scout-17B-16E-Instruct",
        "llama4-maverick-17b-instruct": "meta-llama/Llama-4-Maverick-17B-128E-Instruct",
        "mixtral-8x7b-instruct-v0.1": "mistralai/Mixtral-8x7B-Instruct-v0.1",
        "qwen3-coder-30b-a3b": "Qwen/Qwen3-Coder-30B-A3B-Instruct",
        "qwen3-coder-480b-a35b": "Qwen/Qwen3-Coder-480B-A35B-Instruct",
        "amazon-titan-text-g1---express": "titan-text-express-v1",
        "amazon-titan-text-g1---lite": "titan-text-lite-v1",
        "amazon-titan-text-g1---premier": "titan-text-premier-v1:0",
        "cohere-command": "command-text-v14",
        "cohere-command-light": "command-light-text-v14",
    }),
    Known("azure", "https://huggingface.co/CohereLabs/c4ai-command-r-08-2024", {
        "cohere-command-r-08-2024": "CohereLabs/c4ai-command-r-08-2024",
        "cohere-command-r-plus-08-2024": "CohereLabs/c4ai-command-r-plus-08-2024",
    }),
    Known("cohere", "https://docs.cohere.com/docs/models", {
        "c4ai-aya-expanse-8b": "CohereLabs/aya-expanse-8b",
        "c4ai-aya-vision-8b": "CohereLabs/aya-vision-8b",
        "command-r-03-2024": "CohereLabs/c4ai-command-r-v01",
        "command-r-08-2024": "CohereLabs/c4ai-command-r-08-2024",
        "command-r-plus-08-2024": "CohereLabs/c4ai-command-r-plus-08-2024",
    }),
    Known("mistral", "https://docs.mistral.ai/getting-started/models", {
        "open-mixtral-8x7b": "mistralai/Mixtral-8x7B-Instruct-v0.1",
        "open-mixtral-8x22b": "mistralai/Mixtral-8x22B-Instruct-v0.1",
        "open-mistral-nemo-2407": "mistralai/Mistral-Nemo-Instruct-2407",
        "ministral-8b-2410": "mistralai/Ministral-8B-Instruct-2410",
        "mistral-small-2409": "mistralai/Mistral-Small-Instruct-2409",
        "mistral-small-2501": "mistralai/Mistral-Small-24B-Instruct-2501",
        "mistral-small-2503": "mistralai/Mistral-Small-3.1-24B-Instruct-2503",
        "mistral-small-2506": "mistralai/Mistral-Small-3.2-24B-Instruct-2506",
        "mistral-small-3-2-2506": "mistralai/Mistral-Small-3.2-24B-Instruct-2506",
        "mistral-large-2407": "mistralai/Mistral-Large-Instruct-2407",
        "mistral-large-2411": "mistralai/Mistral-Large-Instruct-2411",
        "codestral-2405": "mistralai/Codestral-22B-v0.1",
    }),
)  # fmt: skip

_NAMES = {(each.provider, name): meant for each in TABLE for name, meant in each.names.items()}


def known(plain_name: str, provider: str) -> str | None:
    """Returns what the table says that a provider's name stands for."""
    return _NAMES.get((provider, plain_name))
