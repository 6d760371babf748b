"""What jobs come back with when the answer is a judgement: jobs make them, render shows them."""

from __future__ import annotations

from dataclasses import dataclass

from adapterctl.records.parity import ParityReport
from adapterctl.rules.trails import Divergence


@dataclass(frozen=True, kw_only=True)
class Checked:
    """One pin and what the world says of it; ``problem`` is None when they agree."""

    what: str
    pin: str
    problem: str | None
    hint: str = ""


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """What a reproduction found.

    Attributes:
        level: the highest promise that holds: ``B0`` inputs, ``B1`` preprocessing, ``B2`` weights.
        first_difference: the first step of the trail that differs, when one does.
        environment: what differs between then and now and can change results.
    """

    adapter: str
    version: int
    level: str
    identical: bool
    digest_recorded: str
    digest_rebuilt: str
    first_difference: Divergence | None
    environment: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Rebuilt:
    """The outcome of a rebuild for one adapter; ``error`` is set when there is no candidate.

    Attributes:
        seconds: wall-clock time of the rebuild.
        record: the candidate's record, relative to the project.
    """

    adapter: str
    from_version: int
    base: str
    to_version: int | None = None
    rung: str | None = None
    report: ParityReport | None = None
    seconds: float = 0.0
    record: str | None = None
    error: str | None = None

    @property
    def passed(self) -> bool:
        """Whether the candidate passed its gate."""
        return self.report is not None and self.report.verdict == "PASS"
