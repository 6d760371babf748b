"""Answers that were given elsewhere, fitted to the rows of the evaluation sets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from adapterctl.errors import Problem
from adapterctl.records.event import Event
from adapterctl.records.noun import Noun
from adapterctl.records.parity import Prediction
from adapterctl.records.reading import merge
from adapterctl.records.version import ArtifactPin

SHOWN = 20


class Given(Noun, frozen=True, kw_only=True):
    """A line of a predictions file.

    Attributes:
        id: the row's own id as text, or its number after preprocessing, from 0.
        scores: as a `Prediction` holds them.
        set: the evaluation set; may be left out where the recipe has one alone.
    """

    id: str | int
    output: str
    scores: dict[str, float] = {}
    set: str | None = None


class Asked(Noun, frozen=True, kw_only=True):
    """A row of an evaluation set as it is asked: what identifies it, and what is right."""

    id: str
    reference: str
    slice: str | None = None


def recorded_pins(events: Iterable[Event], version: int) -> list[ArtifactPin]:
    """Returns where the predictions lie that were recorded for a version; the last ones count."""
    return [
        msgspec.convert(event.details["predictions"], ArtifactPin)
        for event in events
        if event.event == "evaluated"
        and event.version == version
        and "predictions" in event.details
    ]


def fitted(
    given: Sequence[Given], asked: Mapping[str, Sequence[Asked]], *, place: str
) -> dict[str, list[Prediction]]:
    """Returns a prediction for every row of every set, in the order of the rows.

    Args:
        given: lines of a file.
        asked: the rows of each set.
        place: the file.

    Raises:
        InvalidInput: a line without a set or with an unknown one, an id twice, a row without a
            line or a line without a row; every one.
    """
    merge(_problems(given, asked, place=place))
    only = next(iter(asked))
    found = {(each.set or only, str(each.id)): each for each in given}
    return {
        name: [_prediction(row, found[name, row.id]) for row in rows]
        for name, rows in asked.items()
    }


def _prediction(row: Asked, given: Given) -> Prediction:
    return Prediction(
        id=row.id,
        output=given.output,
        reference=row.reference,
        scores=given.scores,
        slice=row.slice,
    )


def _problems(
    given: Sequence[Given], asked: Mapping[str, Sequence[Asked]], *, place: str
) -> list[Problem]:
    found = list(_strange(given, asked, place=place))
    if not found:
        found = list(_unpaired(given, asked, place=place))
    if len(found) > SHOWN:
        found = [*found[:SHOWN], Problem(place=place, what=f"{len(found):,} such lines in all")]
    return found


def _strange(given: Sequence[Given], asked: Mapping[str, Any], *, place: str) -> Iterator[Problem]:
    only = next(iter(asked))
    seen: dict[tuple[str, str], int] = {}
    for line, each in enumerate(given, start=1):
        here = f"{place}:{line}"
        if each.set is None and len(asked) > 1:
            yield Problem(place=here, what="names no set", hint=f"sets: {', '.join(asked)}")
        elif each.set is not None and each.set not in asked:
            hint = f"sets: {', '.join(asked)}"
            yield Problem(place=here, what=f"no such evaluation set: {each.set!r}", hint=hint)
        first = seen.setdefault((each.set or only, str(each.id)), line)
        if first != line:
            yield Problem(place=here, what=f"the id {str(each.id)!r} stands in line {first} too")


def _unpaired(
    given: Sequence[Given], asked: Mapping[str, Sequence[Asked]], *, place: str
) -> Iterator[Problem]:
    only = next(iter(asked))
    wanted = {(name, row.id) for name, rows in asked.items() for row in rows}
    hint = "give every row of the set one line: its own id, or its number after preprocessing"
    for name, each in sorted(wanted - {(line.set or only, str(line.id)) for line in given}):
        yield Problem(place=place, what=f"no line for row {each!r} of {name}", hint=hint)
    for line, each_line in enumerate(given, start=1):
        if (each_line.set or only, str(each_line.id)) not in wanted:
            what = f"{each_line.set or only} has no row {str(each_line.id)!r}"
            yield Problem(place=f"{place}:{line}", what=what, hint=hint)
