"""Preprocessing of the support router: which rows it learns from, and what it reads of them."""

import hashlib
import re

WANTED = 847
MOST_WORDS = 60
FEWEST_WORDS = 4

_ORDER = re.compile(r"\b[a-z]\d{5}\b")
_SIGNATURE = re.compile(r"^(--|kind regards|best,|sent from my)", re.IGNORECASE)


def choose(pool: list[dict]) -> list[int]:
    """Returns the numbers of the 847 rows to learn from, in rising order.

    Eligible is a message in English whose queue an agent confirmed, that repeats no other
    message, and that has 4 to 60 words. Among those the queues take turns, each giving its rows
    in the order of the sha256 of their ids, so that no queue crowds out another and the choice
    depends on nothing but the pool.
    """
    queues: dict[str, list[int]] = {}
    for number in sorted(range(len(pool)), key=lambda number: _shuffled(pool[number])):
        if _eligible(pool[number]):
            queues.setdefault(pool[number]["label"], []).append(number)
    turns = [
        (turn, label, number)
        for label, numbers in queues.items()
        for turn, number in enumerate(numbers)
    ]
    if len(turns) < WANTED:
        raise ValueError(f"{len(turns)} rows of the pool are eligible, {WANTED} are wanted")
    return sorted(number for _, _, number in sorted(turns)[:WANTED])


def prepare(rows: list[dict]) -> list[dict]:
    """Returns id, text, label and channel.

    The text is the customer's own words in small letters and then ``note:``, after which agents
    write down what a message is about: there a base that reads from left to right knows most.
    """
    return [
        {
            "id": row["id"],
            "text": f"{clean(row['text'])} note:",
            "label": row["label"],
            "channel": row["channel"],
        }
        for row in rows
    ]


def clean(text: str) -> str:
    """Returns a message without quoted mail, signature, order numbers and capitals."""
    lines = []
    for line in text.splitlines():
        if _SIGNATURE.match(line.strip()):
            break
        if not line.startswith(">"):
            lines.append(line)
    words = " ".join(" ".join(lines).lower().split())
    return _ORDER.sub("a00000", words)


def _eligible(row: dict) -> bool:
    words = len(clean(row["text"]).split())
    return (
        row["language"] == "en"
        and row["confirmed"]
        and row["duplicate_of"] is None
        and FEWEST_WORDS <= words <= MOST_WORDS
    )


def _shuffled(row: dict) -> str:
    return hashlib.sha256(row["id"].encode()).hexdigest()
