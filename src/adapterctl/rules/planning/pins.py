"""What a rebuild leaves as it was, by its digests."""

from __future__ import annotations

from collections.abc import Iterator

from adapterctl.records.noun import Noun
from adapterctl.records.version import VersionRecord


class Pin(Noun, frozen=True, kw_only=True):
    """One thing that a rebuild does not change, and the digest that holds it."""

    what: str
    digest: str


def pinned(record: VersionRecord) -> Iterator[Pin]:
    """Yields data, code, prepared rows and seed of a version."""
    sets = {"train": record.train, **record.evaluation}
    for name, pin in sets.items():
        yield Pin(what=f"{name}: {pin.path}", digest=f"sha256:{pin.sha256}")
    if record.selection is not None:
        pool = record.selection.pool
        yield Pin(what=f"pool: {pool.path}", digest=f"sha256:{pool.sha256}")
    yield Pin(what=f"code: {record.code.entry_point}", digest=f"sha256:{record.code.digest}")
    for name, prepared in record.prepared.items():
        yield Pin(what=f"prepared rows: {name}", digest=f"sha256:{prepared.rows_sha256}")
    yield Pin(what="seed", digest=str(record.recipe.training.seed))
