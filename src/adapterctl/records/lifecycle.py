"""Observations about how long bases and services live."""

from __future__ import annotations

from typing import Literal

from adapterctl.records.noun import Date, Sparse

Phase = Literal["serving", "tuning", "weights"]
Kind = Literal["shutdown", "not_before"]


class Observation(Sparse, frozen=True, kw_only=True):
    """One sighting of a lifecycle date; a line of ``registry/lifecycle/<feed>.jsonl``.

    Attributes:
        subject: the base's name, or the name a feed uses for it.
        phase: which death: ``serving``, ``tuning`` (last day to train on it), ``weights``.
        date: the day; ``None`` is a tombstone: the feed no longer lists what it once did.
        kind: ``shutdown`` is a promise, ``not_before`` only the earliest day; never mixed.
        provider: whose service; ``None`` for the weights themselves or for all providers.
        source: URL or person that says so.
        seen_on: the day the observation was made.
        key: the record's key in its feed; later lines with the same key supersede earlier ones.
    """

    subject: str
    phase: Phase
    kind: Kind
    date: Date | None
    source: str
    seen_on: Date
    key: str
    provider: str | None = None
    region: str | None = None
    successor: str | None = None
    digest: str | None = None
    note: str | None = None


class Naming(Sparse, frozen=True, kw_only=True):
    """One sighting of another name; a line of ``registry/names/<feed>.jsonl``.

    No date is in it, and so it ends nothing: it says that dates about either name are about both.

    Attributes:
        name: a repository of the Hugging Face Hub, ``ORG/NAME``, or ``ORG/*`` for all of one.
        same_as: its name today, of the same form.
        source: URL that says so.
        seen_on: the day that it was seen.
        key: the record's key in its feed; later lines with the same key supersede earlier ones.
    """

    name: str
    same_as: str
    source: str
    seen_on: Date
    key: str
    digest: str | None = None
