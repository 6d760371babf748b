"""Tokens of the old base that the successor does not have, and who uses them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from adapterctl.jobs.inputs.sources import Row
from adapterctl.jobs.planning.bases import Side
from adapterctl.records.version import VersionRecord


def lost_tokens(
    old: Side | None, new: Side, *, rows: Sequence[Row] | None, record: VersionRecord
) -> dict[str, int]:
    """Returns the old base's added tokens that the successor lacks, with the rows that hold them.

    Tokens that no row holds are left out: only a chat template may use them.
    """
    from adapterctl.training.rows.vocabulary import unknown_tokens

    if old is None or not rows or not old.shape.added_tokens:
        return {}
    unknown = unknown_tokens(
        new.folder,
        old.shape.added_tokens,
        trust_remote_code=record.recipe.trust_remote_code,
    )
    counts = {token: sum(_holds(row, token) for row in rows) for token in unknown}
    return {token: count for token, count in counts.items() if count}


def _holds(row: Row, token: str) -> bool:
    return any(token in text for text in _texts(row))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
