"""Real messages and a real base: registered on a base that dies, rebuilt on MiniLM, reproduced.

The subset: 8 of the 77 intents, 20 training and 12 test messages of each. The whole is measured by
``python -m benchmarks.banking77``, which runs the same commands.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from benchmarks import intents, small_bert
from benchmarks.intents import ADAPTER, MINILM, OLD, Stage

from adapterctl.records.version import VersionRecord
from adapterctl.stores.registry import FolderRegistry
from adapterctl.stores.rows import read_rows

INTENTS, TRAIN, GOLD = 8, 160, 96
CHANCE = 1 / INTENTS
# Thirty steps end half-way at the full run's learning rate, and of 96 rows its flip limit of 0.05
# allows none: with either, one answer more or less sends the ladder on to another rung.
SETTINGS = intents.Settings(epochs=3, batch=16, max_length=32, learning_rate=4e-3, flips=0.15)
BASE = small_bert.Plan(hidden=64, vocabulary=800, steps=60, batch=32)


@dataclass(frozen=True, kw_only=True)
class Story:
    """The project after all four commands, and what each answered."""

    root: Path
    today: date
    audit: Stage
    rebuild: Stage
    reproduce: Stage

    def record(self, version: int) -> VersionRecord:
        return FolderRegistry(self.root).record(ADAPTER, version)

    def metric(self, name: str):
        return next(m for m in self.rebuild.result["metrics"] if m["name"] == name)


@pytest.fixture(scope="module")
def story(corpus: Path, minilm: Path, tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("banking77")
    messages = intents.subset(intents.read(corpus), intents=INTENTS, train=TRAIN, gold=GOLD)
    texts = [row["text"] for row in messages.train]
    small_bert.build(folder / OLD, texts, BASE, progress=lambda label, done, total: None)
    root = intents.make_project(folder, messages, SETTINGS, minilm=minilm)
    today = datetime.now(UTC).date()
    intents.register(root)
    intents.announce(root, today)
    return Story(
        root=root,
        today=today,
        audit=intents.audit(root, today),
        rebuild=intents.rebuild(root),
        reproduce=intents.reproduce(root),
    )


def test_every_message_is_read_line_breaks_in_quotes_included(corpus: Path) -> None:
    folder = corpus / "datasets" / "banking77" / "banking_data"
    train = read_rows(folder / "train.csv", place="train.csv")
    gold = read_rows(folder / "test.csv", place="test.csv")
    assert (len(train), len(gold)) == (10_003, 3_080)
    assert len({row["category"] for row in train}) == 77
    assert any("\n" in row["text"] for row in train)


def test_the_audit_says_that_the_work_is_late(story: Story) -> None:
    found = {one["code"]: one for one in story.audit.answer["results"]}
    late = found["EOL002"]
    assert story.audit.status == 1
    assert (late["subject"], late["base"]) == (f"adapter:{ADAPTER}@1", OLD)
    assert late["date"] == (story.today + timedelta(days=43)).isoformat()
    assert late["slack_days"] == 43 - 60
    assert late["mend"] == f"adapterctl plan {ADAPTER} --to {MINILM}"
    assert not {"EOL001", "EOL003"} & set(found)


def test_two_months_before_the_same_date_left_time(story: Story) -> None:
    earlier = intents.audit(story.root, story.today - timedelta(days=60))
    found = {one["code"]: one for one in earlier.answer["results"]}
    assert earlier.status == 0
    assert found["EOL003"]["slack_days"] == 43
    assert "EOL002" not in found


def test_the_adapter_on_the_real_base_knows_the_intents(story: Story) -> None:
    accuracy = story.metric("accuracy")
    assert accuracy["rows"] == GOLD
    assert accuracy["candidate"] > 5 * CHANCE
    assert accuracy["candidate"] > accuracy["bare"] + 0.3
    assert story.record(2).metrics["gold"]["accuracy"] == accuracy["candidate"]
    assert story.record(1).metrics["gold"]["accuracy"] == accuracy["old"]


@pytest.mark.parametrize("name", ["accuracy", "f1_macro"])
def test_the_verdict_follows_from_the_interval(name: str, story: Story) -> None:
    metric = story.metric(name)
    low, high = metric["interval"]
    assert low < metric["difference"] < high
    assert metric["difference"] == pytest.approx(metric["candidate"] - metric["old"])
    assert metric["verdict"] == ("PASS" if low > -metric["margin"] else "INCONCLUSIVE")
    assert story.rebuild.result["verdict"] in {"PASS", "INCONCLUSIVE"}
    assert story.rebuild.status == int(story.rebuild.result["verdict"] != "PASS")


def test_the_candidate_says_where_it_comes_from(story: Story) -> None:
    candidate = story.record(2)
    assert candidate.base.base == MINILM
    assert candidate.rebuilt_from is not None
    assert (candidate.rebuilt_from.version, candidate.rebuilt_from.base) == (1, OLD)
    assert [one.rung for one in candidate.rebuilt_from.ladder] == ["carried recipe"]
    assert candidate.rebuilt_from.changes == {"base": [OLD, MINILM]}
    assert candidate.train.sha256 == story.record(1).train.sha256


def test_the_version_on_the_real_base_is_reproduced_bit_for_bit(story: Story) -> None:
    again = story.reproduce.result
    assert story.reproduce.status == 0
    assert (again["identical"], again["level"], again["version"]) == (True, "B3", 2)
    assert again["digest_rebuilt"] == story.record(2).weights_sha256
    assert again["digest_rebuilt"] != story.record(1).weights_sha256
