"""The two bases of a plan, and how long the successor lives."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from adapterctl.errors import AdapterctlError
from adapterctl.jobs.inputs.base_folder import checked, locate
from adapterctl.jobs.inputs.declared_bases import readable_bases
from adapterctl.jobs.project import Project, require
from adapterctl.records.base import Base, BaseShape
from adapterctl.records.recipe import Recipe, Task
from adapterctl.records.version import VersionRecord
from adapterctl.rules.lifecycle.almanac import Almanac, Status
from adapterctl.rules.lifecycle.dates import day_of
from adapterctl.rules.lifecycle.succession import Move, Succession, succession
from adapterctl.rules.standing import Standing


@dataclass(frozen=True, kw_only=True)
class Successor:
    """The base to move to, looked at once for all adapters."""

    base: Base
    folder: Path
    almanac: Almanac
    shapes: dict[tuple[Path, Task, bool], BaseShape] = field(default_factory=dict)

    def shape(self, recipe: Recipe, *, folder: Path | None = None) -> BaseShape:
        """Returns the shape of this base, or of the old one in ``folder``, read once."""
        from adapterctl.training.inspect import describe

        key = folder or self.folder, recipe.task, recipe.trust_remote_code
        if key not in self.shapes:
            self.shapes[key] = describe(
                key[0], task=recipe.task, trust_remote_code=recipe.trust_remote_code
            )
        return self.shapes[key]

    def runway(self, today: date, standing: Standing) -> Status:
        """Returns how long this base would live for an adapter that is served as it is now."""
        return self.almanac.status_on(
            today,
            base=self.base.base,
            serving=standing.serving,
            lead_days=standing.status.lead_days,
        )

    def onward(self, today: date, standing: Standing) -> Succession:
        """Returns who follows this base in turn, from the day that the adapter would need it."""
        ends = standing.status.ends
        use = self.almanac.use(self.base.base, standing.serving)
        arrival = max(today, day_of(ends)) if ends else today
        move = Move(self.base.base, use, arrival, standing.status.lead_days)
        return succession(self.almanac, move)


def successor_of(project: Project, to: str) -> Successor:
    """Returns the base to move to, its weights compared with its fingerprint."""
    require("torch", extra="train", needed_for="a rebuild plan")
    base = project.registry.base(to)
    folder = checked(project, base) if base.fingerprint else locate(project, base)
    almanac = project.almanac({**readable_bases(project), to: base})
    return Successor(base=base, folder=folder, almanac=almanac)


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of the two bases."""

    folder: Path
    shape: BaseShape


def old_side(
    project: Project, record: VersionRecord, successor: Successor
) -> tuple[Side | None, list[str]]:
    """Returns the old base, or ``None`` and what cannot be compared without it."""
    try:
        folder = checked(project, record.base)
        shape = successor.shape(record.recipe, folder=folder)
    except AdapterctlError as error:
        reason = error.problems[0].what
        return None, [
            f"{reason}: modules are mapped by the names in the record, and shapes, tokenizer, "
            "template and time cannot be compared"
        ]
    return Side(folder=folder, shape=shape), []
