"""A base spread over processes, by command: `train --shards`, params.yaml, and `reproduce`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from safetensors.torch import load_file

from adapterctl.errors import InvalidInput
from adapterctl.jobs.building import FACTS, BuildFacts
from adapterctl.jobs.trainers.sharded_training import _check_gpus
from adapterctl.records.policy import Policy
from adapterctl.records.reading import read_json
from adapterctl.stores.registry import FolderRegistry
from adapterctl.training.sharded import Outcome, Task, hand_over, outcome
from support.killing import run
from support.projects import copied
from support.training_jobs import completions, job


def test_more_processes_than_gpus_are_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        _check_gpus("cuda", 64)
    assert str(caught.value).startswith("shards: 64 processes, and torch sees ")
    _check_gpus("cpu", 64)


def test_a_base_is_whole_unless_params_yaml_says_otherwise() -> None:
    assert Policy().shards == 1
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"shards": 0}, type=Policy)


def test_a_task_says_what_is_run_and_forgets_what_came_of_the_last(tmp_path: Path) -> None:
    task = Task(
        job=job(tmp_path, completions(3)),
        base_dir=tmp_path / "base",
        device="cpu",
        threads=1,
        trust_remote_code=False,
        parent=1,
        result=tmp_path / "result.json",
    )
    task.result.write_text("what an interrupted run left")
    words = hand_over(task, tmp_path / "shards" / "task.json", shards=3)
    assert words[1:] == [
        *("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "3"),
        *("-m", "adapterctl.training.sharded", str(tmp_path / "shards" / "task.json")),
    ]
    with pytest.raises(FileNotFoundError):
        outcome(task)
    problem = InvalidInput.one("out of memory at step 1", place="one").problems
    task.result.write_bytes(msgspec.json.encode(Outcome(problems=problem)))
    with pytest.raises(InvalidInput, match="one: out of memory at step 1"):
        outcome(replace(task, threads=2))


@pytest.mark.slow
def test_a_version_that_was_trained_in_shards_is_reproduced_in_shards(
    whole: Path, tmp_path: Path
) -> None:
    root = copied(whole, tmp_path)
    out = tmp_path / "built"
    assert run(root, "train", "router", "--out", str(out), "--shards", "2").status == 0
    facts = read_json((out / FACTS).read_bytes(), BuildFacts, file=FACTS)
    assert facts.training.shards == 2
    registry = FolderRegistry(root)
    record = registry.record("router", 1)
    assert record.training is not None
    assert record.training.shards == 1
    assert "shards" not in registry.record_path("router", 1).read_text()
    with (root / "params.yaml").open("a") as file:
        file.write("shards: 2\n")
    again = tmp_path / "again"
    assert run(root, "train", "router", "--out", str(again)).status == 0
    weights = [load_file(place / "adapter_model.safetensors") for place in (out, again)]
    assert all((weights[1][name] == tensor).all() for name, tensor in weights[0].items())
    done = run(root, "reproduce", "router@1")
    assert done.status == 0, "a version of one process is reproduced by one"
