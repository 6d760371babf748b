"""A rebuild on its way up the ladder, and what a rung makes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adapterctl.jobs.inputs.sources import Sources
from adapterctl.jobs.journal import Journal
from adapterctl.jobs.parity import Answers, OldSide
from adapterctl.jobs.project import Project
from adapterctl.records.version import VersionRecord
from adapterctl.rules.planning.budgets import Budget
from adapterctl.rules.planning.ladder import CARRIED, RUNGS, Ladder
from adapterctl.rules.planning.plans import RebuildPlan
from adapterctl.rules.planning.saved import SavedPlan

TRIAL_SECONDS = "trial_seconds"
"""The detail of a rung that says how long its trials trained."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How far a rebuild may go.

    Attributes:
        highest: the highest rung, by its name.
        budget: what it may cost.
        agreed: the saved plan that it is held to.
        noise_floor: how many other seeds the candidate's recipe is trained by, to count flips.
    """

    highest: str | None = None
    budget: str | None = None
    agreed: SavedPlan | None = None
    noise_floor: int = 0


@dataclass(frozen=True, kw_only=True)
class Job:
    """One rebuild under way; ``ladder`` is what it may climb, within ``budget``.

    ``seeds`` is how many others stand under the flips as a noise floor.
    """

    project: Project
    record: VersionRecord
    plan: RebuildPlan
    ladder: Ladder
    budget: Budget | None
    journal: Journal
    device: str
    seeds: int = 0

    @property
    def folder(self) -> Path:
        """Where the journal and everything half-done lie."""
        return self.journal.folder

    @property
    def key(self) -> str:
        """The old version, for digests and messages: ``support-router@1``."""
        return f"{self.record.adapter}@{self.record.version}"

    @property
    def shards(self) -> int:
        """Over how many processes the base is spread: the clean room's params.yaml does not say."""
        return self.project.policy.shards

    def work(self, rung: str) -> Path:
        """Where a rung builds."""
        slug = next(slug for slug, name in RUNGS.items() if name == rung)
        return self.folder / "rungs" / slug

    def note(self, rung: str, step: str, **details: Any) -> None:
        """Notes a finished step of a rung; those of the lowest go without its name."""
        self.journal.note(step_name(rung, step), at=self.project.stamp, **details)

    def done(self, rung: str, step: str) -> bool:
        """Whether a step of a rung was finished."""
        return self.journal.done(step_name(rung, step))


def step_name(rung: str, step: str) -> str:
    """Returns what the journal calls a step of a rung."""
    return step if rung == CARRIED else f"{rung}: {step}"


@dataclass(frozen=True, kw_only=True)
class Climb:
    """What every rung may use.

    Attributes:
        place: the clean room.
        sources: of the carried recipe; with the learning rate that a sweep found, once it did.
        old: what the old adapter answers on the evaluation sets.
    """

    job: Job
    place: Project
    sources: Sources
    old: Answers
    old_side: OldSide


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """What a rung would build; what training starts from lies in the rung's ``work``."""

    rung: str
    sources: Sources
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Out:
    """Why a rung came to nothing."""

    why: str
    details: dict[str, Any] = field(default_factory=dict)
