"""A bake-off trains a little on each candidate, on rows that it is not judged by."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from adapterctl.cli import run
from adapterctl.records.canonical import pretty
from adapterctl.records.reading import read_json
from adapterctl.rules.bakeoffs import Pace
from support.projects import copied


@pytest.fixture(scope="module")
def tried(serving: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with two candidates of the same weights."""
    root = copied(serving, tmp_path_factory.mktemp("bakeoff"))
    file = root / "registry/bases/new-base.yaml"
    text = file.read_text().replace("base: new-base", "base: twin-base")
    (root / "registry/bases/twin-base.yaml").write_text(text)
    return root


def bakeoff(root: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict]:
    capsys.readouterr()
    status = run(["--project", str(root), "bakeoff", "router", *words, "--format", "json"])
    return status, json.loads(capsys.readouterr().out)


def test_candidates_are_ranked_on_rows_that_none_learned_from(
    tried: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bases = ("new-base", "twin-base", "old-base", "no-base")
    to = [word for base in bases for word in ("--to", base)]
    status, answer = bakeoff(tried, capsys, *to, "--trial", "1h")
    first, second, own, unknown = answer["results"]
    whole = answer["bakeoff"]["whole_steps"]
    assert (first["steps"], second["steps"]) == (whole, whole)
    assert (first["reading"], second["reading"]) == ("leads", "not told apart")
    assert (first["value"], second["difference"]) == (second["value"], 0.0)
    assert answer["bakeoff"]["held_rows"] > 0
    assert [each["rank"] for each in answer["results"]] == [1, 2, None, None]
    assert own["blockers"][0]["what"] == "router@1 stands on it already"
    assert "no base 'no-base'" in unknown["blockers"][0]["what"]
    assert status == 1


def test_the_steps_of_a_trial_are_kept_and_taken_again(
    tried: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bakeoff(tried, capsys, "--to", "new-base", "--trial", "1h")
    file = tried / ".adapterctl/bakeoffs/router-1/new-base/pace.json"
    known = read_json(file.read_bytes(), Pace, file=str(file))
    slower = Pace(inputs=known.inputs, trial_seconds=3_600.0, per_step=1_800.0, steps=2)
    file.write_bytes(pretty(slower))
    shutil.rmtree(file.parent / "trial")
    status, answer = bakeoff(tried, capsys, "--to", "new-base", "--trial", "1h")
    assert (status, answer["results"][0]["steps"]) == (0, 2)
    assert answer["results"][0]["rank"] == 1


def test_a_trial_without_a_time_is_refused(tried: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--project", str(tried), "bakeoff", "router", "--to", "new-base", "--trial", "soon"]
    assert run(words) == 3
    assert "--trial: not a budget: 'soon'" in capsys.readouterr().err
