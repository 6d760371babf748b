"""The GPU's fleet benchmark with a small Llama on the CPU: both ways do the same work."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from benchmarks import gpu_fleet, machine
from benchmarks.gpu_fleet_work import adapter, fleet, script
from benchmarks.gpu_shapes import SHAPES, build


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(SHAPES["small"], tmp_path_factory.mktemp("gpu-fleet") / "base", device="cpu")


@pytest.mark.usefixtures("one_thread")
def test_a_script_and_a_run_of_ours_learn_and_ask_the_same(base: Path, tmp_path: Path) -> None:
    adapters = [adapter(number, "small", base, device="cpu", rows=40) for number in (0, 1, 2)]
    together = fleet(adapters, tmp_path / "fleet")
    for number, own in enumerate(adapters):
        [loss], [asked] = script([own], tmp_path / f"script-{number}").values()
        assert together["losses"][number] == pytest.approx(loss, rel=0.02)
        assert together["asked"][number] == pytest.approx(asked, rel=0.05)
    alone = fleet(adapters[:1], tmp_path / "alone")
    assert together["digests"][:1] == alone["digests"]
    assert len(set(together["digests"])) == 3


def test_adapters_differ_in_rank_batch_and_length(base: Path) -> None:
    each = [adapter(number, "1B", base, device="cuda").work for number in range(5)]
    assert [work.rank for work in each] == [4, 8, 16, 32, 4]
    assert {len(work.examples) for work in each} == {847}
    longest = [max(len(row.input_ids) for row in work.examples) for work in each]
    assert longest == [512, 64, 256, 128, 512]
    assert each[0].examples != each[4].examples


def measured(*, ours: float, digest: str = "a") -> dict[str, Any]:
    return {
        "shape": "8B",
        "adapters": 8,
        "in one run": {"seconds": ours, "digests": ["a", "b"], "held_gib": 27.0},
        "one alone": {"seconds": 40.0, "digests": [digest], "held_gib": 20.0},
        "scripts": [{"seconds": seconds} for seconds in (50.0, 40.0, 40.0, 50.0)],
    }


def test_targets_are_held_to() -> None:
    def held(one: dict[str, Any]) -> list[bool]:
        return [check["held"] for check in gpu_fleet.as_json([one])["checks"]]

    assert held(measured(ours=120.0)) == [True, True]
    assert held(measured(ours=121.0)) == [False, True]
    assert held(measured(ours=100.0, digest="c")) == [True, False]
    assert gpu_fleet.memory_per_adapter(measured(ours=100.0)) == 1.0


def test_the_page_says_what_was_found() -> None:
    one = measured(ours=120.0)
    told = gpu_fleet.page(
        {
            "date": "2026-11-29",
            "commit": "0" * 40,
            "uncommitted_changes": False,
            "machine": {"gpu": "a GPU", "torch": "2", "transformers": "5", "peft": "0"},
            "measured": [one],
            "checks": [{"claim": "all is well", "held": False}],
        }
    )
    assert "| 8B | 8 | 120.0 s | 360.0 s | 3.00 | 1.0 |" in told
    assert "**DOES NOT HOLD**: all is well" in told


def test_without_a_gpu_nothing_is_measured_and_what_was_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(machine, "gpu", lambda: None)
    assert gpu_fleet.main(["--out", str(tmp_path)]) == 0
    assert "| 8B | 8 | | | | |" in (tmp_path / "gpu_fleet.md").read_text()
    assert "**Nothing was measured.**" in capsys.readouterr().out
    kept = json.dumps({"measured": ["something"]})
    (tmp_path / "gpu_fleet.json").write_text(kept)
    assert gpu_fleet.main(["--out", str(tmp_path)]) == 0
    assert (tmp_path / "gpu_fleet.json").read_text() == kept


@pytest.mark.slow
def test_whole_processes_are_timed() -> None:
    told = gpu_fleet.makespan("small", device="cpu", adapters=2, rows=40)
    assert told["in one run"]["digests"][:1] == told["one alone"]["digests"]
    assert len(told["scripts"]) == 4
    assert all(each["seconds"] > 1 for each in told["scripts"])
