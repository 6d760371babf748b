"""Rows as a base's chat template renders them, for people to compare."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from adapterctl.training.rows.formats import Row, Unrenderable, is_conversation, render
from adapterctl.training.rows.tokenizer import load_tokenizer


def conversations_in(rows: Sequence[Row]) -> list[int]:
    """Returns the numbers of the rows that a chat template renders."""
    return [number for number, row in enumerate(rows) if is_conversation(row)]


def rendered(
    base_dir: Path, rows: Sequence[Row], *, trust_remote_code: bool = False
) -> list[str | None]:
    """Returns the text of each row on one base; ``None`` where its template refuses the row."""
    tokenizer = load_tokenizer(base_dir, trust_remote_code=trust_remote_code)
    return [_text(row, tokenizer) for row in rows]


def emptied(row: Row) -> Row:
    """Returns a conversation with its roles in the place of what was said."""
    named = ("messages", "prompt", "completion")
    return {name: [_emptied(turn) for turn in row[name]] for name in named if name in row}


def _emptied(turn: dict[str, Any]) -> dict[str, Any]:
    return {"role": turn["role"], "content": f"({turn['role']})"}


def _text(row: Row, tokenizer: Any) -> str | None:
    if not tokenizer.chat_template:
        return None
    try:
        return render(row, task="CAUSAL_LM", tokenizer=tokenizer).text
    except Unrenderable:
        return None
