"""How the builtin trainer computes, by number: what decides the last bits beside recipe and data.

A version's record holds the number it was trained with, and is trained again with it.

1
    What versions have that were registered before there were numbers. The base is in float32
    whatever ``bf16`` says, all logits of a pass are in memory, and on a GPU batches are padded.
2
    With ``bf16`` the base is in bfloat16; the adapter and its optimizer stay in float32. Where
    the logits of a pass would be `LARGE`, the loss takes them in pieces. On a GPU, too, families
    in `rules.unpadded` run without padding.
3
    In float32, layers that read one input (query, key and value; gate and up) have their
    low-rank products in one, and one dropout mask.
4
    On the CPU in float32, frozen layers and the low-rank pairs on them are multiplied by oneDNN
    where that is the faster one; the base's own dropout is drawn as the adapters' is; short
    examples share an attention product; a classifier's last layer computes what its head reads;
    and a pass of moderate size goes through the base in two halves.
"""

from __future__ import annotations

LATEST = 4

LARGE = 2**26
"""How many logits are held at a time: 256 MiB in float32, 512 rows of a vocabulary of 131,072."""

HALVED_FROM = 128
"""Tokens of the smallest pass that is halved."""

HALVED_TO = 2**20
"""Numbers in the hidden states of the largest: 4 MiB in float32."""

LINEAR_HEADS = frozenset(
    {
        "bloom",
        "falcon",
        "gemma",
        "gemma2",
        "gemma3_text",
        "gpt2",
        "gpt_bigcode",
        "gpt_neox",
        "llama",
        "mistral",
        "mixtral",
        "opt",
        "phi",
        "phi3",
        "qwen2",
        "qwen2_moe",
        "qwen3",
        "qwen3_moe",
        "starcoder2",
    }
)
"""Families whose logits are one linear layer of the trunk's states, soft-capped or as they are."""


def base_dtype(*, bf16: bool, plain: bool, arithmetic: int) -> str:
    """Returns the type that a frozen base is held in.

    Args:
        plain: whether slots train the adapter. PEFT's own layers may change the base's own
            parameters, and those are not to be rounded.
    """
    return "bfloat16" if bf16 and plain and arithmetic > 1 else "float32"


def in_pieces(*, positions: int, vocabulary: int, family: str, arithmetic: int) -> bool:
    """Whether the loss of a pass takes its logits in pieces."""
    return arithmetic > 1 and positions * vocabulary > LARGE and family in LINEAR_HEADS


def joins_siblings(*, arithmetic: int) -> bool:
    """Whether layers that read one input are computed together."""
    return arithmetic > 2


def is_quick(*, arithmetic: int) -> bool:
    """Whether a base on the CPU computes as `training.products` does."""
    return arithmetic > 3


def is_halved(*, tokens: int, width: int, threads: int, arithmetic: int) -> bool:
    """Whether a pass goes through a base on the CPU in two halves, each on half of the threads.

    Args:
        tokens: of the pass.
        width: of the base's hidden states.
        threads: intra-op threads of the run.
    """
    moderate = tokens >= HALVED_FROM and tokens * width <= HALVED_TO
    return is_quick(arithmetic=arithmetic) and threads > 1 and moderate
