"""What the documents' reader brings along: two bases and a file of labelled tickets."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapterctl.jobs.demo import SEED, make_bases, tickets
from adapterctl.jobs.demo.files.support_router_prepare import choose, prepare
from support.projects import write_jsonl


@pytest.fixture(scope="session")
def demo_bases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``old-base``, ``new-base`` and ``tickets.jsonl`` (text, label)."""
    folder = tmp_path_factory.mktemp("reader")
    made = make_bases(folder, progress=lambda *_: None)
    for path, name in zip(made, ("old-base", "new-base"), strict=True):
        path.rename(folder / name)
    pool = tickets.pool(SEED)
    rows = [pool[number] for number in choose(pool)] + tickets.gold(SEED, apart_from=pool)
    plain = [{"text": row["text"], "label": row["label"]} for row in prepare(rows)]
    write_jsonl(folder / "tickets.jsonl", plain)
    return folder
