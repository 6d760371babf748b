from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from adapterctl.errors import AdapterctlError
from adapterctl.records.version import TrailStep
from adapterctl.training.learning.checkpoints import Checkpoint, forget, newest, save
from adapterctl.training.learning.job import Progress
from support.training_jobs import adapter_bytes, classified, job, train_all


def checkpoint(step: int) -> Checkpoint:
    tensor = torch.full((3,), float(step))
    return Checkpoint(
        step=step,
        tensors={"a": tensor},
        optimizer={"state": {0: {"exp_avg": tensor}}, "param_groups": [{"lr": 0.1}]},
        scheduler={"last_epoch": step},
        tokens=10 * step,
        seconds=1.5,
        trail=[
            TrailStep(step=n, loss="0x1p+0", learning_rate="0x1p-3") for n in range(1, step + 1)
        ],
    )


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_checkpoint_comes_back_as_it_was(tmp_path: Path) -> None:
    save(tmp_path, checkpoint(3))
    found = newest(tmp_path)
    assert found is not None
    assert torch.equal(found.tensors["a"], torch.full((3,), 3.0))
    assert torch.equal(found.optimizer["state"][0]["exp_avg"], torch.full((3,), 3.0))
    assert (found.step, found.tokens, found.scheduler) == (3, 30, {"last_epoch": 3})
    assert found.trail == checkpoint(3).trail


def test_the_newest_two_are_kept(tmp_path: Path) -> None:
    for step in (1, 2, 10):
        save(tmp_path, checkpoint(step))
    assert names(tmp_path) == ["step-00000002", "step-00000010"]


def test_damaged_ones_from_further_on_do_not_crowd_out_the_next(tmp_path: Path) -> None:
    for step in (8, 12):
        save(tmp_path, checkpoint(step))
        flip(tmp_path / f"step-{step:08d}" / "state.pt")
    assert newest(tmp_path) is None
    save(tmp_path, checkpoint(4))
    found = newest(tmp_path)
    assert found is not None and found.step == 4
    assert names(tmp_path) == ["step-00000004"]


def test_without_checkpoints_there_is_none(tmp_path: Path) -> None:
    assert newest(tmp_path / "absent") is None


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize("file", ["state.pt", "trail.json", "digests.json"])
def test_a_damaged_checkpoint_gives_way_to_the_one_before(file: str, tmp_path: Path) -> None:
    save(tmp_path, checkpoint(1))
    save(tmp_path, checkpoint(2))
    flip(tmp_path / "step-00000002" / file)
    found = newest(tmp_path)
    assert found is not None
    assert found.step == 1


@pytest.mark.parametrize("file", ["state.pt", "trail.json", "digests.json"])
def test_a_checkpoint_that_lacks_a_file_is_passed_over(file: str, tmp_path: Path) -> None:
    save(tmp_path, checkpoint(2))
    (tmp_path / "step-00000002" / file).unlink()
    assert newest(tmp_path) is None


def test_what_was_being_written_is_not_seen(tmp_path: Path) -> None:
    save(tmp_path, checkpoint(1))
    shutil.copytree(tmp_path / "step-00000001", tmp_path / ".step-00000002.partial")
    found = newest(tmp_path)
    assert found is not None
    assert found.step == 1
    save(tmp_path, checkpoint(2))
    assert names(tmp_path) == ["step-00000001", "step-00000002"]


def test_a_folder_that_cannot_be_written_is_an_error_that_leaves_the_rest(tmp_path: Path) -> None:
    save(tmp_path, checkpoint(1))
    # A file where the folder should be made: the same refusal for every user, root included.
    (tmp_path / ".step-00000002.partial").write_text("in the way")
    with pytest.raises(AdapterctlError) as caught:
        save(tmp_path, checkpoint(2))
    assert str(caught.value) == (
        f"{tmp_path}/step-00000002: cannot write a checkpoint: File exists\n"
        "  hint: make room or choose another folder, and run it again: it resumes"
    )
    found = newest(tmp_path)
    assert found is not None
    assert found.step == 1


def test_forgetting_removes_the_folder(tmp_path: Path) -> None:
    save(tmp_path / "work", checkpoint(1))
    forget(tmp_path / "work")
    assert not (tmp_path / "work").exists()
    forget(tmp_path / "work")


class Stop(Exception):
    """What a test throws to end a run in the middle."""


def stopping_at(step: int) -> Any:
    def log(progress: Progress) -> None:
        if progress.step == step:
            raise Stop

    return log


@pytest.mark.parametrize(
    "settings",
    [
        {"warmup_steps": 4, "lr_scheduler_type": "cosine"},
        {"optim": "adafactor", "gradient_accumulation_steps": 2},
        {"optim": "sgd", "lr_scheduler_type": "warmup_stable_decay",
         "lr_scheduler_kwargs": {"num_decay_steps": 3}},
        {"lora": {"use_dora": True}},
        {"lora": {"init_lora_weights": "pissa"}},
    ],
    ids=["adamw", "adafactor", "sgd", "dora", "pissa"],
)  # fmt: skip
def test_a_resumed_run_ends_in_the_same_bytes_and_trail(
    settings: dict[str, Any], bert: Path, tmp_path: Path
) -> None:
    whole = job(tmp_path / "whole", classified(30), max_steps=9, save_steps=2, **settings)
    [straight] = train_all([whole], bert)
    cut = job(tmp_path / "cut", classified(30), max_steps=9, save_steps=2, **settings)
    for step in (3, 7):
        with pytest.raises(Stop):
            train_all([cut], bert, log=stopping_at(step))
    seen: list[int] = []
    [resumed] = train_all([cut], bert, log=lambda progress: seen.append(progress.step))
    assert seen == [7, 8, 9], "it did not resume from step 6"
    assert adapter_bytes(resumed) == adapter_bytes(straight)
    assert resumed.trail == straight.trail
    assert (resumed.facts.steps, resumed.facts.tokens) == (9, straight.facts.tokens)


def test_a_finished_run_is_not_trained_again(bert: Path, tmp_path: Path) -> None:
    each = job(tmp_path, classified(30))
    [first] = train_all([each], bert)
    before = adapter_bytes(first)
    shutil.rmtree(first.adapter)
    seen: list[int] = []
    [second] = train_all([each], bert, log=lambda progress: seen.append(progress.step))
    assert seen == []
    assert adapter_bytes(second) == before


def test_checkpoints_serve_the_job_they_were_made_by_only(bert: Path, tmp_path: Path) -> None:
    train_all([job(tmp_path, classified(30), save_steps=2)], bert)
    seen: list[int] = []
    train_all(
        [job(tmp_path, classified(30), save_steps=2, seed=12)],
        bert,
        log=lambda progress: seen.append(progress.step),
    )
    assert seen == [1, 2, 3, 4, 5, 6]
