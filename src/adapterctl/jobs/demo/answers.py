"""The instructions of the example: a customer's message, a question about it, a short answer.

Some answers stand in the message (which device, city, month, weekday, or that none is named),
some must be known (what to do next), and a reply needs both. Other devices are named in passing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

from adapterctl.jobs.demo import world as words
from adapterctl.jobs.demo.world import Told, world

Row = dict[str, Any]

TRAIN_ROWS, GOLD_ROWS = 900, 400
SHARES = {"device": 3, "team": 2, "action": 3, "reply": 3}
NOT_NAMED = "none"


def train(seed: int) -> list[Row]:
    """Returns 900 rows: ``id``, ``kind`` of question, ``message``, ``question``, ``answer``."""
    return _apart(_rows("a", Random(f"{seed}:answers")), TRAIN_ROWS, seen=set())


def gold(seed: int, *, apart_from: Sequence[Row]) -> list[Row]:
    """Returns 400 rows like `train`'s whose messages and questions are not among the others."""
    seen = {_asked(row) for row in apart_from}
    return _apart(_rows("b", Random(f"{seed}:answers gold")), GOLD_ROWS, seen=seen)


def _apart(rows: Iterator[Row], wanted: int, *, seen: set[tuple[str, str]]) -> list[Row]:
    found: list[Row] = []
    while len(found) < wanted:
        row = next(rows)
        if _asked(row) not in seen:
            seen.add(_asked(row))
            found.append(row)
    return found


def _asked(row: Row) -> tuple[str, str]:
    return row["message"].lower(), row["kind"]


def _rows(prefix: str, rng: Random) -> Iterator[Row]:
    number = 0
    while True:
        told = words.tell_shortly(rng.choice(world().cases), rng, words.facts(rng))
        (kind,) = rng.choices(list(SHARES), list(SHARES.values()))
        answer = _answer(kind, told)
        if answer == NOT_NAMED and rng.random() < 0.7:
            continue
        number += 1
        yield {
            "id": f"{prefix}{number:05d}",
            "kind": kind,
            "message": " ".join(f"{text[:1].upper()}{text[1:]}." for text in told.sentences),
            "question": f"{rng.choice(world().questions[kind]).capitalize()}?",
            "answer": answer,
        }


def _answer(kind: str, told: Told) -> str:
    queue = told.case.queue
    named = words.mentions(told.sentences, told.facts["item"])
    match kind:
        case "device":
            return told.facts["item"] if named else NOT_NAMED
        case "team":
            return world().teams[queue]
        case "action":
            return world().actions[queue]
    about = told.facts["item"] if named else "trouble"
    return f"sorry about the {about}, we {world().actions[queue]}"
