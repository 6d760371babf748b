from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from adapterctl.errors import InvalidInput, NotFound
from adapterctl.stores.safetensors import weights_digest
from adapterctl.training.learning.fleet import train
from adapterctl.training.learning.job import Failed, Progress, SlotJob, Trained
from adapterctl.training.learning.trail import trail_digest
from support.training_jobs import (
    adapter_bytes,
    classified,
    completions,
    job,
    train_all,
    unheard,
)


def neighbourhood(folder: Path) -> list[SlotJob]:
    """Slots as different as a fleet's: labels, ranks, layers, lengths, batches, a variant."""
    return [
        job(folder, classified(24), name="a", max_steps=5),
        job(folder, classified(40, labels=5, seed=2), name="b", lora={"r": 8}, bf16=True),
        job(folder, classified(20, seed=3), name="c", lora={"target_modules": ["query", "dense"]}),
        job(folder, classified(24), name="d", lora={"use_dora": True}, max_steps=4),
        job(
            folder,
            classified(30, longest=40),
            name="e",
            gradient_checkpointing=True,
            gradient_accumulation_steps=2,
            lora={"modules_to_save": ["pooler"]},
        ),
    ]


def test_a_slots_bytes_do_not_depend_on_its_neighbours(bert: Path, tmp_path: Path) -> None:
    together = train_all(neighbourhood(tmp_path / "fleet"), bert)
    backwards = train_all(neighbourhood(tmp_path / "back")[::-1], bert)
    for number, each in enumerate(neighbourhood(tmp_path / "solo")):
        [alone] = train_all([each], bert)
        assert alone.name == together[number].name
        assert adapter_bytes(alone) == adapter_bytes(together[number])
        assert adapter_bytes(alone) == adapter_bytes(backwards[-1 - number])
        assert alone.trail == together[number].trail


def test_a_name_changes_no_byte(bert: Path, tmp_path: Path) -> None:
    names = ("first", "second.one-more")
    results = train_all([job(tmp_path, classified(20), name=name) for name in names], bert)
    assert adapter_bytes(results[0]) == adapter_bytes(results[1])


def test_results_come_in_the_order_of_jobs(llama: Path, tmp_path: Path) -> None:
    jobs = [
        job(tmp_path, completions(16), name="z", max_steps=1),
        job(tmp_path, classified(16), name="y", max_steps=3),
        job(tmp_path, completions(16), name="x", lora={"use_dora": True}, max_steps=2),
        job(tmp_path, classified(16), name="w", max_steps=2),
    ]
    results = train_all(jobs, llama)
    assert [result.name for result in results] == ["z", "y", "x", "w"]
    assert [result.facts.steps for result in results] == [1, 3, 2, 2]


def test_slots_take_turns(bert: Path, tmp_path: Path) -> None:
    jobs = [
        job(tmp_path, classified(16), name="a", max_steps=2),
        job(tmp_path, classified(16), name="b", max_steps=3),
    ]
    seen: list[tuple[str, int]] = []
    train_all(jobs, bert, log=lambda progress: seen.append((progress.slot, progress.step)))
    assert seen == [("a", 1), ("b", 1), ("a", 2), ("b", 2), ("b", 3)]


def test_a_slot_that_diverges_fails_alone(bert: Path, tmp_path: Path) -> None:
    wild = job(
        tmp_path, classified(30), name="wild", optim="sgd", learning_rate=1e30, max_grad_norm=0.0
    )
    jobs = [wild, job(tmp_path, classified(30), name="calm")]
    failed, trained = train(jobs, base_dir=bert, device="cpu", log=unheard, threads=1)
    assert isinstance(failed, Failed)
    step = len(failed.trail) + 1
    assert str(failed.error) == (
        f"wild: the loss or its gradient is not a number any more at step {step}\n"
        "  hint: lower training.learning_rate, or warm it up"
    )
    assert not wild.out_dir.exists()
    [alone] = train_all([job(tmp_path / "solo", classified(30), name="calm")], bert)
    assert isinstance(trained, Trained)
    assert adapter_bytes(trained) == adapter_bytes(alone)


def test_a_slot_whose_folder_cannot_be_written_fails_alone(bert: Path, tmp_path: Path) -> None:
    blocked = job(tmp_path, classified(16), name="blocked", max_steps=1)
    blocked.out_dir.parent.mkdir()
    blocked.out_dir.with_name(".adapter.partial").write_text("in the way")
    jobs = [blocked, job(tmp_path, classified(16), name="free", max_steps=1)]
    failed, trained = train(jobs, base_dir=bert, device="cpu", log=unheard, threads=1)
    assert isinstance(failed, Failed)
    assert "cannot write the adapter: File exists" in str(failed.error)
    assert isinstance(trained, Trained)


def test_a_start_that_does_not_fit_fails_alone(bert: Path, tmp_path: Path) -> None:
    [first] = train_all([job(tmp_path, classified(16), name="first", max_steps=1)], bert)
    start = first.adapter / "adapter_model.safetensors"
    other_rank = job(tmp_path, classified(16), name="b", lora={"r": 2}, initial_weights=start)
    results = train([other_rank], base_dir=bert, device="cpu", log=unheard, threads=1)
    assert isinstance(results[0], Failed)
    assert "(4, 32) instead of (2, 32)" in str(results[0].error)


def test_a_run_can_start_from_an_adapter(bert: Path, tmp_path: Path) -> None:
    [first] = train_all([job(tmp_path, classified(40), name="first", max_steps=20)], bert)
    start = first.adapter / "adapter_model.safetensors"
    again = job(
        tmp_path, classified(40), name="b", max_steps=1, initial_weights=start, learning_rate=1e-9
    )
    [second] = train_all([again], bert)
    old, new = load_file(start), load_file(second.adapter / start.name)
    assert all(torch.allclose(old[name], new[name], atol=1e-6) for name in old)


def test_the_base_on_disk_is_not_touched(bert: Path, tmp_path: Path) -> None:
    before = {file: file.read_bytes() for file in bert.iterdir()}
    train_all(neighbourhood(tmp_path)[:2], bert)
    assert {file: file.read_bytes() for file in bert.iterdir()} == before


def test_the_last_step_of_the_trail_is_the_saved_adapter(bert: Path, tmp_path: Path) -> None:
    [result] = train_all([job(tmp_path, classified(30), logging_steps=4, max_steps=6)], bert)
    logged = [step.step for step in result.trail if step.weights_sha256]
    assert logged == [4, 6]
    saved = weights_digest(result.adapter / "adapter_model.safetensors")
    assert result.trail[-1].weights_sha256 == saved


def test_facts_tell_what_the_run_was(bert: Path, tmp_path: Path) -> None:
    examples = classified(20)
    each = job(tmp_path, examples, max_steps=-1, num_train_epochs=2, lora={"r": 2})
    ticks = iter(range(1000))
    [result] = train_all([each], bert, clock=lambda: float(next(ticks)))
    facts = result.facts
    assert (facts.steps, facts.epochs, facts.rows) == (6, 2.0, 20)
    assert facts.tokens == 2 * sum(len(example.input_ids) for example in examples)
    assert facts.seconds == 6.0
    saved = load_file(result.adapter / "adapter_model.safetensors")
    assert facts.trainable_parameters == sum(tensor.numel() for tensor in saved.values())
    assert facts.labels == ["label 0", "label 1", "label 2"]
    assert "bert.encoder.layer.0.attention.self.query" in facts.target_modules
    assert facts.first_loss == float.fromhex(result.trail[0].loss)
    assert facts.last_loss == float.fromhex(result.trail[-1].loss)
    assert facts.trail_sha256 == trail_digest(result.trail)


def test_progress_is_told_for_a_display(bert: Path, tmp_path: Path) -> None:
    ticks = iter(range(1000))
    seen: list[Progress] = []
    examples = classified(8)
    each = job(tmp_path, examples, max_steps=2, lr_scheduler_type="constant")
    [result] = train_all([each], bert, clock=lambda: float(next(ticks)), log=seen.append)
    assert seen[1] == Progress(
        slot="one",
        step=2,
        steps=2,
        loss=float.fromhex(result.trail[1].loss),
        learning_rate=0.01,
        tokens_per_second=float(sum(len(example.input_ids) for example in examples)),
    )


def test_accumulated_batches_weigh_as_much_as_one_large_one(llama: Path, tmp_path: Path) -> None:
    plain = {"lora": {"lora_dropout": 0.0}, "max_steps": 4}
    size, count = "per_device_train_batch_size", "gradient_accumulation_steps"
    large = job(tmp_path, completions(48), name="large", **{size: 12}, **plain)
    small = job(tmp_path, completions(48), name="small", **{size: 4, count: 3}, **plain)
    one, many = train_all([large, small], llama)
    for first, second in zip(one.trail, many.trail, strict=True):
        for field in ("loss", "grad_norm"):
            assert float.fromhex(getattr(first, field)) == pytest.approx(
                float.fromhex(getattr(second, field)), rel=1e-4
            )


def test_clipping_limits_what_a_step_may_move(bert: Path, tmp_path: Path) -> None:
    def moved(limit: float) -> float:
        settings = {"optim": "sgd", "learning_rate": 1.0, "max_steps": 1, "max_grad_norm": limit}
        name = f"limit{limit}"
        each = job(tmp_path, classified(16), name=name, lr_scheduler_type="constant", **settings)
        [result] = train_all([each], bert)
        head = load_file(result.adapter / "adapter_model.safetensors")
        start = job(tmp_path, classified(16), name=f"start{limit}", **settings)
        [still] = train_all([_slow(start)], bert)
        begun = load_file(still.adapter / "adapter_model.safetensors")
        return sum((head[name] - begun[name]).pow(2).sum().item() for name in head) ** 0.5

    assert moved(0.01) == pytest.approx(0.01, rel=1e-3)
    assert moved(0.0) > 0.02


def _slow(each: SlotJob) -> SlotJob:
    import msgspec

    return replace(each, training=msgspec.structs.replace(each.training, learning_rate=1e-12))


def test_the_learning_rate_warms_up_and_decays(bert: Path, tmp_path: Path) -> None:
    each = job(tmp_path, classified(16), max_steps=5, warmup_steps=2, learning_rate=0.3)
    [result] = train_all([each], bert)
    rates = [float.fromhex(step.learning_rate) for step in result.trail]
    assert rates == pytest.approx([0.0, 0.15, 0.3, 0.2, 0.1])


def test_weight_decay_spares_biases(bert: Path, tmp_path: Path) -> None:
    plain = job(tmp_path, classified(16), name="plain", max_steps=1)
    decayed = job(tmp_path, classified(16), name="decayed", max_steps=1, weight_decay=0.5)
    one, two = (
        load_file(result.adapter / "adapter_model.safetensors")
        for result in train_all([plain, decayed], bert)
    )
    bias, weight = (f"base_model.model.classifier.{part}" for part in ("bias", "weight"))
    assert torch.equal(one[bias], two[bias])
    assert not torch.equal(one[weight], two[weight])


@pytest.mark.parametrize("task", ["SEQ_CLS", "CAUSAL_LM"])
def test_training_lowers_the_loss(task: str, llama: Path, tmp_path: Path) -> None:
    rows: Any = classified(60) if task == "SEQ_CLS" else completions(60)
    each = job(tmp_path, rows, max_steps=60, learning_rate=0.03)
    [result] = train_all([each], llama)
    assert result.facts.last_loss < 0.99 * result.facts.first_loss


def test_a_base_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        train_all([job(tmp_path, classified(16))], tmp_path / "nowhere")
    assert str(caught.value) == (
        f"{tmp_path / 'nowhere'}: no config.json in the base's folder\n"
        "  hint: a base is a Hugging Face folder: give the one that holds config.json"
    )


def test_jobs_are_checked_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"one: lora\.use_qalora"):
        train_all([job(tmp_path, classified(16), lora={"use_qalora": True})], tmp_path / "nowhere")
