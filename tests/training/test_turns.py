"""A queue of adapters on one base: who joins when changes no byte."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapterctl.errors import AdapterctlError
from adapterctl.training.learning import fleet
from adapterctl.training.learning.job import Failed, SlotJob, SlotResult, Trained
from adapterctl.training.rows.text import Example
from support.training_jobs import (
    adapter_bytes,
    classified,
    completions,
    job,
    train_all,
    unheard,
)


def mixed(folder: Path) -> list[SlotJob]:
    """Both tasks, padded and not, of several ranks, lengths and numbers of steps."""
    return [
        job(folder, classified(20), name="a", max_steps=2),
        job(folder, completions(20, longest=40), name="b", max_steps=3, lora={"r": 8}),
        replace(job(folder, classified(20, labels=5), name="c", max_steps=4), padded=True),
        replace(job(folder, completions(20), name="d", max_steps=2), padded=True),
        job(folder, classified(20), name="e", max_steps=3, gradient_checkpointing=True),
    ]


@pytest.fixture(scope="module")
def alone(llama: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Trained]:
    jobs = mixed(tmp_path_factory.mktemp("alone"))
    return [trained for each in jobs for trained in train_all([each], llama)]


@pytest.mark.parametrize("slots", [1, 2, None])
def test_the_number_of_slots_changes_no_byte(
    slots: int | None, alone: list[Trained], llama: Path, tmp_path: Path
) -> None:
    found = train_all(mixed(tmp_path), llama, slots=slots)
    for each, solo in zip(found, alone, strict=True):
        assert adapter_bytes(each) == adapter_bytes(solo)
        assert each.trail == solo.trail


def test_both_tasks_share_one_loaded_base(
    llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[str] = []
    load = fleet.load_base

    def counted(base_dir: Path, *, task: Any, **given: Any) -> Any:
        loads.append(task)
        return load(base_dir, task=task, **given)

    monkeypatch.setattr(fleet, "load_base", counted)
    train_all(mixed(tmp_path), llama)
    assert loads == ["CAUSAL_LM"]


def test_a_base_with_a_pooler_for_one_task_only_is_loaded_twice(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [job(tmp_path, classified(16), name="a"), job(tmp_path, completions(16), name="b")]
    readings = {
        each.name: fleet.read(each.lora, base_dir=bert, task=each.task, labels=len(each.labels))
        for each in jobs
    }
    assert not fleet.can_share(bert, whole=readings["b"].base, headed=readings["a"].base)


def test_a_finished_slot_takes_the_next_adapter(bert: Path, tmp_path: Path) -> None:
    jobs = [
        job(tmp_path, classified(16), name=name, max_steps=steps)
        for name, steps in {"a": 3, "b": 1, "c": 1, "d": 1}.items()
    ]
    seen: list[str] = []
    train_all(jobs, bert, slots=2, log=lambda progress: seen.append(progress.slot))
    assert "".join(seen) == "abacad"


def test_each_result_is_told_when_it_is_there(bert: Path, tmp_path: Path) -> None:
    steps = {"a": 3, "b": 1, "c": 2}
    jobs = [job(tmp_path, classified(16), name=name, max_steps=n) for name, n in steps.items()]
    told: list[str] = []

    def ended(result: SlotResult) -> None:
        assert isinstance(result, Trained)
        assert adapter_bytes(result)
        told.append(result.name)

    results = train_all(jobs, bert, ended=ended)
    assert told == ["b", "c", "a"]
    assert [result.name for result in results] == ["a", "b", "c"]


class Crowd:
    """Memory that holds so many adapters, of which each step wants a part."""

    def __init__(self, *, most: int) -> None:
        self.most = most
        self.going: set[str] = set()
        self.full = 0

    def rows(self, name: str, rows: Sequence[Example]) -> Sequence[Example]:
        return Hungry(name, rows, self)

    def ended(self, result: SlotResult) -> None:
        self.going.discard(result.name)


class Hungry(Sequence[Example]):
    """Rows that cannot be had while the crowd is too large."""

    def __init__(self, name: str, rows: Sequence[Example], crowd: Crowd) -> None:
        self._name, self._rows, self._crowd = name, rows, crowd

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Example]:
        return iter(self._rows)

    def __getitem__(self, row: Any) -> Any:
        crowd = self._crowd
        crowd.going.add(self._name)
        if len(crowd.going) > crowd.most:
            crowd.going.discard(self._name)
            crowd.full += 1
            raise torch.OutOfMemoryError("no room for another one")
        return self._rows[row]


def test_out_of_memory_goes_on_with_fewer_slots_and_loses_nothing(
    bert: Path, tmp_path: Path
) -> None:
    crowd = Crowd(most=2)
    names = "abcde"
    rows = classified(24)
    jobs = [
        replace(job(tmp_path, rows, name=name), examples=crowd.rows(name, rows)) for name in names
    ]
    results = train_all(jobs, bert, ended=crowd.ended)
    [alone] = train_all([job(tmp_path / "alone", rows)], bert)
    assert crowd.full > 0
    assert all(adapter_bytes(result) == adapter_bytes(alone) for result in results)
    assert all(result.trail == alone.trail for result in results)


class Torn(Sequence[Example]):
    """Rows that run out of memory once, after so many were read one by one."""

    def __init__(self, rows: Sequence[Example], *, after: int) -> None:
        self._rows, self._left = rows, after

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Example]:
        return iter(self._rows)

    def __getitem__(self, row: Any) -> Any:
        self._left -= 1
        if self._left == 0:
            raise torch.OutOfMemoryError("once")
        return self._rows[row]


def test_a_step_that_ran_out_of_memory_is_taken_again(bert: Path, tmp_path: Path) -> None:
    rows = classified(24)
    seen: list[tuple[str, int]] = []
    jobs = [job(tmp_path, rows, name="a"), job(tmp_path, rows, name="b")]
    jobs[1] = replace(jobs[1], examples=Torn(rows, after=2 * 8 + 3))
    found = train_all(jobs, bert, log=lambda told: seen.append((told.slot, told.step)))
    assert [step for name, step in seen if name == "b"] == [1, 2, 3, 4, 5, 6]
    assert seen.index(("b", 3)) > seen.index(("a", 6)), "it waits until the other has ended"
    assert adapter_bytes(found[0]) == adapter_bytes(found[1])


def test_who_runs_out_of_memory_alone_has_failed(bert: Path, tmp_path: Path) -> None:
    rows = classified(24)
    each = replace(job(tmp_path, rows), examples=Torn(rows, after=8 + 3))
    [failed] = fleet.train([each], base_dir=bert, device="cpu", log=unheard, threads=1)
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, AdapterctlError)
    assert str(failed.error) == (
        "one: out of memory at step 2\n"
        "  hint: lower training.per_device_train_batch_size and raise "
        "gradient_accumulation_steps as much, or set gradient_checkpointing: true"
    )
    assert len(failed.trail) == 1


@st.composite
def fleets(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Two to four adapters, as different as a fleet's."""
    one = st.fixed_dictionaries(
        {
            "task": st.sampled_from(["SEQ_CLS", "CAUSAL_LM"]),
            "rank": st.sampled_from([1, 4, 16]),
            "targets": st.sampled_from(
                [["q_proj"], ["q_proj", "k_proj", "v_proj"], "all-linear", ["up_proj", "k_proj"]]
            ),
            "dropout": st.sampled_from([0.0, 0.3]),
            "padded": st.booleans(),
            "longest": st.sampled_from([8, 30]),
            "max_steps": st.integers(1, 3),
            "per_device_train_batch_size": st.sampled_from([1, 3, 8]),
            "gradient_accumulation_steps": st.sampled_from([1, 2]),
            "lr_scheduler_type": st.sampled_from(["linear", "cosine"]),
            "max_grad_norm": st.sampled_from([0.0, 0.1, 1.0]),
            "seed": st.integers(0, 3),
        }
    )
    return draw(st.lists(one, min_size=2, max_size=4))


def jobs_of(drawn: list[dict[str, Any]], folder: Path) -> list[SlotJob]:
    return [_job(dict(settings), folder, name=str(number)) for number, settings in enumerate(drawn)]


def _job(drawn: dict[str, Any], folder: Path, *, name: str) -> SlotJob:
    make = classified if drawn.pop("task") == "SEQ_CLS" else completions
    rows = make(12, longest=drawn.pop("longest"))
    lora = {
        "r": drawn.pop("rank"),
        "target_modules": drawn.pop("targets"),
        "lora_dropout": drawn.pop("dropout"),
    }
    padded = drawn.pop("padded")
    return replace(job(folder, rows, name=name, lora=lora, **drawn), padded=padded)


def check_fleet(drawn: list[dict[str, Any]], base: Path, folder: Path, **place: Any) -> None:
    """A drawn fleet, in any number of slots, comes to the bytes of each of its adapters alone."""
    slots = 1 + len(drawn) % 3
    found = train_all(jobs_of(drawn, folder / "fleet"), base, slots=slots, **place)
    for each, together in zip(jobs_of(drawn, folder / "solo"), found, strict=True):
        [alone] = train_all([each], base, **place)
        assert adapter_bytes(alone) == adapter_bytes(together)
        assert alone.trail == together.trail


SMALL = settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@SMALL
@given(drawn=fleets())
def test_any_fleet_comes_to_the_bytes_of_its_adapters_alone(
    drawn: list[dict[str, Any]], llama: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    check_fleet(drawn, llama, tmp_path_factory.mktemp("drawn"))


@pytest.mark.slow
@settings(SMALL, max_examples=40)
@given(drawn=fleets())
def test_many_fleets_come_to_the_bytes_of_their_adapters_alone(
    drawn: list[dict[str, Any]], llama: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    check_fleet(drawn, llama, tmp_path_factory.mktemp("drawn"), threads=2)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU")
@settings(SMALL, max_examples=20)
@given(drawn=fleets())
def test_on_a_gpu_any_fleet_comes_to_the_bytes_of_its_adapters_alone(
    drawn: list[dict[str, Any]], llama: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    check_fleet(drawn, llama, tmp_path_factory.mktemp("drawn"), device="cuda", threads=None)
