"""``bf16: true``: the base in bfloat16, the adapter and its optimizer in float32."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from adapterctl.rules.arithmetic import LATEST, base_dtype
from adapterctl.training.learning.job import Progress
from adapterctl.training.learning.slots import SlottedBase, SlotTrainee
from adapterctl.training.learning.unpadded import choose_attention
from adapterctl.training.loading import load_base
from adapterctl.training.twin import read
from support.training_jobs import (
    adapter_bytes,
    classified,
    completions,
    job,
    train_all,
    without_dropout,
)

pytestmark = pytest.mark.usefixtures("one_thread")
BASES = ("bert", "llama", "gpt2")


def rows_for(base: str, count: int = 30) -> list[Any]:
    return classified(count) if base == "bert" else completions(count)


def losses(result: Any) -> list[float]:
    return [float.fromhex(step.loss) for step in result.trail]


def test_slots_alone_have_a_base_in_bfloat16_and_older_versions_have_none() -> None:
    assert base_dtype(bf16=True, plain=True, arithmetic=2) == "bfloat16"
    others = [(False, True, 2), (True, False, 2), (True, True, 1)]
    found = {base_dtype(bf16=bf16, plain=plain, arithmetic=n) for bf16, plain, n in others}
    assert found == {"float32"}


@pytest.mark.parametrize("base", BASES)
def test_the_base_is_in_bfloat16_and_what_learns_in_float32(
    base: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    folder = request.getfixturevalue(base)
    each = job(tmp_path, rows_for(base, 8), bf16=True)
    labels = 2 if each.labels else None
    loaded = load_base(
        folder, task=each.task, head_seed=0, device="cpu", num_labels=labels, dtype="bfloat16"
    )
    slotted = SlottedBase(loaded)
    reading = read(each.lora, base_dir=folder, task=each.task, labels=len(each.labels))
    slot = SlotTrainee(each, slotted, reading)
    assert {p.dtype for p in loaded.model.parameters() if not p.requires_grad} == {torch.bfloat16}
    assert {tensor.dtype for tensor in slot.tensors.values()} == {torch.float32}


@pytest.mark.parametrize("base", BASES)
def test_a_run_in_bfloat16_is_repeated_and_resumed_bit_for_bit(
    base: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    folder, rows = request.getfixturevalue(base), rows_for(base)
    often = {"bf16": True, "save_steps": 2}
    [first] = train_all([job(tmp_path / "1", rows, **often)], folder)
    cut = job(tmp_path / "2", rows, **often)
    with pytest.raises(KeyboardInterrupt):
        train_all([cut], folder, log=_stop_at_3)
    [resumed] = train_all([cut], folder)
    assert adapter_bytes(resumed) == adapter_bytes(first)
    saved = load_file(first.adapter / "adapter_model.safetensors")
    assert {tensor.dtype for tensor in saved.values()} == {torch.float32}


def _stop_at_3(progress: Progress) -> None:
    if progress.step == 3:
        raise KeyboardInterrupt


@pytest.mark.parametrize("base", BASES)
def test_a_base_in_bfloat16_teaches_what_one_in_float32_does(
    base: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    plain = without_dropout(request.getfixturevalue(base), tmp_path / "base")
    each = job(tmp_path / "1", rows_for(base), bf16=True, lora={"lora_dropout": 0.0})
    [found] = train_all([each], plain)
    before = replace(each, arithmetic=1, out_dir=tmp_path / "2" / "adapter")
    [older] = train_all([before], plain)
    assert (found.facts.arithmetic, older.facts.arithmetic) == (LATEST, 1)
    assert adapter_bytes(found) != adapter_bytes(older)
    assert losses(found) == pytest.approx(losses(older), rel=2e-2)


def test_a_neighbour_in_another_precision_changes_nothing(llama: Path, tmp_path: Path) -> None:
    rows = completions(20)
    kinds = {"a": True, "b": False}
    together = train_all(
        [job(tmp_path, rows, name=name, bf16=bf16) for name, bf16 in kinds.items()], llama
    )
    for (name, bf16), beside in zip(kinds.items(), together, strict=True):
        [alone] = train_all([job(tmp_path / "solo", rows, name=name, bf16=bf16)], llama)
        assert adapter_bytes(alone) == adapter_bytes(beside)


@pytest.mark.parametrize("base", BASES)
def test_attention_is_torch_s_own(base: str, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(base)
    task, labels = ("SEQ_CLS", 2) if base == "bert" else ("CAUSAL_LM", None)
    loaded = load_base(
        folder, task=task, head_seed=0, device="cpu", num_labels=labels, attn="eager"
    )
    choose_attention(loaded.model)
    assert loaded.model.config._attn_implementation == "sdpa"
