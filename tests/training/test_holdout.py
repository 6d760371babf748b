"""Rows that are held out, and labels that are learned softly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from adapterctl.training.learning.job import Trained
from adapterctl.training.learning.loss import collate
from support.training_jobs import adapter_bytes, classified, completions, job, train_all


def trained(each, base: Path) -> Trained:
    [found] = train_all([each], base)
    assert isinstance(found, Trained)
    return found


def test_looking_at_held_out_rows_changes_no_byte(bert: Path, tmp_path: Path) -> None:
    alone = job(tmp_path / "a", classified(24), max_steps=2)
    watched = replace(job(tmp_path / "b", classified(24), max_steps=2), held=classified(8, seed=5))
    one, other = trained(alone, bert), trained(watched, bert)
    assert one.held_loss is None and other.held_loss is not None and other.held_loss > 0
    assert other.facts.steps == 2
    assert adapter_bytes(one) == adapter_bytes(other)


def test_a_run_ends_when_the_held_out_loss_no_longer_falls(bert: Path, tmp_path: Path) -> None:
    wrong = [msgspec.structs.replace(row, label=(row.label + 1) % 3) for row in classified(12)]
    each = job(tmp_path, classified(24), max_steps=80, learning_rate=3e-2)
    found = trained(replace(each, held=wrong), bert)
    assert found.facts.steps is not None and found.facts.steps < 80
    again = trained(replace(each, held=wrong), bert)
    assert (again.facts.steps, again.held_loss) == (found.facts.steps, found.held_loss)


def test_text_is_held_out_too(llama: Path, tmp_path: Path) -> None:
    each = job(tmp_path, completions(12), max_steps=2)
    found = trained(replace(each, held=completions(4, seed=3)), llama)
    assert found.held_loss is not None and 0 < found.held_loss < 10


def softened(rows, shares):
    return [msgspec.structs.replace(row, soft=shares(row.label)) for row in rows]


def test_a_soft_label_that_is_sure_is_the_label(bert: Path, tmp_path: Path) -> None:
    rows = classified(24)
    sure = softened(rows, lambda label: tuple(float(n == label) for n in range(3)))
    hard = trained(job(tmp_path / "a", rows, max_steps=3), bert)
    soft = trained(job(tmp_path / "b", sure, max_steps=3), bert)
    losses = [[float.fromhex(step.loss) for step in each.trail] for each in (hard, soft)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)


def test_soft_labels_are_learned(bert: Path, tmp_path: Path) -> None:
    rows = classified(24)
    even = softened(rows, lambda _: (1 / 3,) * 3)
    found = trained(job(tmp_path, even, max_steps=40, learning_rate=1e-2), bert)
    assert float.fromhex(found.trail[-1].loss) == pytest.approx(1.0986, abs=0.02)


def test_a_soft_batch_counts_its_rows() -> None:
    rows = softened(classified(4), lambda _: (0.2, 0.3, 0.5))
    batch = collate(rows, task="SEQ_CLS", pad=0, device="cpu")
    assert (batch.targets.shape, batch.items, batch.kept) == ((4, 3), 4, 0)
