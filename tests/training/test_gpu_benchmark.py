"""The GPU's benchmark with a small Llama on the CPU: equal work; without a GPU, no figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from benchmarks import gpu_training, machine
from benchmarks.gpu_report import page
from benchmarks.gpu_shapes import SHAPES, Work, build, works

SMALL = SHAPES["small"]
WORKS = ("full length", "uneven")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Work]:
    base = build(SMALL, tmp_path_factory.mktemp("gpu") / "base", device="cpu")
    return {work.name: work for work in works(SMALL, base, steps=2, warm=1, device="cpu")}


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("name", WORKS)
def test_every_way_does_the_same_work(name: str, small: dict[str, Work]) -> None:
    work = small[name]
    found = {
        way: gpu_training.run(way, work) for way in ("ours", "ours, not strict", "Trainer + PEFT")
    }
    for told in found.values():
        assert told["tokens"] == work.tokens
        assert (told["steps"], told["gradients"]) == (work.steps, True)
        assert told["seconds"] > 0
    assert found["ours"]["timed_tokens"] == found["ours, not strict"]["timed_tokens"]
    losses = [told["loss"] for told in found.values()]
    assert losses == pytest.approx([losses[0]] * 3, rel=0.02)
    speeds = gpu_training.compared({way: {name: told} for way, told in found.items()}, rate=1e12)
    assert all(told["tokens_per_second"] > 0 for told in speeds[name].values())


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("name", WORKS)
def test_trl_learns_as_many_tokens(name: str, small: dict[str, Work]) -> None:
    told = gpu_training.run("TRL, packed", small[name])
    assert (told["tokens"], told["gradients"]) == (small[name].tokens, True)


def test_the_operations_of_a_llama_are_counted() -> None:
    eight = SHAPES["8B"]
    assert eight.weights == pytest.approx(7.5e9, rel=0.01), "8.03e9 without the embeddings"
    short, long = eight.operations([64]) / 64, eight.operations([4096]) / 4096
    assert short == pytest.approx(4 * eight.weights, rel=0.01)
    assert long == pytest.approx(short, rel=0.12)
    assert long > short


def test_without_a_gpu_nothing_is_measured_and_the_figures_are_blank(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(machine, "gpu", lambda: None)
    assert gpu_training.main(["--out", str(tmp_path)]) == 0
    result = json.loads((tmp_path / "gpu_training.json").read_text())
    assert (result["measured"], result["checks"]) == ([], [])
    assert "**Nothing was measured.**" in capsys.readouterr().out
    assert "| 8B | | | | |" in (tmp_path / "gpu_training.md").read_text()


def test_what_a_gpu_measured_is_kept_where_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "gpu", lambda: None)
    kept = json.dumps({"measured": ["something"]})
    (tmp_path / "gpu_training.json").write_text(kept)
    assert gpu_training.main(["--out", str(tmp_path)]) == 0
    assert (tmp_path / "gpu_training.json").read_text() == kept


def way(speed: int, *, tokens: int = 100) -> dict[str, Any]:
    return {
        "steps": 11,
        "tokens": tokens,
        "timed_tokens": 80,
        "seconds": 80 / speed,
        "loss": 11.8,
        "gradients": True,
        "peak_gib": 20.0,
        "operations_per_token": 3e10,
    }


def told(**ways: dict[str, Any]) -> dict[str, Any]:
    names = {"ours": "ours", "loose": "ours, not strict", "trainer": "Trainer + PEFT"}
    found = {names[name]: {"full length": figures} for name, figures in ways.items()}
    found["TRL, packed"] = {"full length": {"not run": "TRL: not installed"}}
    one = {
        "shape": "8B",
        "matmul_operations_per_second": 7e14,
        "works": gpu_training.compared(found, rate=7e14),
    }
    return {"measured": [one]}


def claims(**ways: dict[str, Any]) -> list[bool]:
    [one] = told(**ways)["measured"]
    return [check["held"] for check in gpu_training._checks(one)]


def test_targets_are_held_to() -> None:
    good = {"ours": way(16_000), "loose": way(16_500), "trainer": way(13_000)}
    assert claims(**good) == [True, True, True, True]
    assert claims(**good | {"trainer": way(14_000)}) == [True, False, True, True]
    assert claims(**good | {"loose": way(17_000)}) == [True, True, False, True]
    slow = {"ours": way(14_000), "loose": way(14_000), "trainer": way(11_000)}
    assert claims(**slow) == [True, True, True, False]
    assert claims(**good | {"trainer": way(13_000, tokens=90)})[0] is False


def test_the_page_says_what_was_found_and_what_was_not_run() -> None:
    [one] = told(ours=way(16_000), loose=way(16_500), trainer=way(13_000))["measured"]
    text = page(
        {
            "date": "2026-11-28",
            "commit": "0123456789abcdef",
            "uncommitted_changes": False,
            "machine": {"gpu": "a GPU", "torch": "2", "transformers": "5", "peft": "0"},
            "steps": 8,
            "warm_up_steps": 3,
            "measured": [one],
            "checks": [{"claim": "all is well", "held": False}],
        }
    )
    assert "| ours | 16,000 | 68.6% | 20.0 | 11.800 | 11 |" in text
    assert "| TRL, packed | TRL: not installed | | | | |" in text
    assert "- **DOES NOT HOLD**: all is well" in text
