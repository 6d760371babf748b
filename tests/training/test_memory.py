"""Memory as it is measured, and what follows from it for a fleet."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from adapterctl.training.learning import fleet
from adapterctl.training.learning.memory import Meter, held_bytes, is_out_of_memory
from support.training_jobs import classified, job, train_all

MIB = 2**20


class Full(Meter):
    """A device with nothing left beside what is trained."""

    def free(self) -> int:
        return 0


def test_with_no_memory_to_spare_adapters_train_one_at_a_time(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet, "Meter", Full)
    jobs = [job(tmp_path, classified(16), name=name, max_steps=2) for name in "abc"]
    seen: list[str] = []
    train_all(jobs, bert, log=lambda progress: seen.append(progress.slot))
    assert "".join(seen) == "aabbcc"


def test_what_an_adapter_holds_is_its_weights_and_what_adam_keeps() -> None:
    weights = [torch.nn.Parameter(torch.ones(10, 3)), torch.nn.Parameter(torch.ones(5))]
    optimizer = torch.optim.AdamW(weights)
    assert held_bytes(weights, optimizer) == 35 * 4
    sum(weight.sum() for weight in weights).backward()
    optimizer.step()
    counters = 2 * 4
    assert held_bytes(weights, optimizer) == 3 * 35 * 4 + counters


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what a process holds")
def test_a_peak_is_seen_after_it_was_given_back() -> None:
    meter = Meter("cpu")
    meter.start()
    before = meter.peak()
    torch.ones(64 * MIB // 4)
    assert meter.peak() - before > 50 * MIB
    meter.start()
    assert meter.peak() < 50 * MIB
    assert meter.free() > 0


def test_torchs_words_for_a_lack_of_memory_are_known() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**55, dtype=torch.uint8)
    assert is_out_of_memory(caught.value)
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA"))
    assert not is_out_of_memory(RuntimeError("shapes do not agree"))
