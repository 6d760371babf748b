"""The example's world: what customers say, in which words, and what agents note down.

The words stand in ``files/world.yaml``; here they are put together. Everything is drawn from a
``random.Random`` that the caller seeds, with calls whose results are the same on every platform.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any

from adapterctl.records.yaml_text import parse

_HOLE = re.compile(r"\[([^\[\]]*)\]|\{(\w+)\}")
_FIXED = {
    "item": "items",
    "day": "days",
    "month": "months",
    "city": "cities",
    "name": "names",
    "colour": "colours",
}


@dataclass(frozen=True, kw_only=True)
class Case:
    """One thing that customers write about: what they say, what an agent notes, whose it is."""

    queue: str
    name: str
    say: tuple[str, ...]
    note: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class World:
    """All words of the example, by their place in ``world.yaml``."""

    cases: tuple[Case, ...]
    words: Mapping[str, Sequence[str]]
    questions: Mapping[str, Sequence[str]]
    teams: Mapping[str, str]
    actions: Mapping[str, str]
    lists: Mapping[str, Sequence[str]]

    @property
    def queues(self) -> list[str]:
        """The names of the queues, sorted."""
        return sorted({case.queue for case in self.cases})


@dataclass(frozen=True, kw_only=True)
class Told:
    """One message before it is dressed up: its case, its facts, and its sentences in order."""

    case: Case
    facts: Mapping[str, str]
    sentences: tuple[str, ...]


@cache
def world() -> World:
    """Returns the world as ``files/world.yaml`` describes it."""
    source = files("adapterctl.jobs.demo.files").joinpath("world.yaml")
    data: dict[str, Any] = parse(source.read_text("utf-8"), file="world.yaml").data
    cases = tuple(
        Case(queue=queue, name=name, say=tuple(texts["say"]), note=tuple(texts["note"]))
        for queue, named in data.pop("queues").items()
        for name, texts in named.items()
    )
    return World(
        cases=cases,
        words={name: text.split(" | ") for name, text in data.pop("words").items()},
        questions=data.pop("questions"),
        teams=data.pop("teams"),
        actions=data.pop("actions"),
        lists=data,
    )


def facts(rng: Random, *, items: Sequence[str] | None = None) -> dict[str, str]:
    """Draws what stays the same within one message: item, day, city, order number and so on."""
    lists = world().lists
    fixed = {key: rng.choice(lists[name]) for key, name in _FIXED.items()}
    fixed["item"] = rng.choice(items or lists["items"])
    fixed["other"] = _another(rng, lists["items"], fixed["item"])
    fixed["other_colour"] = _another(rng, lists["colours"], fixed["colour"])
    fixed["order"] = f"{rng.choice('abcdefgh')}{rng.randrange(10_000, 100_000)}"
    fixed["phone"] = str(rng.randrange(100_000, 1_000_000))
    fixed["Name"], fixed["City"] = fixed["name"].capitalize(), fixed["city"].capitalize()
    return fixed


def fill(text: str, rng: Random, fixed: Mapping[str, str]) -> str:
    """Returns ``text`` with every ``[a|b]`` chosen and every ``{word}`` put in."""
    words = world().words

    def chosen(hole: re.Match[str]) -> str:
        if hole[1] is not None:
            return str(rng.choice(hole[1].split("|")))
        return str(fixed.get(hole[2]) or rng.choice(words[hole[2]]))

    while _HOLE.search(text):
        text = _HOLE.sub(chosen, text)
    return text


def tell(case: Case, rng: Random, fixed: Mapping[str, str]) -> Told:
    """Draws a message about ``case``: the matter itself among asides, details and courtesies."""
    lists = world().lists
    core = [fill(rng.choice(case.say), rng, fixed)]
    for name, chance in (("asides", 0.45), ("asides", 0.12), ("details", 0.35)):
        if rng.random() < chance:
            sentence = fill(rng.choice(lists[name]), rng, fixed)
            core.insert(rng.randrange(len(core) + 1), sentence)
    opening = [rng.choice(lists["openings"])] if rng.random() < 0.5 else []
    closing = [fill(rng.choice(lists["closings"]), rng, fixed)] if rng.random() < 0.4 else []
    return Told(case=case, facts=fixed, sentences=(*opening, *core, *closing))


def tell_shortly(case: Case, rng: Random, fixed: Mapping[str, str]) -> Told:
    """Draws a message about ``case`` that is the matter itself and nothing else."""
    return Told(case=case, facts=fixed, sentences=(fill(rng.choice(case.say), rng, fixed),))


def mentions(sentences: Sequence[str], fact: str) -> bool:
    """Whether a word or words stand in what was said."""
    return re.search(rf"\b{re.escape(fact)}\b", " . ".join(sentences)) is not None


def note(told: Told, rng: Random) -> str:
    """Draws what an agent writes down about a message."""
    return fill(rng.choice(told.case.note), rng, told.facts)


def _another(rng: Random, choices: Sequence[str], than: str) -> str:
    return rng.choice([choice for choice in choices if choice != than])
