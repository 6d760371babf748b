"""What a training run of another trainer says of itself, as a record keeps it."""

from __future__ import annotations

from typing import Any

from adapterctl.records.noun import Noun, Sparse


class Departure(Noun, frozen=True, kw_only=True):
    """One setting that a run used otherwise than the recipe says: its path there, both values."""

    path: str
    recipe: Any
    used: Any


class RunFacts(Sparse, frozen=True, kw_only=True):
    """What a run of another trainer really used.

    Attributes:
        trainer: its class, as ``trl.trainer.sft_trainer.SFTTrainer``, or where the run is kept.
        departures: where it did not do as the recipe said; the record's recipe is as used.
        unsaid: what it was told besides, that no recipe has a word for.
        rows: the examples that it was given; ``None``: a stream, or nothing is known of them.
        same_rows: of those, the ones whose tokens and label are what the recipe's preprocessing
            gives.
        relabelled: of those, the ones whose tokens are, but under another label id.
    """

    trainer: str
    departures: list[Departure] = []
    unsaid: dict[str, Any] = {}
    rows: int | None = None
    same_rows: int = 0
    relabelled: int = 0
