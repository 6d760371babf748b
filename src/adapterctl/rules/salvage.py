"""Salvage: prompts that an adapter is asked while its base lives, and what stands in for data."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, Literal

import msgspec

from adapterctl.records.event import Event
from adapterctl.records.noun import Noun
from adapterctl.records.recipe import Data, TrainData
from adapterctl.records.version import DatasetPin, VersionRecord
from adapterctl.rules.overlap import overlap

SALVAGED: Final = "salvaged"


class Salvaged(Noun, frozen=True, kw_only=True):
    """What was kept of a version; ``details`` of its event.

    Attributes:
        pin: the file of prompts with the adapter's answers, under DVC.
        prompts: whether they are real ones, or made up from the words of the seeds.
        permission: by which real ones were kept.
        dropped: prompts that were repeated, or too near to a seed.
        never: labels that no prompt was answered with: little of them can be learned.
    """

    pin: DatasetPin
    prompts: Literal["real", "made up"]
    dropped: int
    permission: str | None = None
    never: list[str] = []


def latest(events: Iterable[Event], version: int) -> Salvaged | None:
    """Returns what was salvaged of a version last."""
    found = [one for one in events if one.event == SALVAGED and one.version == version]
    return msgspec.convert(found[-1].details, Salvaged) if found else None


def made_up(seeds: Sequence[str], *, count: int, seed: int) -> list[str]:
    """Returns texts in which each word follows one that it follows in a seed.

    A chain over pairs of words: the vocabulary and the local order of the seeds, in sentences that
    nobody wrote. The same seeds and number give the same texts.
    """
    rng = random.Random(seed)
    after: dict[str, list[str]] = defaultdict(list)
    sentences = [words for text in seeds if (words := text.split())]
    for words in sentences:
        for one, following in pairwise(words):
            after[one].append(following)
    found = []
    for _ in range(count if sentences else 0):
        length = len(rng.choice(sentences))
        words = [rng.choice(sentences)[0]]
        while len(words) < length:
            words.append(rng.choice(after.get(words[-1]) or rng.choice(sentences)))
        found.append(" ".join(words))
    return found


def fresh(prompts: Sequence[str], seeds: Sequence[str]) -> list[int]:
    """Returns which prompts are no seed, no near-duplicate of one, and no repetition."""
    found = overlap(seeds, prompts)
    out = {row for row, _ in [*found.shared, *found.near]}
    first: dict[str, int] = {}
    for row, text in enumerate(prompts):
        first.setdefault(text.strip().casefold(), row)
    return [row for row in sorted(first.values()) if row not in out and prompts[row].strip()]


def asked(like: Mapping[str, Any], text: str, *, answer: str) -> dict[str, Any]:
    """Returns a row in the form of ``like``, with this prompt and this answer."""
    if "text" in like:
        return {"text": text, "label": answer}
    if "prompt" in like:
        return {"prompt": text, "completion": answer}
    before = [turn for turn in like["messages"] if turn.get("role") == "system"]
    turns = [{"role": "user", "content": text}, {"role": "assistant", "content": answer}]
    return {"messages": [*before, *turns]}


def derived(record: VersionRecord, salvaged: Salvaged, *, removed: bool) -> VersionRecord:
    """Returns the record as a rebuild from salvage reads it.

    Args:
        record: of the version whose training data are gone.
        salvaged: what is left.
        removed: its data were removed lawfully: its evaluation sets may not be used either.
    """
    train = TrainData(
        path=salvaged.pin.path, sensitive=record.recipe.data.train.sensitive, salvaged=True
    )
    sets = {} if removed else record.recipe.data.evaluation
    data = Data(train=train, evaluation=sets)
    return msgspec.structs.replace(
        record,
        recipe=msgspec.structs.replace(record.recipe, data=data),
        train=salvaged.pin,
        evaluation={} if removed else record.evaluation,
        selection=None,
        prepared={},
    )
