"""What jobs come back with when the answer is a judgement: jobs make them, render shows them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from adapterctl.records.noun import Noun
from adapterctl.records.parity import ParityReport
from adapterctl.records.policy import Waiver
from adapterctl.records.version import Climbed
from adapterctl.rules.planning.ladder import SALVAGE
from adapterctl.rules.probe import Moved
from adapterctl.rules.trails import Divergence


@dataclass(frozen=True, kw_only=True)
class Checked:
    """One pin and what the world says of it; ``problem`` is None when they agree.

    Attributes:
        notes: what is worth knowing and no judgement against.
    """

    what: str
    pin: str
    problem: str | None
    hint: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """A version's probe, asked again in the running environment.

    Attributes:
        aspects: what moved, from the text to the outputs.
        environment: what differs between then and now and can change results.
    """

    adapter: str
    version: int
    aspects: tuple[Moved, ...]
    environment: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether nothing moved, to the last bit."""
        return not any(aspect.moved for aspect in self.aspects)


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """What a reproduction found.

    Attributes:
        level: the highest promise that holds: ``B0`` inputs, ``B1`` preprocessing, ``B2`` weights,
            ``B3`` every logged step of the trail as well.
        first_difference: the first step of the trail that differs, when one does.
        environment: what differs between then and now and can change results.
        promise: the level that its trainer promises: ``B2`` the builtin one, ``B1`` a command.
        cause: the likely reason of a mismatch, in words; ``None`` without one.
    """

    adapter: str
    version: int
    level: str
    identical: bool
    digest_recorded: str
    digest_rebuilt: str
    first_difference: Divergence | None
    environment: tuple[str, ...]
    promise: str = "B2"
    cause: str | None = None

    @property
    def kept(self) -> bool:
        """Whether the promise was kept; levels are named in their order."""
        return self.level >= self.promise


@dataclass(frozen=True, kw_only=True)
class NotReproduced:
    """A version of a drill that could not even be run again: an input is gone, or changed."""

    adapter: str
    version: int
    error: str


@dataclass(frozen=True, kw_only=True)
class Rebuilt:
    """The outcome of a rebuild for one adapter; ``error`` is set when there is no candidate.

    Attributes:
        seconds: wall-clock time of the rebuild.
        record: the candidate's record, relative to the project.
        ladder: the rungs that were tried.
        rebuild_by: the day by which work must start; ``slack_days`` until then.
    """

    adapter: str
    from_version: int
    base: str
    to_version: int | None = None
    rung: str | None = None
    report: ParityReport | None = None
    seconds: float = 0.0
    record: str | None = None
    ladder: tuple[Climbed, ...] = ()
    rebuild_by: date | None = None
    slack_days: int | None = None
    error: str | None = None

    @property
    def derived(self) -> bool:
        """Whether it learned salvaged answers: it is not called rebuilt."""
        return self.rung == SALVAGE

    @property
    def passed(self) -> bool:
        """Whether the candidate passed its gate."""
        return self.report is not None and self.report.verdict == "PASS"


class Acceptance(Noun, frozen=True, kw_only=True):
    """A waiver as it stands now, and what became of it.

    Attributes:
        state: ``unchanged`` when the same was accepted already; ``changed`` when it supersedes
            ``before``.
    """

    waiver: Waiver
    state: Literal["added", "changed", "unchanged"]
    before: Waiver | None = None


def accepted(waiver: Waiver, known: Iterable[Waiver]) -> Acceptance:
    """Returns what a waiver does to those that are known already."""
    same = [one for one in known if (one.code, one.subject) == (waiver.code, waiver.subject)]
    if not same:
        return Acceptance(waiver=waiver, state="added")
    before = max(same, key=lambda one: one.until)
    if len(same) == 1 and (before.reason, before.until) == (waiver.reason, waiver.until):
        return Acceptance(waiver=before, state="unchanged")
    return Acceptance(waiver=waiver, state="changed", before=before)
