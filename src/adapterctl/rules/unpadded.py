"""Which bases run the examples of a batch without padding, and which are padded.

The list is of families (``model_type`` in ``config.json``) whose attention and positions allow it;
for each of them a test holds logits, losses and gradients to those of the padded run.
"""

from __future__ import annotations

FAMILIES = frozenset(
    {
        "bert",
        "distilbert",
        "electra",
        "gemma",
        "gemma3_text",
        "gpt2",
        "gpt_bigcode",
        "gpt_neox",
        "llama",
        "mistral",
        "mixtral",
        "modernbert",
        "opt",
        "phi",
        "phi3",
        "qwen2",
        "qwen2_moe",
        "qwen3",
        "qwen3_moe",
        "roberta",
        "starcoder2",
        "xlm-roberta",
    }
)
"""Families that run without padding."""

FIRST_TOKEN = frozenset({"bert", "distilbert", "electra", "roberta", "xlm-roberta"})
"""Families whose classifiers read the first token's state and no other's."""


def note_on_padding(family: str) -> str | None:
    """Returns what a plan says of a successor that is not on the list."""
    if family in FAMILIES:
        return None
    return (
        f"the examples of a batch are padded to its longest: {family} is not among the families "
        "that run without padding"
    )


def runs_unpadded(device: str, *, arithmetic: int) -> bool:
    """Whether the builtin trainer runs anything without padding on a device."""
    return arithmetic > 1 or device.partition(":")[0] == "cpu"
