"""A team's own scorer: pinned as code, run clean, read like any other metric."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from adapterctl.errors import InvalidInput
from adapterctl.jobs.inputs.recipe_code import code_of
from adapterctl.jobs.project import Project
from adapterctl.jobs.scoring import scored
from adapterctl.records.parity import Prediction
from adapterctl.records.recipe import Data, EvaluationData, Recipe, TrainData
from adapterctl.rules.recipes import contradictions
from support.recipes import classifier

PREPARE = "registry/adapters/support-router/prepare.py"
CLOSE = """\
from house.words import length


def score(predictions, references):
    return [1 - abs(length(a) - length(b)) / 10 for a, b in zip(predictions, references)]
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    for path, text in {
        PREPARE: "def prepare(rows): return rows\n",
        "house/__init__.py": "",
        "house/words.py": "def length(text): return len(text.split())\n",
        "house/close.py": CLOSE,
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return Project(root=tmp_path, now=datetime(2026, 11, 23, tzinfo=UTC))


def with_scorer(scorer: str | None = "house/close.py:score", metrics: str = "scorer") -> Recipe:
    gold = EvaluationData(path="data/gold.jsonl", metrics=[metrics], scorer=scorer)
    train = TrainData(path="data/train.jsonl")
    data = Data(train=train, evaluation={"gold": gold})
    return msgspec.structs.replace(classifier(), data=data)


def answers() -> dict[str, list[Prediction]]:
    return {
        "gold": [
            Prediction(id="0", output="one two", reference="one two", scores={"p:a": 0.5}),
            Prediction(id="1", output="one", reference="one two three"),
        ]
    }


def test_the_scorer_gives_each_row_a_score_and_leaves_the_others(project: Project) -> None:
    found = scored(project, with_scorer(), answers())
    assert [row.scores for row in found["gold"]] == [
        {"p:a": 0.5, "scorer": 1.0},
        {"scorer": 0.8},
    ]


def test_without_a_scorer_the_answers_stay(project: Project) -> None:
    assert scored(project, with_scorer(None, "accuracy"), answers()) == answers()


def test_the_scorer_is_pinned_with_what_it_imports(project: Project) -> None:
    assert [pin.path for pin in code_of(project.root, with_scorer())] == [
        "house/__init__.py",
        "house/close.py",
        "house/words.py",
        PREPARE,
    ]


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("return 1.0", "returned float, not a list of scores"),
        ("return [1.0]", "returned 1 scores for 2 rows"),
        ("return [1.0, 'good']", "its score of row 1 is not a finite number"),
        ("return [None, 1.0]", "its score of row 0 is not a finite number"),
    ],
)
def test_anything_but_one_number_for_each_row_is_refused(
    project: Project, body: str, what: str
) -> None:
    (project.root / "house" / "close.py").write_text(f"def score(a, b):\n    {body}\n")
    with pytest.raises(InvalidInput) as caught:
        scored(project, with_scorer(), answers())
    assert str(caught.value) == (
        f"house/close.py:score: {what}\n  hint: score(predictions: list[str], "
        "references: list[str]) -> list[float], one for each row"
    )


def test_a_scorer_that_no_metric_reads_and_a_metric_without_a_scorer_are_contradictions() -> None:
    assert [(each.path[-1], each.what) for each in contradictions(with_scorer(metrics="ece"))] == [
        ("scorer", "no metric reads its scores")
    ]
    assert [each.what for each in contradictions(with_scorer(None))] == ["the set names no scorer"]
    assert list(contradictions(with_scorer())) == []
