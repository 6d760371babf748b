"""From an adapter's recipe, records and events to the glance that is judged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from adapterctl.records.adopted import AdoptedVersion, AnyRecord
from adapterctl.records.event import Event, EventKind
from adapterctl.records.glance import Build, Choice, ChosenSet, Glance, Lack, Rebuild
from adapterctl.records.recipe import Evaluator, Margin, Recipe
from adapterctl.records.version import VersionRecord
from adapterctl.rules.aliases import aliases, is_retired, tried
from adapterctl.rules.grades import lacks
from adapterctl.rules.lifecycle.lead_times import days_of_last_move
from adapterctl.rules.removal import REMOVED


def glance(
    adapter: str,
    *,
    recipe: Recipe | None,
    records: Iterable[AnyRecord],
    events: Sequence[Event],
    newest: int,
) -> Glance:
    """Returns what is judged of an adapter.

    Args:
        adapter: its name.
        recipe: as it stands today, if it can be read.
        records: of the versions to be looked at.
        events: all of them, oldest first.
        newest: the highest number registered, 0 without a version.
    """
    builds = [build(record, as_used=recipe is None) for record in records]
    return Glance(
        adapter=adapter,
        choice=choice(recipe) if recipe else None,
        newest=newest,
        builds=sorted(builds, key=lambda each: each.version),
        aliases=aliases(events),
        retired=is_retired(events),
        removed=[event.version for event in events if event.event == REMOVED],
        evaluated=dict(_last(events, "evaluated")),
        reproduced=dict(_last(events, "reproduced")),
        move_days=days_of_last_move(events),
        tried=sorted(tried(events)),
    )


def _last(events: Sequence[Event], kind: EventKind) -> Iterator[tuple[int, str]]:
    """Yields version and time of what happened, the latest last; a failed reproduction did not."""
    for event in sorted(events, key=lambda each: each.at):
        if event.event == kind and event.details.get("kept", event.details.get("identical", True)):
            yield event.version, event.at


def choice(recipe: Recipe) -> Choice:
    """Returns what a recipe says that is judged today."""
    flips = recipe.parity.get("negative_flips")
    evaluator = recipe.evaluator
    return Choice(
        base=recipe.base,
        owners=recipe.owners,
        serving=recipe.serving,
        sets=[
            ChosenSet(
                name=name,
                path=each.path,
                metrics=each.metrics,
                window=each.window,
                margins=_margins(recipe.parity.get(name)),
            )
            for name, each in recipe.data.evaluation.items()
        ],
        flips=flips if isinstance(flips, float) else None,
        purpose=recipe.purpose,
        keep_until=recipe.data.train.keep_until,
        judge=evaluator.judge if isinstance(evaluator, Evaluator) else None,
    )


def _margins(stated: Mapping[str, Margin] | float | None) -> dict[str, float]:
    if not isinstance(stated, Mapping):
        return {}
    return {metric: each.margin for metric, each in stated.items()}


def build(record: AnyRecord, *, as_used: bool = True) -> Build:
    """Returns what is judged of one version; ``as_used``: with the recipe of its record, too."""
    if isinstance(record, AdoptedVersion):
        return Build(
            version=record.version,
            created=record.created,
            base="",
            task=record.task,
            adopted=record,
        )
    return Build(
        version=record.version,
        created=record.created,
        base=record.base.base,
        task=record.recipe.task,
        choice=choice(record.recipe) if as_used else None,
        rows={name: pin.rows for name, pin in record.evaluation.items()},
        repeatable=_is_repeatable(record),
        remote_code=record.recipe.trust_remote_code,
        lock=record.lock.sha256 if record.lock else None,
        unlocked=record.lock.gaps[0] if record.lock and record.lock.gaps else None,
        rebuilt=_rebuild(record),
        lacks=[Lack(letter=letter, code=gap.code, what=gap.what) for letter, gap in lacks(record)],
    )


def _is_repeatable(record: VersionRecord) -> bool:
    elsewhere = record.training is None or record.run is not None
    return not elsewhere or record.recipe.trainer != "builtin"


def _rebuild(record: VersionRecord) -> Rebuild | None:
    origin = record.rebuilt_from
    return Rebuild(version=origin.version, verdict=origin.parity.verdict) if origin else None
