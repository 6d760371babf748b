"""An adapter that does nothing, or is not one for its base, is refused before it is filed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapterctl.errors import InvalidInput, Problem, Refused
from adapterctl.jobs.inputs.sources import Sources
from adapterctl.jobs.project import Project
from adapterctl.records.recipe import Recipe
from adapterctl.rules.effects import idle, misfits
from adapterctl.rules.probe import probe_rows

if TYPE_CHECKING:
    from adapterctl.training.loading import LoadedBase

NAMED_TENSORS = 20


def must_take_effect(
    project: Project, sources: Sources, *, base: LoadedBase, adapter: Path
) -> None:
    """Refuses an adapter that cannot have been meant; asks it no more than a few rows.

    Args:
        project: where.
        sources: what the adapter was built from.
        base: loaded, bare; it is left bare.
        adapter: the adapter's folder.

    Raises:
        InvalidInput: its weights hold NaN or infinity; the tensors are named.
        Refused: keys or target modules without a place (WGT002), or the base answers to the
            last bit as without it (WGT001).
    """
    places = probe_rows(sources.rows, sources.recipe.probe)
    rows = [sources.rows[source][number] for source, number in places]
    project.display.say(f"asking {len(rows)} rows with {sources.recipe.adapter} and without it")
    must_change_answers(sources.recipe, base, adapter=adapter, rows=rows, labels=sources.labels)


def must_change_answers(
    recipe: Recipe,
    base: LoadedBase,
    *,
    adapter: Path,
    rows: Sequence[dict[str, Any]],
    labels: Sequence[str],
) -> None:
    """Refuses an adapter that is not one for its base, or changes the answer to none of ``rows``.

    Raises:
        InvalidInput, Refused: see `must_take_effect`.
    """
    from adapterctl.training.adapted import fit
    from adapterctl.training.asking.effect import effect

    name = recipe.adapter
    _must_be_finite(adapter, name)
    _refuse(misfits(fit(base, adapter), place=name))
    found = effect(
        base,
        adapter,
        rows=rows,
        labels=labels,
        settings=recipe.training,
        place=f"{name}: probe",
    )
    _refuse(idle(found, place=name))


def _must_be_finite(adapter: Path, name: str) -> None:
    from adapterctl.training.asking.effect import nonfinite

    spoilt = nonfinite(adapter)
    problems = [
        Problem(
            place=f"{name}: {tensor}",
            what=f"{count:,} values are NaN or infinite",
            hint="the training diverged: lower the learning rate, or clip the gradient",
        )
        for tensor, count in list(spoilt.items())[:NAMED_TENSORS]
    ]
    if len(spoilt) > NAMED_TENSORS:
        problems.append(Problem(place=name, what=f"{len(spoilt):,} such tensors in all"))
    if problems:
        raise InvalidInput(problems)


def _refuse(problems: Iterable[Problem]) -> None:
    found = list(problems)
    if found:
        raise Refused(
            "; ".join(problem.what for problem in found), place=found[0].place, hint=found[0].hint
        )
