"""What the small bases read before anything else: messages, and what agents noted down.

The same world as the tickets', told by another seed, without queues or labels. Half of the texts
are the matter alone; the others have the asides, courtesies and typing errors of whole messages.
"""

from __future__ import annotations

from random import Random

from adapterctl.jobs.demo import world as words
from adapterctl.jobs.demo.tickets import mistyped
from adapterctl.jobs.demo.world import world

MASKED_ORDER = "a00000"
TYPO = 0.02
NOT_NAMED = "none"


def conversations(seed: int, *, rows: int) -> list[str]:
    """Returns ``rows`` texts in small letters: ``my kettle is dead. note: fault on the kettle``."""
    rng = Random(f"{seed}:conversations")
    return [_conversation(rng) for _ in range(rows)]


def _conversation(rng: Random) -> str:
    case = rng.choice(world().cases)
    told = words.tell(case, rng, words.facts(rng) | {"order": MASKED_ORDER})
    short = rng.random() < 0.5
    sentences = [words.fill(rng.choice(case.say), rng, told.facts)] if short else told.sentences
    typed = [mistyped(sentence, TYPO, rng) for sentence in sentences]
    body = rng.choice((" ", ". ", ". ")).join(typed) + rng.choice(("", ".", "."))
    named = words.mentions(sentences, told.facts["item"])
    device = told.facts["item"] if named else NOT_NAMED
    return f"{body} note: {words.note(told, rng)}. device: {device}"
