"""Plans on file: written by ``plan --save``, read by ``rebuild --plan``."""

from __future__ import annotations

from pathlib import Path

import msgspec

from adapterctl.errors import InvalidInput, NotFound
from adapterctl.jobs.project import Project
from adapterctl.jobs.survey import survey
from adapterctl.records.canonical import pretty
from adapterctl.rules.planning.plans import FleetPlan, RebuildPlan, decision, without_rows
from adapterctl.rules.planning.saved import SavedPlan, must_be_sealed, sealed
from adapterctl.stores.files import write_atomically

_HINT = "adapterctl plan NAME --to BASE --save FILE writes one"


def keep(project: Project, plan: RebuildPlan | FleetPlan, path: Path) -> None:
    """Writes a plan, or those of a fleet, to be run as they are."""
    plans = plan.plans if isinstance(plan, FleetPlan) else [plan]
    kept = sealed(
        [decision(one) for one in plans],
        [without_rows(one) for one in plans],
        to=plan.new_base,
        on_base=plan.old_base if isinstance(plan, FleetPlan) else None,
        at=project.stamp,
    )
    write_atomically(path, pretty(kept))
    project.display.say(f"saved: adapterctl rebuild --plan {path}")


def read(path: Path) -> SavedPlan:
    """Returns a plan from its file.

    Raises:
        NotFound: there is no such file.
        InvalidInput: it is no saved plan.
        Mismatch: what it decides was changed after it was saved.
    """
    if not path.is_file():
        raise NotFound("no such file", place=str(path), hint=_HINT)
    try:
        found = msgspec.json.decode(path.read_bytes(), type=SavedPlan)
    except msgspec.DecodeError as error:
        raise InvalidInput.one(f"not a saved plan: {error}", place=str(path), hint=_HINT) from None
    must_be_sealed(found, place=str(path))
    return found


def tell_others(project: Project, plan: SavedPlan) -> None:
    """Says which adapters have come to stand on a fleet's old base since: they are left out."""
    if plan.on_base is None:
        return
    here = [each for each in survey(project).standings if each.leads and each.base == plan.on_base]
    others = sorted({each.name for each in here} - set(plan.names))
    if others:
        project.display.say(f"not in the plan, and left as they are: {', '.join(others)}")
