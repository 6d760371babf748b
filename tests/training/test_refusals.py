from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapterctl.errors import InvalidInput
from adapterctl.training.refusals import check_jobs
from support.training_jobs import classified, completions, job, train_all

REMOVE = "remove it, or train with a command of your own (trainer: {command: ...})"


def said(tmp_path: Path, **settings: Any) -> str:
    with pytest.raises(InvalidInput) as caught:
        check_jobs([job(tmp_path, completions(8), **settings)])
    return str(caught.value)


LORA = {
    "eva_config": ({"rho": 2.0}, "EVA needs activations of the base before training starts"),
    "corda_config": (
        {"verbose": True},
        "CorDA needs covariances of the base before training starts",
    ),
    "loftq_config": ({"loftq_bits": 4}, "LoftQ needs a quantized base"),
    "use_qalora": (True, "PEFT has QALoRA for GPTQ-quantized bases only"),
    "qalora_group_size": (32, "PEFT has QALoRA for GPTQ-quantized bases only"),
    "alora_invocation_tokens": (
        [5],
        "adapters that switch on inside a text cannot be evaluated here",
    ),
}


@pytest.mark.parametrize("field", LORA)
def test_what_is_not_honoured_is_refused_with_the_reason(field: str, tmp_path: Path) -> None:
    value, why = LORA[field]
    expected = f"one: lora.{field}: not honoured: {why}\n  hint: {REMOVE}"
    assert said(tmp_path, lora={field: value}) == expected


@pytest.mark.parametrize("start", ["eva", "corda", "loftq", "lora_ga", "gausian"])
def test_an_initialisation_that_is_not_honoured_is_refused(start: str, tmp_path: Path) -> None:
    assert said(tmp_path, lora={"init_lora_weights": start}) == (
        f"one: lora.init_lora_weights: not honoured: '{start}'\n"
        "  hint: known: true, false, gaussian, mica, olora, orthogonal, pissa, pissa_niter_<n>"
    )


TRAINING = {
    "adam_beta1": ({"optim": "sgd", "adam_beta1": 0.8}, "sgd has no such setting"),
    "adam_epsilon": (
        {"optim": "adafactor", "adam_epsilon": 1e-6},
        "adafactor has no such setting",
    ),
    "warmup_steps": (
        {"lr_scheduler_type": "constant", "warmup_steps": 3},
        "a constant learning rate has no warm-up",
    ),
    "warmup_ratio": ({"warmup_steps": 3, "warmup_ratio": 0.1}, "warmup_steps is set too"),
    "max_steps": ({"max_steps": 0}, "out of range: 0"),
    "lr_scheduler_kwargs": (
        {"lr_scheduler_type": "constant", "lr_scheduler_kwargs": {"num_cycles": 2}},
        "constant takes none",
    ),
}


@pytest.mark.parametrize("field", TRAINING)
def test_a_setting_without_effect_is_refused(field: str, tmp_path: Path) -> None:
    settings, what = TRAINING[field]
    assert said(tmp_path, **settings).startswith(f"one: training.{field}: {what}\n")


def test_a_schedule_hears_of_unknown_arguments_before_anything_is_loaded(tmp_path: Path) -> None:
    message = said(tmp_path, lr_scheduler_type="cosine", lr_scheduler_kwargs={"cycles": 2})
    assert message.startswith("one: training.lr_scheduler_kwargs: cosine does not take these: ")


def test_dora_is_not_combined_with_what_changes_the_base(tmp_path: Path) -> None:
    message = said(tmp_path, lora={"use_dora": True, "init_lora_weights": "pissa_niter_2"})
    assert message.startswith("one: lora.use_dora: pissa_niter_2 changes the weights")


def test_examples_must_teach_something(tmp_path: Path) -> None:
    mute = [replace_mask(example) for example in completions(4)]
    cases = {
        "examples: there are none": job(tmp_path, []),
        "examples: no token is learned": job(tmp_path, mute),
        "labels: 1 in the training set": job(tmp_path, classified(4, labels=1)),
        "examples: 2 have no label of the training set, first '2'": replace(
            job(tmp_path, classified(6)), labels=["a", "b"]
        ),
        "task: TOKEN_CLS cannot be trained yet": replace(
            job(tmp_path, completions(4)), task="TOKEN_CLS"
        ),
    }
    for what, each in cases.items():
        with pytest.raises(InvalidInput) as caught:
            check_jobs([each])
        assert f"one: {what}" in str(caught.value)


def replace_mask(example: Any) -> Any:
    import msgspec

    return msgspec.structs.replace(example, loss_mask=(0,) * len(example.input_ids))


def test_everything_wrong_with_every_job_is_said_at_once(tmp_path: Path, bert: Path) -> None:
    jobs = [
        job(tmp_path, classified(9), name="a", lora={"use_qalora": True}, max_steps=0),
        job(tmp_path, classified(9), name="b", optim="sgd", adam_beta2=0.9),
        job(tmp_path, classified(9), name="b"),
    ]
    with pytest.raises(InvalidInput) as caught:
        train_all(jobs, bert)
    assert [problem.place for problem in caught.value.problems] == [
        "a: lora.use_qalora",
        "a: training.max_steps",
        "b: training.adam_beta2",
        "b",
    ]


def test_what_peft_refuses_is_said_for_every_job_before_the_base_is_loaded(
    tmp_path: Path, bert: Path
) -> None:
    for file in (empty := tmp_path / "empty", empty / "bert"):
        file.mkdir()
    (empty / "bert" / "config.json").write_bytes((bert / "config.json").read_bytes())
    jobs = [
        job(tmp_path, classified(9), name=name, lora={"target_modules": [name]}) for name in "xy"
    ]
    with pytest.raises(InvalidInput) as caught:
        train_all(jobs, empty / "bert")
    assert [problem.place for problem in caught.value.problems] == ["x: lora", "y: lora"]
