"""What reading commands judge of an adapter, small enough for ten thousand of them.

A glance is made from an adapter's recipe, records and events by `rules.glances`, and can be kept:
it says nothing that depends on the day, on other adapters or on the bases' files. Its nouns are
written as arrays; only the release that wrote them reads them.
"""

from __future__ import annotations

import msgspec

from adapterctl.records.adopted import AdoptedVersion
from adapterctl.records.noun import Noun
from adapterctl.records.parity import Verdict
from adapterctl.records.recipe import Owners, Serving


class Compact(Noun, frozen=True, kw_only=True, array_like=True, gc=False):
    """A noun that is kept, never shown: an array, of few words."""


class ChosenSet(Compact, frozen=True, kw_only=True, gc=False):
    """An evaluation set as a recipe names it; ``margins`` by metric, where it sets any."""

    name: str
    path: str
    metrics: list[str]
    window: str | None = None
    margins: dict[str, float] = {}


class Choice(Compact, frozen=True, kw_only=True, gc=False):
    """What a recipe says that is judged as it stands today.

    Attributes:
        flips: the share of negative flips that it allows, where it says so.
        keep_until: until when the training data are to be kept.
        judge: the base that its evaluator asks.
    """

    base: str
    owners: Owners
    serving: list[Serving]
    sets: list[ChosenSet]
    flips: float | None = None
    purpose: str = ""
    keep_until: str | None = None
    judge: str | None = None


class Lack(Compact, frozen=True, kw_only=True, gc=False):
    """One thing that a version lacks, under the code of the finding that names it.

    Attributes:
        letter: the best grade that a version can have without it.
    """

    letter: str
    code: str
    what: str


class Rebuild(Compact, frozen=True, kw_only=True, gc=False):
    """Which version a candidate was rebuilt from, and its gate's verdict."""

    version: int
    verdict: Verdict


class Build(Compact, frozen=True, kw_only=True, gc=False):
    """One version as it was built, or adopted.

    Attributes:
        base: by name, of a version that was built here; ``""`` for an adopted one.
        task: ``None`` for an adopted version that does not say its own.
        choice: as used; ``None`` for an adopted version, and where today's recipe can be read.
        rows: evaluation set to number of its rows.
        repeatable: there is a run of ours to repeat.
        remote_code: code of the base's folder runs with it.
        lock: sha256 of the lock of its environment.
        unlocked: why its environment would not install; ``None`` when it would.
        lacks: what it lacks by its record alone.
        adopted: the record of an adopted version; ``None`` for one that was built here.
    """

    version: int
    created: str
    base: str
    task: str | None
    choice: Choice | None = None
    rows: dict[str, int | None] = {}
    repeatable: bool = False
    remote_code: bool = False
    lock: str | None = None
    unlocked: str | None = None
    rebuilt: Rebuild | None = None
    lacks: list[Lack] = []
    adopted: AdoptedVersion | None = None


class Glance(Compact, frozen=True, kw_only=True, gc=False):
    """An adapter as it stands in ``registry/``.

    Attributes:
        choice: today's; ``None`` without a recipe that can be read.
        newest: the highest number registered, 0 without a version.
        builds: the versions that were looked at, ascending.
        aliases: alias to version.
        removed: versions whose data were deleted, as an event says.
        evaluated: version to when it was last evaluated.
        reproduced: version to when it was last reproduced, and was.
        move_days: calendar days that the last move took.
        tried: versions that were candidates at any time.
    """

    adapter: str
    choice: Choice | None
    newest: int
    builds: list[Build]
    aliases: dict[str, int] = {}
    retired: bool = False
    removed: list[int] = []
    evaluated: dict[int, str] = {}
    reproduced: dict[int, str] = {}
    move_days: int | None = None
    tried: list[int] = []


def encode(value: object) -> bytes:
    """Returns glances as they are kept."""
    return msgspec.msgpack.encode(value)
