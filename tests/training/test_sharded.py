"""A base spread over processes trains the adapter that one process trains, up to rounding."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from adapterctl.errors import InvalidInput
from adapterctl.records.recipe import TrainingSettings
from adapterctl.training.learning.job import SlotJob, Trained
from adapterctl.training.learning.loss import Batch, collate, loss_of
from adapterctl.training.learning.ranks import ALONE, Ranks, muted, spread, spreading_problems
from adapterctl.training.learning.slots import SlottedBase, SlotTrainee
from adapterctl.training.loading import load_base
from adapterctl.training.sharded import Task, hand_over, outcome
from adapterctl.training.twin import read
from support.training_jobs import (
    adapter_bytes,
    classified,
    completions,
    job,
    train_all,
    without_dropout,
)

TOLERANCE = 1e-4
"""Between one process and several, relative to the largest weight and to each loss."""

NO_DROPOUT = {"lora_dropout": 0.0}


@pytest.fixture
def group() -> Iterator[Ranks]:
    """This process, as the only one of a group."""
    torch.distributed.init_process_group(
        "gloo", rank=0, world_size=1, store=torch.distributed.HashStore()
    )
    yield Ranks()
    torch.distributed.destroy_process_group()


def gradients(base: Path, each: SlotJob, *, over: Ranks | None) -> dict[str, torch.Tensor]:
    """What a pass teaches, and its loss."""
    labels = 2 if each.labels else None
    loaded = load_base(base, task=each.task, head_seed=0, device="cpu", num_labels=labels)
    if over is not None:
        spread(loaded.model, over)
    reading = read(each.lora, base_dir=base, task=each.task, labels=len(each.labels))
    slot = SlotTrainee(each, SlottedBase(loaded), reading)
    batch = collate(each.examples[:6], task=each.task, pad=loaded.pad_token_id, device="cpu")
    loss = loss_of(slot.logits(batch), batch, items=batch.items, smoothing=0.0)
    loss.backward()
    found = {name: tensor.grad for name, tensor in slot.tensors.items() if tensor.grad is not None}
    return found | {"loss": loss.detach()}


# GPT-2's trunk gives a view. Nothing changes it in place, and the trunk itself gathers nothing.
@pytest.mark.filterwarnings("ignore:FSDP2-wrapped module")
@pytest.mark.parametrize(
    ("base", "settings"),
    [
        ("bert", {}),
        ("llama", {"lora": NO_DROPOUT | {"modules_to_save": ["norm", "layers.1.mlp"]}}),
        ("llama", {"lora": NO_DROPOUT, "gradient_checkpointing": True}),
        ("gpt2", {"lora": NO_DROPOUT}),
    ],
    ids=["head", "whole modules", "recomputed", "gpt2"],
)
def test_a_base_that_is_spread_teaches_bit_for_bit_the_same(
    base: str,
    settings: dict[str, Any],
    tmp_path: Path,
    group: Ranks,
    request: pytest.FixtureRequest,
) -> None:
    folder = without_dropout(request.getfixturevalue(base), tmp_path / "base")
    rows = classified(6) if base == "bert" else completions(6)
    each = job(tmp_path, rows, **({"lora": NO_DROPOUT} | settings))
    whole = gradients(folder, each, over=None)
    found = gradients(folder, each, over=group)
    assert whole.keys() == found.keys()
    assert all(torch.equal(found[name], gradient) for name, gradient in whole.items())


def test_layers_alone_are_spread(llama: Path, group: Ranks) -> None:
    model = load_base(llama, task="CAUSAL_LM", head_seed=0, device="cpu").model
    spread(model, group)
    in_pieces = {name for name, p in model.named_parameters() if hasattr(p, "full_tensor")}
    assert in_pieces == {name for name, _ in model.named_parameters() if ".layers." in name}
    assert in_pieces


def test_rows_of_a_pass_are_dealt_out() -> None:
    rows = [4, 1, 7, 0, 2]
    dealt = [Ranks(number=number, size=3).own(rows) for number in range(3)]
    assert dealt == [[4, 0], [1, 2], [7]]
    assert Ranks(number=2, size=3).own([4, 1]) == []
    assert ALONE.own(rows) == rows


def test_alone_nothing_is_added() -> None:
    parameter = torch.nn.Parameter(torch.ones(2))
    parameter.grad = torch.full((2,), 3.0)
    ALONE.add_up([parameter])
    assert (ALONE.total(1.5), parameter.grad.tolist()) == (1.5, [3.0, 3.0])


@pytest.mark.parametrize("rows", [classified(3), completions(3)], ids=["labels", "tokens"])
def test_who_has_no_row_takes_part_and_teaches_nothing(rows: list[Any]) -> None:
    task = "SEQ_CLS" if rows[0].label is not None else "CAUSAL_LM"
    batch: Batch = muted(collate(rows, task=task, pad=0, device="cpu"))
    logits = torch.randn(*batch.targets.shape, 90, requires_grad=True)
    loss = loss_of(logits, batch, items=1, smoothing=0.1)
    loss.backward()
    assert (loss.item(), batch.items, batch.tokens) == (0.0, 0, 0)
    assert logits.grad is not None
    assert logits.grad.eq(0).all()


def test_checkpoints_of_one_process_are_not_those_of_several() -> None:
    names = [ranks.named("cuda:1") for ranks in (ALONE, Ranks(number=1, size=2))]
    assert names == ["cuda:1", "cuda, spread over 2"]
    assert Ranks(size=2).named("cuda:0") == names[1]


def test_what_cannot_be_spread_is_refused() -> None:
    four = TrainingSettings(load_in_4bit=True)
    places = [problem.place for problem in spreading_problems(four, plain=False)]
    assert places == ["lora", "training.load_in_4bit"]
    assert list(spreading_problems(TrainingSettings(), plain=True)) == []


def task_of(each: SlotJob, base: Path, folder: Path) -> Task:
    return Task(
        job=each,
        base_dir=base,
        device="cpu",
        threads=1,
        trust_remote_code=False,
        parent=os.getpid(),
        result=folder / "result.json",
    )


def in_two(each: SlotJob, base: Path, folder: Path) -> Trained:
    task = task_of(each, base, folder)
    done = subprocess.run(
        hand_over(task, folder / "task.json", shards=2), capture_output=True, text=True, check=False
    )
    if not task.result.is_file():
        pytest.fail(done.stderr)
    return outcome(task)


def is_the_same(found: Trained, whole: Trained) -> bool:
    weights = [load_file(each.adapter / "adapter_model.safetensors") for each in (found, whole)]
    largest = max(float(tensor.abs().max()) for tensor in weights[1].values())
    apart = max(float((weights[0][n] - t).abs().max()) for n, t in weights[1].items())
    losses = [[float.fromhex(step.loss) for step in each.trail] for each in (found, whole)]
    return apart < TOLERANCE * largest and losses[0] == pytest.approx(losses[1], rel=TOLERANCE)


def test_two_processes_train_the_adapter_that_one_does(llama: Path, tmp_path: Path) -> None:
    plain = without_dropout(llama, tmp_path / "base")
    # 17 rows: the last step has one, and the second process none.
    each = job(tmp_path / "1", completions(17), lora=NO_DROPOUT, max_steps=20)
    [whole] = train_all([each], plain)
    again = replace(each, work_dir=tmp_path / "2" / "work", out_dir=tmp_path / "2" / "adapter")
    found = in_two(again, plain, tmp_path / "2")
    assert is_the_same(found, whole)
    assert (found.facts.shards, whole.facts.shards) == (2, 1)
    assert found.facts.tokens == whole.facts.tokens
    other = replace(again, examples=completions(17, seed=1))
    [another] = train_all([replace(other, out_dir=tmp_path / "3" / "adapter")], plain)
    assert not is_the_same(found, another), "the tolerance would not tell two adapters apart"


@pytest.mark.slow
@pytest.mark.parametrize("settings", [{}, {"bf16": True, "gradient_checkpointing": True}])
@pytest.mark.parametrize("base", ["bert", "llama"])
def test_killed_and_resumed_two_processes_give_the_same_bytes(
    base: str, settings: dict[str, Any], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    folder = request.getfixturevalue(base)
    rows = classified(40) if base == "bert" else completions(40)
    often = {"max_steps": 150, "save_steps": 5, **settings}

    def made(name: str) -> SlotJob:
        return job(tmp_path / name, rows, **often)

    whole = in_two(made("1"), folder, tmp_path / "1")
    task = task_of(made("2"), folder, tmp_path / "2")
    words = hand_over(task, tmp_path / "2" / "task.json", shards=2)
    process = subprocess.Popen(
        words, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while not list(task.job.work_dir.glob("*/step-*")):
        time.sleep(0.02)
        assert process.poll() is None, "it ended before it could be killed"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not task.result.is_file()
    resumed = in_two(task.job, folder, tmp_path / "2")
    assert adapter_bytes(resumed) == adapter_bytes(whole)
    assert resumed.trail == whole.trail


@pytest.mark.slow
def test_what_the_trainer_refuses_comes_back_in_its_words(llama: Path, tmp_path: Path) -> None:
    each = job(tmp_path, completions(8), lora={"use_dora": True})
    with pytest.raises(InvalidInput) as caught:
        in_two(each, llama, tmp_path)
    assert str(caught.value) == (
        "one: lora: only plain LoRA is trained on a base that is spread over processes\n"
        "  hint: shards: 1 in params.yaml, or LoRA without DoRA, biases and other starts"
    )
