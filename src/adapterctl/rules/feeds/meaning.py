"""From a snapshot to observations: the table of feeds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, get_args

from adapterctl.rules.feeds import (
    deprecations_info,
    endoflife,
    hub_cases,
    litellm,
    modeldeprecations,
)
from adapterctl.rules.feeds.rows import Feed, Reading, Row, Snapshot

FEEDS: tuple[Feed, ...] = get_args(Feed)

_OBSERVE: dict[Feed, Callable[[Row[Any], Reading], None]] = {
    "litellm": litellm.observe,
    "deprecations-info": deprecations_info.observe,
    "modeldeprecations": modeldeprecations.observe,
    "endoflife": endoflife.observe,
    "hub-cases": hub_cases.observe,
}


def observations_of(snapshot: Snapshot, *, seen_on: date) -> Reading:
    """Returns what the rows of a snapshot say; of two rows with one key, the later is refused."""
    observe = _OBSERVE[snapshot.feed]
    reading = Reading(feed=snapshot.feed, seen_on=seen_on)
    keys: set[str] = set()
    for row in snapshot.rows:
        if row.key in keys:
            reading.refuse(row, "listed twice; the first counts")
        else:
            keys.add(row.key)
            observe(row, reading)
    return reading
