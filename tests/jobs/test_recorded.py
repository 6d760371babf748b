"""Predictions made elsewhere, by file or endpoint, and a hosted fine-tune rebuilt by them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from adapterctl.jobs.questions import messages_of
from adapterctl.stores.registry import FolderRegistry
from support.chat import served
from support.commands import Commands, Said
from support.projects import TOPICS, copied, edit, git, md5_in_artifact, object_path

HOME = Path("registry/adapters/router")
HOSTED = {
    "name": "router",
    "provider": "openai",
    "model": "ft:small:acme:router",
    "base": "Small 4o",
    "data": "data/train.jsonl",
    "recipe": "project/registry/adapters/router/recipe.yaml",
    "team": "support-ml",
    "backup": "platform-ml",
}
SCORE = """

def score(predictions, references):
    return [float(a == b) for a, b in zip(predictions, references)]
"""


def queue(asked: dict[str, Any]) -> str:
    """Answers as a fine-tune would that knows the words of every queue, and always talks."""
    [message] = asked["messages"]
    found = [name for name, words in TOPICS.items() if set(words) & set(message["content"].split())]
    return f" {found[0]}\n"


@pytest.fixture
def hosted(template: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    """A project with router@1 at a provider, and a recipe for open weights with a scorer."""
    root = copied(template, tmp_path)
    recipe = root / HOME / "recipe.yaml"
    edit(
        recipe,
        "metrics: [accuracy, f1_macro]",
        'metrics: [accuracy, scorer], scorer: "registry/adapters/router/prepare.py:score"',
    )
    edit(recipe, "f1_macro: {margin: 0.9}", "scorer: {margin: 0.9}")
    edit(recipe, "base: old-base", "base: new-base")
    with (root / HOME / "prepare.py").open("a") as file:
        file.write(SCORE)
    git(root, "add", "registry")
    git(root, "commit", "-qm", "With a scorer")
    (tmp_path / "hosted.json").write_text(json.dumps([HOSTED]))
    command = Commands(root, capsys)
    said = command("import", "--hosted", str(tmp_path / "hosted.json"), "--format", "json")
    assert said.status == 0, said.out + said.err
    return command


def gold(command: Commands) -> list[dict[str, Any]]:
    lines = (command.root / "data" / "gold.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def by_file(command: Commands, lines: list[dict[str, Any]]) -> Said:
    file = command.root.parent / "answers.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return command(
        "register", str(HOME / "recipe.yaml"), "--predictions", str(file), "--format", "json"
    )


def test_a_hosted_fine_tune_is_asked_at_its_endpoint_and_rebuilt_onto_open_weights(
    hosted: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROUTER_KEY", "sk-a-secret-of-this-test")
    refused = hosted("rebuild", "router", "--to", "new-base")
    assert refused.status == 3
    assert "no predictions of it are recorded" in refused.err

    with served(queue) as there:
        words = ("--endpoint", there.url, "--api-key", "env:ROUTER_KEY", "--format", "json")
        said = hosted("evaluate", "router", *words)
    assert said.status == 0, said.err
    assert said.json["results"][0]["metrics"] == {"gold": {"accuracy": 1.0, "scorer": 1.0}}
    assert {asked["model"] for _, _, asked in there.asked} == {"ft:small:acme:router"}
    assert len(there.asked) == 60
    written = "".join(
        path.read_text() for path in hosted.root.rglob("*") if path.suffix in {".jsonl", ".dvc"}
    )
    assert there.url in written
    assert "sk-a-secret" not in written

    done = hosted("rebuild", "router", "--to", "new-base", "--format", "json")
    [found] = done.json["results"]
    assert (found["from_version"], found["to_version"], found["base"]) == (1, 2, "new-base")
    assert found["old_side"] == "recorded"
    assert [(each["name"], each["old"]) for each in found["metrics"]] == [
        ("accuracy", 1.0),
        ("scorer", 1.0),
    ]
    assert done.status == int(found["verdict"] != "PASS")
    record = FolderRegistry(hosted.root).record("router", 2)
    assert record.rebuilt_from is not None
    assert record.rebuilt_from.changes == {"base": ["Small 4o", "new-base"]}
    assert "registry/adapters/router/prepare.py" in {pin.path for pin in record.code.files}

    again = hosted("rebuild", "router@1", "--to", "new-base", "--format", "json")
    assert again.json["results"][0]["to_version"] == 2


def test_a_file_of_predictions_is_recorded_with_the_scores_it_brings(hosted: Commands) -> None:
    lines = [
        {"id": row["id"], "output": row["queue"], "scores": {f"p:{row['queue']}": 0.9}}
        if number
        else {"id": row["id"], "output": "nonsense"}
        for number, row in enumerate(gold(hosted))
    ]
    # prepare() drops the ids, so that rows go by their number.
    assert by_file(hosted, lines).status == 3
    said = by_file(hosted, [{**line, "id": number} for number, line in enumerate(lines)])
    assert said.status == 0, said.err
    assert said.json["results"][0]["metrics"]["gold"]["accuracy"] == pytest.approx(59 / 60)
    assert (hosted.root / HOME / "1.predictions.dvc").is_file()


def test_lines_that_do_not_fit_the_rows_are_named(hosted: Commands) -> None:
    lines = [{"id": n, "output": "login"} for n in [*range(1, 60), 1]]
    lines.append({"id": 60, "output": "login", "set": "silver"})
    said = by_file(hosted, lines)
    assert said.status == 3
    assert "answers.jsonl:60: the id '1' stands in line 1 too" in said.err
    assert "answers.jsonl:61: no such evaluation set: 'silver'" in said.err
    said = by_file(hosted, lines[:-2])
    assert "no line for row '0' of gold" in said.err


def test_a_key_on_the_command_line_is_refused(hosted: Commands) -> None:
    said = hosted("evaluate", "router", "--endpoint", "http://127.0.0.1:9/v1", "--api-key", "sk-x")
    assert (said.status, "takes env:VAR" in said.err) == (2, True)


@pytest.mark.parametrize(
    ("row", "asked"),
    [
        ({"text": "hello", "label": "a"}, [{"role": "user", "content": "hello"}]),
        ({"prompt": "hello", "completion": "x"}, [{"role": "user", "content": "hello"}]),
        (
            {"prompt": [{"role": "user", "content": "a"}], "completion": []},
            [{"role": "user", "content": "a"}],
        ),
        (
            {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]},
            [{"role": "user", "content": "a"}],
        ),
    ],
)
def test_the_answer_is_never_sent(row: dict[str, Any], asked: list[dict[str, str]]) -> None:
    assert list(messages_of(row)) == asked


def test_the_history_names_the_predictions_in_a_line(hosted: Commands) -> None:
    assert by_file(hosted, [{"id": n, "output": "login"} for n in range(60)]).status == 0
    said = hosted("history", "router").out
    assert "predictions" in said
    assert ".dir" in said
    assert "sha256" not in said


def test_recorded_predictions_are_verified_and_forgotten_with_the_data_they_answer(
    hosted: Commands,
) -> None:
    assert by_file(hosted, [{"id": n, "output": "login"} for n in range(60)]).status == 0
    pin = yaml_pin(hosted.root / HOME / "1.predictions.dvc")
    [checked] = predictions_of(hosted("verify", "router", "--format", "json"))
    assert (checked["ok"], checked["pin"]) == (True, pin)

    there = object_path(hosted.root, md5_in_artifact(hosted.root, pin, "gold.jsonl"))
    kept = there.read_bytes()
    there.chmod(0o644)
    there.write_bytes(kept.replace(b"login", b"other", 1))
    said = hosted("verify", "router", "--format", "json")
    assert (said.status, predictions_of(said)[0]["ok"]) == (1, False)

    said = hosted("forget", "router@1", "--because", "erasure request 12")
    assert f"  recorded predictions of router@1  md5 {pin}\n" in said.out
    there.unlink()
    [checked] = predictions_of(hosted("verify", "router", "--format", "json"))
    assert checked["ok"]
    assert "erasure request 12" in checked["notes"][0]
    refused = hosted("rebuild", "router@1", "--to", "new-base")
    assert refused.status == 3
    assert "the data that its recorded predictions answer were removed on" in refused.err


def yaml_pin(pointer: Path) -> str:
    [found] = re.findall(r"md5: (\S+)", pointer.read_text())
    return str(found)


def predictions_of(said: Said) -> list[dict[str, Any]]:
    return [part for part in said.json["results"] if part["what"] == "predictions"]
