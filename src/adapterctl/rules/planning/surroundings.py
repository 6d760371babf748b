"""What differs between the environment of the old version and the one that would rebuild it.

Where both base and environment change, a regression has two possible causes. A rebuild on the old
base, in the new environment, changes one of them alone: its verdict is about the environment, and
that of a second rebuild, from there onto the successor, about the base.
"""

from __future__ import annotations

from adapterctl.records.noun import Noun
from adapterctl.records.version import Environment, VersionRecord
from adapterctl.rules.environments import compared, differences, result_bearing
from adapterctl.rules.trainer_commands import command_of


class Surroundings(Noun, frozen=True, kw_only=True):
    """The environment of a rebuild beside that of the old version.

    Attributes:
        differs: what can change results, each as ``name: recorded -> running``.
        beside: how much else differs.
        first: the commands of the way in two steps; empty where one cause is left anyway, or where
            the old base is not here.
    """

    differs: list[str]
    beside: int
    first: list[str]


def surroundings(
    record: VersionRecord, running: Environment, *, to: str, old_is_here: bool
) -> Surroundings:
    """Returns how the running environment differs from the recorded one, and the way in two steps.

    Args:
        record: of the old version.
        running: the environment that would rebuild it.
        to: the successor.
        old_is_here: the old base can be run.
    """
    own = command_of(record.recipe) is not None
    differs = differences(record.environment, running, own_trainer=own)
    rest = compared(record.environment, running).cannot_change
    told = {line.partition(":")[0] for line in differs}
    name, old = f"{record.adapter}@{record.version}", record.base.base
    first = [
        f"adapterctl rebuild {name} --to {old}",
        f"adapterctl rebuild {record.adapter}@candidate --to {to}",
    ]
    two = old_is_here and old != to and is_another(record, running)
    return Surroundings(
        differs=differs,
        beside=sum(line.partition(":")[0] not in told for line in rest),
        first=first if two else [],
    )


def is_another(record: VersionRecord, running: Environment) -> bool:
    """Whether the same recipe on the same base would be another version in this environment."""
    own = command_of(record.recipe) is not None
    return result_bearing(record.environment, own_trainer=own) != result_bearing(
        running, own_trainer=own
    )
