"""Roles: what each linear layer of a base does, read from its name.

Families call the same thing by many names: ``query``, ``q_proj`` and ``q_lin`` are all
``attention.q``. The table below is data; the first line that fits the end of a module's dotted
name wins. Names of two or three transformers families often differ in the last part only, so
most lines need no context; the others say which part must stand before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from adapterctl.records.base import LinearShape

HEAD = "head"
HEAD_DENSE = "head.dense"
EXPERTS = "experts."
"""What the roles of a mixture's experts start with."""

_IN_ATTENTION = r"\w*[Aa]tt(?:n|ention)(?:\.\w+)*\."
_SHARED = r"shared_experts?\."

_TABLE: tuple[tuple[str, str], ...] = (
    ("experts.gate_up", r"experts\.gate_up_proj"),
    ("experts.gate", r"experts\.\d+\.(?:gate_proj|w1)"),
    ("experts.up", r"experts\.(?:\d+\.)?(?:up_proj|w3)"),
    ("experts.down", r"experts\.(?:\d+\.)?(?:down_proj|w2)"),
    ("shared_expert.gate", rf"{_SHARED}gate_proj"),
    ("shared_expert.up", rf"{_SHARED}up_proj"),
    ("shared_expert.down", rf"{_SHARED}down_proj"),
    ("router", r"shared_expert_gate|(?:mlp|block_sparse_moe)\.gate(?:\.weight)?|router(?:\.\w+)?"),
    ("embedding", r"embed_tokens|word_embeddings|tok_embeddings|wte|embed_in|shared"),
    ("embedding.position", r"position_embeddings|wpe|embed_positions|rel_embeddings"),
    ("embedding.position", r"relative_attention_bias"),
    ("embedding.type", r"token_type_embeddings"),
    (HEAD, r"lm_head|score|classifier|qa_outputs|embed_out|generator_lm_head|lm_head\.decoder"),
    (HEAD, r"cls\.predictions\.decoder|(?:classifier|classification_head)\.out_proj"),
    (HEAD_DENSE, r"(?:pooler|classifier|classification_head|lm_head|head)\.dense"),
    (HEAD_DENSE, r"cls\.predictions\.transform\.dense|generator_predictions\.dense"),
    (HEAD_DENSE, r"pooler|pre_classifier"),
    ("attention.kv", r"kv_proj|key_value|crossattention\.c_attn"),
    ("attention.qkv", r"query_key_value|qkv_proj|Wqkv|c_attn"),
    ("attention.qkv", rf"{_IN_ATTENTION}(?:in_proj|qkv)"),
    ("attention.q", rf"q_proj|query|query_proj|q_lin|q_attn|{_IN_ATTENTION}q"),
    ("attention.k", rf"k_proj|key|key_proj|k_lin|{_IN_ATTENTION}k"),
    ("attention.v", rf"v_proj|value|value_proj|v_lin|{_IN_ATTENTION}v"),
    ("attention.o", rf"o_proj|out_lin|{_IN_ATTENTION}(?:o|dense|c_proj|out_proj|Wo)"),
    ("mlp.gate_up", r"gate_up_proj|Wi"),
    ("mlp.gate", r"gate_proj|wi_0"),
    ("mlp.up", r"up_proj|intermediate\.dense|lin1|fc1|fc_in|c_fc|dense_h_to_4h|wi|wi_1|ffn"),
    ("mlp.down", r"down_proj|output\.dense|lin2|fc2|fc_out|dense_4h_to_h|wo|ffn_output"),
    ("mlp.down", r"(?:mlp|ffn)\.(?:c_proj|Wo)"),
)
"""Role, and the end of a name that has it, as a regular expression."""

_CROSS = re.compile(r"crossattention|cross_attn|EncDecAttention|encoder_attn")

PARTS: dict[str, tuple[str, ...]] = {
    "attention.qkv": ("attention.q", "attention.k", "attention.v"),
    "attention.kv": ("attention.k", "attention.v"),
    "cross_attention.kv": ("cross_attention.k", "cross_attention.v"),
    "mlp.gate_up": ("mlp.gate", "mlp.up"),
    "experts.gate_up": ("experts.gate", "experts.up"),
}
"""Fused role to the roles it is made of."""

ROLES = frozenset(role for role, _ in _TABLE) | {
    f"cross_attention.{part}" for part in ("q", "k", "v", "o", "kv")
}
"""Every role there is."""


def role_of(name: str) -> str | None:
    """Returns the role of the module called ``name``, or ``None`` when the table has none."""
    for role, pattern in _patterns():
        if pattern.search(name):
            crossing = role.startswith("attention.") and _CROSS.search(name)
            return f"cross_{role}" if crossing else role
    return None


def by_role(linears: Iterable[LinearShape]) -> dict[str | None, list[str]]:
    """Returns role to module names, both in the order in which they come."""
    found: dict[str | None, list[str]] = {}
    for linear in linears:
        found.setdefault(role_of(linear.name), []).append(linear.name)
    return found


def parts_of(role: str) -> tuple[str, ...]:
    """Returns the roles that a role is made of: itself, unless it is fused."""
    return PARTS.get(role, (role,))


def is_mixture(linears: Iterable[LinearShape]) -> bool:
    """Whether the base is a mixture of experts."""
    return any((role_of(linear.name) or "").startswith(EXPERTS) for linear in linears)


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((role, re.compile(rf"(?:^|\.)(?:{ending})$")) for role, ending in _TABLE)
