"""The same promises on a GPU."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from adapterctl.training.determinism import environment, resolve_device
from adapterctl.training.learning.job import Progress
from adapterctl.training.quantized import installed
from support.tiny_bases import tiny_llama
from support.training_jobs import (
    adapter_bytes,
    classified,
    completions,
    job,
    taught,
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
    "bfloat16, recomputed": {"bf16": True, "gradient_checkpointing": True},
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
    assert first.facts.unpadded


@pytest.mark.parametrize("bf16", [False, True])
def test_taught_twice_gives_the_same_bytes(bf16: bool, llama: Path, tmp_path: Path) -> None:
    rows = taught(completions(40))
    runs = [
        train_all([job(tmp_path / name, rows, bf16=bf16)], llama, device="cuda")[0]
        for name in ("1", "2")
    ]
    assert adapter_bytes(runs[0]) == adapter_bytes(runs[1])


def stop_at_5(progress: Progress) -> None:
    if progress.step == 5:
        raise Stop


@pytest.mark.parametrize("bf16", [False, True])
def test_neighbours_change_nothing(bf16: bool, bert: Path, tmp_path: Path) -> None:
    names = ("a", "b", "c")
    together = train_all(
        [
            job(tmp_path, classified(30, seed=n), name=name, bf16=bf16)
            for n, name in enumerate(names)
        ],
        bert,
        device="cuda",
    )
    [alone] = train_all(
        [job(tmp_path / "solo", classified(30, seed=1), name="b", bf16=bf16)], bert, device="cuda"
    )
    assert adapter_bytes(alone) == adapter_bytes(together[1])


@pytest.mark.parametrize("bf16", [False, True])
@pytest.mark.parametrize("base", ["bert", "llama", "gpt2"])
def test_losses_without_padding_are_those_with_it(
    base: str, bf16: bool, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    plain = without_dropout(request.getfixturevalue(base), tmp_path / "base")
    rows = classified(40) if base == "bert" else completions(40)
    each = job(tmp_path / "1", rows, lora={"lora_dropout": 0.0}, bf16=bf16)
    [found] = train_all([each], plain, device="cuda")
    padded = replace(each, padded=True, out_dir=tmp_path / "2" / "adapter")
    [other] = train_all([padded], plain, device="cuda")
    assert (found.facts.unpadded, other.facts.unpadded) == (True, False)
    losses = [[float.fromhex(step.loss) for step in run.trail] for run in (found, other)]
    assert losses[0] == pytest.approx(losses[1], rel=2e-2 if bf16 else 1e-4)


def test_logits_in_pieces_are_repeated_bit_for_bit_and_hold_no_more(tmp_path: Path) -> None:
    base = tiny_llama(tmp_path / "base", vocabulary=2**18, hidden=32)
    rows = completions(64, longest=20)
    settings = {"bf16": True, "max_steps": 2, "per_device_train_batch_size": 64}
    peaks, found = [], []
    for number, arithmetic in enumerate((1, 2, 2)):
        each = replace(job(tmp_path / str(number), rows, **settings), arithmetic=arithmetic)
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        [result] = train_all([each], base, device="cuda")
        peaks.append(torch.cuda.max_memory_allocated())
        found.append(adapter_bytes(result))
    assert found[1] == found[2]
    assert peaks[1] < peaks[0] / 1.5


@pytest.mark.skipif(not installed(), reason="bitsandbytes is not installed")
@pytest.mark.parametrize("double", [False, True])
def test_a_base_in_4_bits_is_trained_on_twice_and_resumed_to_the_same_bytes(
    double: bool, llama: Path, tmp_path: Path
) -> None:
    often = {
        "bf16": True,
        "load_in_4bit": True,
        "bnb_4bit_use_double_quant": double,
        "max_steps": 8,
        "save_steps": 3,
    }
    rows = completions(40)
    [first] = train_all([job(tmp_path / "1", rows, **often)], llama, device="cuda")
    cut = job(tmp_path / "2", rows, **often)
    with pytest.raises(Stop):
        train_all([cut], llama, device="cuda", log=stop_at_5)
    [resumed] = train_all([cut], llama, device="cuda")
    assert adapter_bytes(resumed) == adapter_bytes(first)
    unquantised = job(tmp_path / "3", rows, **often | {"load_in_4bit": False} | _NOT_TWICE)
    [other] = train_all([unquantised], llama, device="cuda")
    assert adapter_bytes(other) != adapter_bytes(first)


_NOT_TWICE = {"bnb_4bit_use_double_quant": False}


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
