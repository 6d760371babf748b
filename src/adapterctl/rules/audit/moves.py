"""Where an adapter moves to when its base ends, and the command that begins it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from pathlib import PurePath

from adapterctl.records.base import Base
from adapterctl.records.lifecycle import Observation
from adapterctl.rules.adoption.adopted import NO_BASE
from adapterctl.rules.audit.judged import Mover
from adapterctl.rules.lifecycle.almanac import Almanac
from adapterctl.rules.lifecycle.dates import day_of
from adapterctl.rules.lifecycle.succession import Link, Move, Succession, succession
from adapterctl.rules.names.stated import stated_base


def next_step(
    mover: Mover, found: Succession, bases: Mapping[str, Base], *, provider: str | None
) -> str:
    """Returns what is to be done about the end of a base.

    Args:
        mover: the version that has to move, or to be let go.
        found: who follows the base.
        bases: those that are declared.
        provider: whose service ends.
    """
    if mover.passed is not None:
        return f"adapterctl promote {mover.adapter}@{mover.passed}"
    if mover.aliases == ["previous"]:
        return f"adapterctl rollback {mover.adapter} --check"
    chosen = found.chosen
    if chosen is None:
        return f"adapterctl plan {mover.adapter} --to SUCCESSOR"
    return _move_to(mover, chosen, bases, provider=provider)


def _move_to(mover: Mover, chosen: Link, bases: Mapping[str, Base], *, provider: str | None) -> str:
    if not chosen.declared:
        return declare(chosen.name, provider)
    source = bases[chosen.name].source
    if source.provider is not None:
        # No rebuild reaches into a provider: what it trains is taken in afterwards.
        return (
            f"train it on {source.model or chosen.name} at {source.provider}, "
            "then adapterctl import --hosted FILE"
        )
    return f"adapterctl plan {mover.adapter} --to {chosen.name}"


def successors(mover: Mover, almanac: Almanac, *, clock: Observation, today: date) -> Succession:
    """Returns who may follow when ``clock`` comes, or from today on if it has."""
    arrival = max(today, day_of(clock))
    move = Move(mover.base, mover.status.use, arrival, mover.status.lead_days)
    return succession(almanac, move, clock=clock)


def way_of(found: Succession) -> str:
    """Returns how one gets to the successor, if there is anything to say; it begins with ``;``."""
    path = found.path
    if not path:
        return _dead_end(found)
    if len(path) == 1 and not path[0].differs:
        return ""
    return f"; successor {' -> '.join(map(described, path))}"


def _dead_end(found: Succession) -> str:
    ended = [f"{described(link)}, named by {link.after}" for link in found.links]
    back = [f"{after} names {name} again" for after, name in found.circles]
    return f"; no successor is left: {'; '.join([*ended, *back])}" if ended or back else ""


def described(link: Link) -> str:
    """Returns a successor's name and what speaks against it."""
    ends = link.status.ends
    said = [*link.differs]
    if ends is not None and link.outlook != "lives":
        said.insert(0, f"until {ends.date}")
    return f"{link.name} ({', '.join(said)})" if said else link.name


def declare(stated: str, provider: str | None) -> str:
    """Returns how a base that is not known is declared, so that a plan can name it."""
    name = re.sub(r"[^a-z0-9._-]", "-", stated.rpartition("/")[2].lower()).lstrip("._-")
    if provider is not None:
        return f"adapterctl bases add {name} --provider {provider} --model {stated}"
    if "/" in stated:
        return f"adapterctl bases add {name} --hub {stated}@REVISION"
    return f"adapterctl bases add {name} --path DIR"


def declare_first(mover: Mover, provider: str | None) -> str:
    """Returns how the base is declared that an adopted version only states.

    Args:
        mover: the version.
        provider: whose service the base is needed for; ``None`` for its weights.
    """
    if provider is not None:
        return declare(mover.base, provider)
    if mover.base == NO_BASE:
        return f"write base in registry/adapters/{mover.adapter}/recipe.yaml"
    repository = stated_base(mover.base).kind == "hub"
    return declare(mover.base if repository else PurePath(mover.base).name, None)
