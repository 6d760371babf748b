"""What is known of a training run of another trainer, as a record keeps it."""

from __future__ import annotations

from typing import Any

from adapterctl.records.noun import Noun, Sparse


class Departure(Noun, frozen=True, kw_only=True):
    """One setting that a run used otherwise than the recipe says: its path there, both values."""

    path: str
    recipe: Any
    used: Any


class StatedDataset(Sparse, frozen=True, kw_only=True):
    """A dataset input of a run, as MLflow has it; ``digest`` is MLflow's own, not of the bytes."""

    name: str
    digest: str
    context: str | None = None
    source_type: str | None = None
    source: str | None = None


class StatedRun(Sparse, frozen=True, kw_only=True):
    """What MLflow says of the run behind an adapter: stated there, and verified by nobody.

    Attributes:
        tracking: MLflow's address, without credentials.
        model: the registered model; ``version`` its version, ``aliases`` those it held. ``None``
            where the run itself was asked for.
        run_id: ``None`` for a version that was registered without a run.
        metrics: last values; ``None`` for one that is no finite number.
    """

    tracking: str
    model: str | None = None
    version: int | None = None
    aliases: list[str] = []
    run_id: str | None = None
    user: str | None = None
    git_commit: str | None = None
    git_repo: str | None = None
    params: dict[str, str] = {}
    metrics: dict[str, float | None] = {}
    tags: dict[str, str] = {}
    datasets: list[StatedDataset] = []


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
        stated: what MLflow says of the run, where it was taken from there.
    """

    trainer: str
    departures: list[Departure] = []
    unsaid: dict[str, Any] = {}
    rows: int | None = None
    same_rows: int = 0
    relabelled: int = 0
    stated: StatedRun | None = None
