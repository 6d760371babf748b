"""The support tickets of the example: a pool to choose from, a gold set, a later shadow set.

Queues share most of their words, messages carry asides about other queues, typing errors and
signatures, and the pool's labels are partly wrong: 3 % where an agent confirmed the queue, 15 %
where nobody did. The evaluation sets were labelled with care and have no wrong labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any

from adapterctl.jobs.demo import world as words
from adapterctl.jobs.demo.world import Told, world

Row = dict[str, Any]

POOL_ROWS, GOLD_ROWS, SHADOW_ROWS = 2_000, 1_000, 500
WRONG_LABEL = {True: 0.03, False: 0.15}
_TYPO = {"email": 0.01, "form": 0.02, "chat": 0.04, "app": 0.03}
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, kw_only=True)
class Season:
    """A stretch of time: its first day, length in days, news in the shop, and how much changed.

    ``shift`` moves the queues' shares: 0 is the spring, 1 as far as this world goes.
    """

    first: date
    days: int
    items: tuple[str, ...]
    shift: float


SPRING = Season(first=date(2026, 1, 1), days=90, items=(), shift=0.0)
AUTUMN = Season(first=date(2026, 9, 1), days=30, items=("new_items",), shift=0.5)


def pool(seed: int) -> list[Row]:
    """Returns 2,000 tickets of the spring as the help desk has them, raw.

    Columns: ``id``, ``text``, ``label`` (queue), ``channel``, ``received``, ``language``,
    ``confirmed`` (an agent confirmed the queue), ``resolved``, ``duplicate_of`` (an id or null).
    """
    rng = Random(f"{seed}:pool")
    rows: list[Row] = []
    for row in _tickets("p", SPRING, rng):
        if len(rows) == POOL_ROWS:
            return rows
        rows.append(_as_kept(row, rows, rng))
    raise AssertionError("the stream of tickets has no end")


def gold(seed: int, *, apart_from: Sequence[Row]) -> list[Row]:
    """Returns 1,000 carefully labelled tickets of the spring that share no text with others."""
    return _evaluation("g", SPRING, seed=seed, rows=GOLD_ROWS, apart_from=apart_from)


def shadow(seed: int, *, apart_from: Sequence[Row]) -> list[Row]:
    """Returns 500 carefully labelled tickets of the autumn: new items, other shares of queues."""
    return _evaluation("s", AUTUMN, seed=seed, rows=SHADOW_ROWS, apart_from=apart_from)


def _evaluation(
    prefix: str, season: Season, *, seed: int, rows: int, apart_from: Sequence[Row]
) -> list[Row]:
    seen = {_bare(row["text"]) for row in apart_from}
    found: list[Row] = []
    for row in _tickets(prefix, season, Random(f"{seed}:{prefix}")):
        if len(found) == rows:
            return found
        if (bare := _bare(row["text"])) not in seen:
            seen.add(bare)
            found.append(row)
    raise AssertionError("the stream of tickets has no end")


def _tickets(prefix: str, season: Season, rng: Random) -> Iterator[Row]:
    cases, shares = world().cases, _shares(season)
    names = [item for name in ("items", *season.items) for item in world().lists[name]]
    number = 0
    while True:
        (case,) = rng.choices(cases, shares)
        told = words.tell(case, rng, words.facts(rng, items=names))
        number += 1
        yield _raw(f"{prefix}{number:05d}", told, season=season, rng=rng)


def _raw(name: str, told: Told, *, season: Season, rng: Random) -> Row:
    (channel,) = rng.choices(list(_TYPO), (4, 3, 3, 1))
    received = season.first + timedelta(days=rng.randrange(season.days))
    return {
        "id": name,
        "text": dressed(told, channel, rng),
        "label": told.case.queue,
        "channel": channel,
        "received": received.isoformat(),
        "language": "en",
        "confirmed": True,
        "resolved": True,
        "duplicate_of": None,
    }


def _as_kept(row: Row, rows: Sequence[Row], rng: Random) -> Row:
    """Returns a ticket with what goes wrong at a help desk: repeats, other languages, labels."""
    kind = rng.random()
    confirmed = rng.random() < 0.72
    kept = row | {"confirmed": confirmed, "resolved": rng.random() < 0.9}
    if kind < 0.04:
        return kept | {"text": rng.choice(world().lists["foreign"]), "language": "other"}
    if kind < 0.09 and rows:
        first = rng.choice(rows)
        return kept | {key: first[key] for key in ("text", "label")} | {"duplicate_of": first["id"]}
    if rng.random() < WRONG_LABEL[confirmed]:
        return kept | {"label": rng.choice(world().queues)}
    return kept


def _shares(season: Season) -> list[float]:
    """Returns one share per case; a season moves them in a wave over the queues."""
    queues = world().queues
    places = [queues.index(case.queue) for case in world().cases]
    spring = [1.0 + 0.1 * (place % 7) for place in places]
    autumn = [1.0 + 0.2 * (place % 5) for place in places]
    mix = season.shift
    return [(1 - mix) * old + mix * new for old, new in zip(spring, autumn, strict=True)]


def dressed(told: Told, channel: str, rng: Random) -> str:
    """Returns a message as a channel delivers it: capitals, errors, signature, quoted mail."""
    sentences = [mistyped(sentence, _TYPO[channel], rng) for sentence in told.sentences]
    if channel == "chat":
        return rng.choice((" ", ". ", ", ", "\n")).join(sentences)
    body = " ".join(f"{sentence[:1].upper()}{sentence[1:]}." for sentence in sentences)
    if channel != "email":
        return body
    lists = world().lists
    signature = words.fill(rng.choice(lists["signatures"]), rng, told.facts)
    quoted = f"\n{rng.choice(lists['quotes'])}" if rng.random() < 0.3 else ""
    return f"{body}{quoted}\n--\n{signature}"


def mistyped(sentence: str, chance: float, rng: Random) -> str:
    """Returns a sentence with typing errors: each longer word has one with that chance."""
    return " ".join(
        _slip(word, rng) if rng.random() < chance and len(word) > 3 else word
        for word in sentence.split(" ")
    )


def _slip(word: str, rng: Random) -> str:
    place = rng.randrange(len(word) - 1)
    first, second = word[place], word[place + 1]
    slips = (second + first, first, first + second + second, rng.choice(_LETTERS) + second)
    return word[:place] + rng.choice(slips) + word[place + 2 :]


def _bare(text: str) -> str:
    return "".join(character for character in text.lower() if character.isalnum())
