"""What the documents' reader brings along: two bases and a file of labelled tickets.

Fewer steps and fewer rows than the demo has: enough to learn from, and a third of the time.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from adapterctl.jobs.demo import SEED, conversations, tickets
from adapterctl.jobs.demo.files.support_router_prepare import choose, prepare
from support.projects import write_jsonl

TEXTS = 4_000
STEPS = {"old-base": 100, "new-base": 160}
TRAIN_ROWS, GOLD_ROWS = 700, 300


@pytest.fixture(scope="session")
def demo_bases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``old-base``, ``new-base`` and ``tickets.jsonl`` (text, label)."""
    from adapterctl.training.small_bases import NEW, OLD, make_bases

    folder = tmp_path_factory.mktemp("reader")
    made = make_bases(
        folder,
        texts=conversations.conversations(SEED, rows=TEXTS),
        seed=SEED,
        progress=lambda *_: None,
        blueprints=[
            replace(blueprint, steps=steps)
            for blueprint, steps in zip((OLD, NEW), STEPS.values(), strict=True)
        ],
        threads=1,
    )
    for path, name in zip(made, STEPS, strict=True):
        path.rename(folder / name)
    pool = tickets.pool(SEED)
    chosen = [pool[number] for number in choose(pool)]
    rows = chosen[:TRAIN_ROWS] + tickets.gold(SEED, apart_from=pool)[:GOLD_ROWS]
    plain = [{"text": row["text"], "label": row["label"]} for row in prepare(rows)]
    write_jsonl(folder / "tickets.jsonl", plain)
    return folder
