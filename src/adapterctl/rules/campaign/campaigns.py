"""A deprecation as it stands on one day, and whether that is a judgement against."""

from __future__ import annotations

from adapterctl.records.noun import Noun
from adapterctl.rules.campaign.pace import Forecast
from adapterctl.rules.campaign.states import LEFT, Move
from adapterctl.rules.findings import Skipped


class Campaign(Noun, frozen=True, kw_only=True):
    """A deprecation on one day.

    Attributes:
        to: the base that what waits would be rebuilt on, if one is known.
        planned: what was not begun was planned on it, to see what blocks it.
        moves: every adapter, what is left first, then by deadline.
        skipped: what could not be read.
    """

    base: str
    to: str | None
    planned: bool
    moves: list[Move]
    forecast: Forecast
    skipped: list[Skipped]

    @property
    def against(self) -> bool:
        """Whether it will not be in time, somebody has to mend something, or begin at once."""
        left = [each for each in self.moves if each.state in LEFT]
        stuck = any(each.state == "blocked" for each in left)
        late = any(not each.begun and (each.slack_days or 0) < 0 for each in left)
        return stuck or late or self.forecast.in_time is False
