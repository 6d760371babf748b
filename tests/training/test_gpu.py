"""The same promises on a GPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from adapterctl.training.determinism import environment, resolve_device
from adapterctl.training.learning.job import Progress
from support.training_jobs import (
    adapter_bytes,
    classified,
    completions,
    job,
    train_all,
    without_dropout,
)

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU"),
]


class Stop(Exception):
    """What ends a run in the middle."""


SETTINGS: dict[str, dict[str, Any]] = {
    "float32": {},
    "bfloat16": {"bf16": True},
    "recomputed": {"gradient_checkpointing": True, "gradient_accumulation_steps": 2},
    "dora": {"lora": {"use_dora": True}},
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("base", ["bert", "llama", "gpt2"])
def test_trained_twice_and_resumed_gives_the_same_bytes(
    base: str, settings: dict[str, Any], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    folder = request.getfixturevalue(base)
    rows = classified(40) if base == "bert" else completions(40)
    often = {"max_steps": 8, "save_steps": 3, **settings}
    [first] = train_all([job(tmp_path / "1", rows, **often)], folder, device="cuda")
    [second] = train_all([job(tmp_path / "2", rows, **often)], folder, device="cuda")
    cut = job(tmp_path / "3", rows, **often)
    with pytest.raises(Stop):
        train_all([cut], folder, device="cuda", log=stop_at_5)
    [resumed] = train_all([cut], folder, device="cuda")
    assert adapter_bytes(second) == adapter_bytes(first)
    assert adapter_bytes(resumed) == adapter_bytes(first)
    assert resumed.trail == first.trail


def stop_at_5(progress: Progress) -> None:
    if progress.step == 5:
        raise Stop


def test_neighbours_change_nothing(bert: Path, tmp_path: Path) -> None:
    names = ("a", "b", "c")
    together = train_all(
        [job(tmp_path, classified(30, seed=n), name=name) for n, name in enumerate(names)],
        bert,
        device="cuda",
    )
    [alone] = train_all(
        [job(tmp_path / "solo", classified(30, seed=1), name="b")], bert, device="cuda"
    )
    assert adapter_bytes(alone) == adapter_bytes(together[1])


def test_a_gpu_learns_what_a_cpu_learns(llama: Path, tmp_path: Path) -> None:
    plain = without_dropout(llama, tmp_path / "base")
    found = {}
    for device in ("cpu", "cuda"):
        each = job(tmp_path / device, completions(40), lora={"lora_dropout": 0.0}, max_steps=20)
        [result] = train_all([each], plain, device=device)
        found[device] = [float.fromhex(step.loss) for step in result.trail]
    assert found["cuda"] == pytest.approx(found["cpu"], rel=1e-4)


def test_the_environment_names_gpu_and_driver() -> None:
    assert resolve_device("auto") == "cuda"
    found = environment("cuda", threads=1)
    assert found.device == torch.cuda.get_device_name()
    assert found.cuda == torch.version.cuda
