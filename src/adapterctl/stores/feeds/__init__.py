"""The door to files of feeds: bytes become typed rows, and a malformed file gives none at all.

A module per feed, named after it; `reading` holds what they share.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from adapterctl.errors import NotFound
from adapterctl.rules.feeds.rows import Feed, Snapshot
from adapterctl.stores.feeds import (
    deprecations_info,
    endoflife,
    hub_cases,
    litellm,
    modeldeprecations,
)
from adapterctl.stores.feeds.reading import Progress

_READ: dict[Feed, Callable[[Path, Progress], Snapshot]] = {
    "litellm": litellm.read,
    "deprecations-info": deprecations_info.read,
    "modeldeprecations": modeldeprecations.read,
    "endoflife": endoflife.read,
    "hub-cases": hub_cases.read,
}


def read_snapshot(feed: Feed, path: Path, *, progress: Progress) -> Snapshot:
    """Returns the rows of a feed's file, or folder.

    Raises:
        AdapterctlError: no such file, or one that is malformed: every place that is wrong.
    """
    if not path.exists():
        raise NotFound("no such file", place=str(path), hint="name the file of the feed")
    return _READ[feed](path, progress)


__all__ = ["read_snapshot"]
