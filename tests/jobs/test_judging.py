"""A team's own evaluator: pinned, run clean, asked in both orders, refused with its rubbish."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapterctl.errors import AdapterctlError, InvalidInput
from adapterctl.jobs.inputs.recipe_code import code_of
from adapterctl.jobs.judging import Judged, against_references, judged
from adapterctl.jobs.parity import Answers
from adapterctl.jobs.project import Project
from adapterctl.records.parity import Prediction
from adapterctl.records.recipe import Data, EvaluationData, Evaluator, Recipe, TrainData
from adapterctl.rules.parity.metrics import EVALUATOR
from adapterctl.rules.recipes import contradictions
from support.chat import served
from support.recipes import classifier

PREPARE = "registry/adapters/support-router/prepare.py"
COMMAND = "python house/judge.py {rows} {out} --config={config}"
JUDGE = """\
import json, os, sys
from house.words import worth

rows, out = sys.argv[1:3]
with open(rows) as lines, open(out, "w") as written:
    for line in lines:
        item = json.loads(line)
        scores = {"first": worth(item["first"]) + 3, "second": worth(item["second"])}
        ruling = {"id": item["id"], "output": "as told", "scores": scores}
        written.write(json.dumps(ruling) + "\\n")
print("ran in", sorted(os.listdir()), os.environ.get("HOME"), os.environ.get("JUDGE_KEY"))
"""
ASKS = """\
import json, os, sys, urllib.request

rows, out, model = sys.argv[1:4]


def ask(item):
    words = json.dumps([item["prompt"], item["first"], item["second"]])
    body = {"model": model, "messages": [{"role": "user", "content": words}]}
    key = {"Authorization": "Bearer " + os.environ["JUDGE_KEY"]}
    asked = urllib.request.Request(os.environ["JUDGE_URL"], json.dumps(body).encode(), key)
    with urllib.request.urlopen(asked) as answer:
        said = json.load(answer)["choices"][0]["message"]["content"]
    return {"id": item["id"], "output": said, "scores": json.loads(said)}


with open(rows) as lines:
    rulings = [ask(json.loads(line)) for line in lines]
with open(out, "w") as written:
    written.writelines(json.dumps(each) + "\\n" for each in rulings)
"""
FILES = {
    PREPARE: "def prepare(rows): return rows\n",
    "house/__init__.py": "",
    "house/words.py": "def worth(text): return len(text.split()) / 10\n",
    "house/judge.py": JUDGE,
    "house/asks.py": ASKS,
    "house/judge.yaml": "rubric: house/rubric.txt\n",
    "house/rubric.txt": "Longer is better.\n",
    "params.yaml": "schema_version: 1\n",
}
ROWS = {"gold": [{"text": f"question {n}", "label": "x"} for n in range(4)]}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return Project(root=tmp_path, now=datetime(2026, 11, 23, tzinfo=UTC))


def recipe(**changed: Any) -> Recipe:
    told = {"command": COMMAND, "config": "house/judge.yaml", "repeats": 2, **changed}
    gold = EvaluationData(path="data/gold.jsonl", metrics=[EVALUATOR])
    data = Data(train=TrainData(path="data/train.jsonl"), evaluation={"gold": gold})
    return msgspec.structs.replace(classifier(), data=data, evaluator=Evaluator(**told))


def answers(*words: int) -> Answers:
    return {
        "gold": [
            Prediction(id=str(n), output=" ".join(["w"] * count), reference="w w w")
            for n, count in enumerate(words)
        ]
    }


def run(project: Project, recipe: Recipe) -> Judged:
    return judged(
        project,
        project,
        recipe,
        rows=ROWS,
        old=answers(1, 2, 3, 4),
        bare=answers(0, 0, 0, 1),
        candidate=answers(2, 2, 2, 9),
    )


def scores(side: Answers) -> list[float]:
    return [round(row.scores[EVALUATOR], 6) for row in side["gold"]]


def test_a_strong_liking_for_the_first_place_cancels_and_is_told(project: Project) -> None:
    found = run(project, recipe())

    assert found.bare is not None
    # Standing first half of the time is worth 1.5 to everyone.
    assert scores(found.old) == [1.6, 1.7, 1.8, 1.9]
    assert scores(found.candidate) == [1.7, 1.7, 1.7, 2.4]
    assert scores(found.bare) == [1.5, 1.5, 1.5, 1.6]
    [told] = found.judging
    assert (told.pairs, told.rulings, told.repeats) == (8, 32, 2)
    assert told.position_bias == pytest.approx(3)
    assert (told.order_reversals, told.disagreement) == (1.0, 0.0)
    assert found.facts["repeats"] == 2


def test_it_runs_in_its_pinned_code_alone_with_a_home_of_its_own(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUDGE_KEY", "sk-not-for-everyone")
    run(project, recipe())

    [log] = (project.private / "judging").glob("*/log.txt")
    said = log.read_text()
    assert said.startswith("ran in ['house'] ")
    assert "/run/home None" in said


def test_what_it_said_is_not_asked_for_twice_until_anything_changes(project: Project) -> None:
    run(project, recipe())
    kept = sorted((project.private / "judging").glob("*/rulings.jsonl"))
    run(project, recipe())
    assert sorted((project.private / "judging").glob("*/rulings.jsonl")) == kept
    (project.root / "house" / "rubric.txt").write_text("Shorter is better.\n")
    run(project, recipe())
    assert len(sorted((project.private / "judging").glob("*/rulings.jsonl"))) == 2


def test_its_scripts_config_and_what_both_name_are_pinned(project: Project) -> None:
    assert [pin.path for pin in code_of(project.root, recipe())] == [
        "house/__init__.py",
        "house/judge.py",
        "house/judge.yaml",
        "house/rubric.txt",
        "house/words.py",
        PREPARE,
    ]


def test_one_side_alone_is_judged_beside_what_is_right(project: Project) -> None:
    found = against_references(project, project, recipe(), rows=ROWS, answers=answers(1, 2, 3, 4))
    assert scores(found) == [1.6, 1.7, 1.8, 1.9]


BROKEN = {
    "exit status": ("import sys; sys.exit('the model is overloaded')", AdapterctlError),
    "nothing": ("", AdapterctlError),
    "rubbish": ("import sys; open(sys.argv[2], 'w').write('sorry')", InvalidInput),
}
MESSAGES = {
    "exit status": "evaluator.command: python ended with exit status 1\n"
    "    the model is overloaded\n  hint: the whole log: ",
    "nothing": "evaluator.command: python wrote nothing to {out}\n  hint: the whole log: ",
    "rubbish": "evaluator.command: its output:1: not a ruling: JSON is malformed",
}


@pytest.mark.parametrize("case", BROKEN)
def test_one_that_fails_is_one_clear_error_and_nothing_is_kept(project: Project, case: str) -> None:
    body, kind = BROKEN[case]
    (project.root / "house" / "judge.py").write_text(body)
    with pytest.raises(kind) as caught:
        run(project, recipe())
    assert str(caught.value).startswith(MESSAGES[case])
    assert not list((project.private / "judging").glob("*/rulings.jsonl"))


def test_a_variable_that_is_not_set_is_named(project: Project) -> None:
    with pytest.raises(InvalidInput) as caught:
        run(project, recipe(variables=["A_KEY_THAT_NOBODY_SET"]))
    assert str(caught.value).startswith("evaluator.variables: not set here: A_KEY_THAT_NOBODY_SET")


def test_a_model_at_a_provider_judges_through_its_api_by_its_pinned_name(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    bases = project.root / "registry" / "bases"
    bases.mkdir(parents=True)
    source = "{provider: openai, model: judge-1-2026-05-01}"
    (bases / "judge-1.yaml").write_text(f"schema_version: 1\nbase: judge-1\nsource: {source}\n")

    def answer(asked: dict[str, Any]) -> str:
        [message] = asked["messages"]
        _, first, second = json.loads(message["content"])
        return json.dumps({"first": len(first) + 100, "second": len(second)})

    with served(answer) as there:
        monkeypatch.setenv("JUDGE_KEY", "sk-a-secret-of-this-test")
        monkeypatch.setenv("JUDGE_URL", f"{there.url}/chat/completions")
        command = "python house/asks.py {rows} {out} {judge}"
        found = run(
            project,
            recipe(
                command=command, config=None, judge="judge-1", variables=["JUDGE_KEY", "JUDGE_URL"]
            ),
        )
    assert {asked["model"] for _, _, asked in there.asked} == {"judge-1-2026-05-01"}
    assert len(there.asked) == 32
    assert found.facts["judge"] == {
        "base": "judge-1",
        "model": "judge-1-2026-05-01",
        "provider": "openai",
    }
    gaps = [b - a for a, b in zip(scores(found.old), scores(found.candidate), strict=True)]
    assert gaps == [2, 0, -2, 10]
    written = [path.read_text() for path in project.private.rglob("*") if path.is_file()]
    assert not any("sk-a-secret" in text for text in written)


CONTRADICTIONS = {
    "nothing to read": ({"command": "judge {out}"}, "the evaluator is not told where the answers"),
    "nowhere to write": ({"command": "judge {rows}"}, "the evaluator is not told where to write"),
    "an unknown word": ({"command": "judge {rows} {out} {jugde}"}, "unknown placeholder {jugde}"),
    "no config": ({"config": None}, "{config} without evaluator.config"),
    "no judge": ({"command": COMMAND + " {judge}"}, "{judge} without evaluator.judge"),
    "a shell": ({"command": COMMAND + " | tee x"}, "'|' means nothing here"),
}


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_what_an_evaluator_cannot_be_is_named(case: str) -> None:
    changed, what = CONTRADICTIONS[case]
    found = [each.what for each in contradictions(recipe(**changed))]
    assert any(each.startswith(what) for each in found), found


def test_an_evaluator_and_its_metric_go_together() -> None:
    assert list(contradictions(recipe())) == []
    alone = msgspec.structs.replace(recipe(), evaluator="builtin")
    assert [each.what for each in contradictions(alone)] == ["the recipe names no evaluator"]
    gold = EvaluationData(path="data/gold.jsonl", metrics=["accuracy"])
    data = Data(train=TrainData(path="data/train.jsonl"), evaluation={"gold": gold})
    unread = msgspec.structs.replace(recipe(), data=data)
    assert [each.what for each in contradictions(unread)] == ["no metric reads its scores"]
