"""A prepared row as a conversation: what an endpoint is asked, what a judge is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from adapterctl.jobs.inputs.sources import Row


def messages_of(row: Row) -> Sequence[Mapping[str, Any]]:
    """Returns a prepared row as the conversation that an endpoint is asked, its answer left out."""
    if "messages" in row:
        turns: list[Any] = row["messages"]
        return turns[:-1] if turns and turns[-1].get("role") == "assistant" else turns
    prompt = row.get("prompt", row.get("text"))
    return prompt if isinstance(prompt, list) else [{"role": "user", "content": str(prompt)}]
