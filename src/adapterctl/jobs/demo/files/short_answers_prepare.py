"""Preprocessing of the short answers: a message and a question become a prompt."""

import re

_ORDER = re.compile(r"\b[a-z]\d{5}\b")


def prepare(rows: list[dict]) -> list[dict]:
    """Returns id, kind, prompt and completion; small letters, no order numbers."""
    return [
        {
            "id": row["id"],
            "kind": row["kind"],
            "prompt": f"{_plain(row['message'])} question: {_plain(row['question'])} answer:",
            "completion": f" {_plain(row['answer'])}",
        }
        for row in rows
    ]


def _plain(text: str) -> str:
    return _ORDER.sub("a00000", " ".join(text.lower().split()))
