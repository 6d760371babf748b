"""An adapter version as an audit judges it: the day it looks at, and what it asks of a version."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Protocol

from adapterctl.records.lifecycle import Observation, Phase
from adapterctl.records.noun import Noun
from adapterctl.records.recipe import Serving
from adapterctl.rules.findings import Finding, Severity
from adapterctl.rules.lifecycle.almanac import Status
from adapterctl.rules.lifecycle.tuned import is_tuned

_PHRASES = {"serving": "serving of", "tuning": "tuning on", "weights": "weights of"}


class Frame(Noun, frozen=True, kw_only=True):
    """What the audit looks at: the day, and how many days ahead."""

    today: date
    horizon_days: int

    @property
    def until(self) -> date:
        """The last day within the horizon."""
        ahead = min(self.horizon_days, (date.max - self.today).days)
        return self.today + timedelta(days=ahead)


class Mover(Protocol):
    """What is asked of an adapter version that may have to move."""

    @property
    def adapter(self) -> str:
        """The adapter's name."""

    @property
    def base(self) -> str:
        """The base it is built on."""

    @property
    def status(self) -> Status:
        """What hits it."""

    @property
    def aliases(self) -> list[str]:
        """Those that it holds."""

    @property
    def passed(self) -> int | None:
        """A candidate on another base that passed its gate."""


class Judged(Mover, Protocol):
    """What is asked of an adapter version, or of an adapter that has none yet."""

    @property
    def name(self) -> str:
        """What findings call it."""

    @property
    def owners(self) -> list[str]:
        """Who has to move."""

    @property
    def consumers(self) -> list[str]:
        """Who must hear of it."""

    @property
    def serving(self) -> list[Serving]:
        """Where it is served, as far as anything says."""


def about(
    standing: Judged,
    code: str,
    severity: Severity,
    *,
    message: str,
    mend: str,
    phase: Phase | None = None,
    provider: str | None = None,
    region: str | None = None,
    date: date | None = None,
    slack_days: int | None = None,
) -> Finding:
    """Returns a finding about an adapter version, with its people filled in."""
    return Finding(
        code=code,
        severity=severity,
        subject=f"adapter:{standing.name}",
        message=message,
        owners=standing.owners,
        base=standing.base,
        phase=phase,
        provider=provider,
        region=region,
        affects=standing.consumers,
        date=date,
        slack_days=slack_days,
        mend=mend,
    )


def phrase(clock: Observation, base: str) -> str:
    """Returns what ends: ``serving of gpt-4o at azure in eu:``."""
    tuned = "fine-tunes of " if is_tuned(clock) else ""
    provider = f" at {clock.provider}" if clock.provider else ""
    region = f" in {clock.region}" if clock.region else ""
    return f"{_PHRASES[clock.phase]} {tuned}{base}{provider}{region}:"
