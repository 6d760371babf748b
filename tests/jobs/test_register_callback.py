"""What a Trainer or TRL run really used is what `RegisterCallback` registers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import adapterctl
from adapterctl.errors import InvalidInput, Mismatch
from adapterctl.records.reading import read_json
from adapterctl.records.version import VersionRecord
from support.projects import command as adapterctl_command
from support.projects import commit, copied, edit, make_project, rows, write_jsonl

RECIPE = Path("registry/adapters/router/recipe.yaml")

PREPARE_CHAT = '''\
"""Makes of each message a question and its queue."""


def prepare(rows):
    return [{"prompt": row["message"].lower(), "completion": row["queue"]} for row in rows]
'''
CHAT_RECIPE = """\
schema_version: 1
adapter: answers
purpose: Names the queue of a message
owners: {team: support-ml, backup: platform-ml}
base: new-base
task: CAUSAL_LM
data:
  train: {path: data/train.jsonl}
  evaluation: {gold: {path: data/gold.jsonl, metrics: [exact_match]}}
preprocessing: registry/adapters/answers/prepare.py:prepare
lora: {r: 4, lora_alpha: 8, target_modules: [q_proj, v_proj]}
training:
  {max_steps: 3, per_device_train_batch_size: 4, learning_rate: 1e-3, max_length: 64, seed: 3}
generation: {max_new_tokens: 4}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    root = make_project(tmp_path_factory.mktemp("callback"))
    home = root / "registry" / "adapters" / "answers"
    home.mkdir()
    (home / "prepare.py").write_text(PREPARE_CHAT)
    (home / "recipe.yaml").write_text(CHAT_RECIPE)
    commit(root)
    return root


@pytest.fixture
def project(made, tmp_path) -> Path:
    return copied(made, tmp_path)


def prepared(root: Path) -> list[dict]:
    raw = [json.loads(line) for line in (root / "data" / "train.jsonl").read_text().splitlines()]
    return [{"text": row["message"].strip().lower(), "label": row["queue"]} for row in raw]


class Encoded(list):
    """A dataset as scripts of one's own have it: a list of tokenized rows."""


def train(base: Path, data: list[dict], *, callback, labels=None, out: Path, **arguments) -> None:
    """Trains a LoRA adapter with transformers.Trainer, as a team's own script would."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        TrainingArguments,
    )

    names = labels or sorted({row["label"] for row in data})
    tokenizer = AutoTokenizer.from_pretrained(base)
    torch.manual_seed(0)
    bare = AutoModelForSequenceClassification.from_pretrained(base, num_labels=len(names))
    config = LoraConfig(
        task_type="SEQ_CLS", r=4, lora_alpha=8, lora_dropout=0.05, target_modules="all-linear"
    )
    encoded = Encoded(
        {
            **tokenizer(row["text"], truncation=True, max_length=32),
            "labels": names.index(row["label"]),
        }
        for row in data
    )
    given = {
        "max_steps": 6,
        "per_device_train_batch_size": 8,
        "learning_rate": 5e-3,
        "logging_steps": 2,
        "seed": 7,
        "report_to": "none",
        "save_strategy": "no",
        "use_cpu": True,
        **arguments,
    }
    Trainer(
        model=get_peft_model(bare, config),
        args=TrainingArguments(output_dir=str(out), **given),
        train_dataset=encoded,
        data_collator=DataCollatorWithPadding(tokenizer),
        callbacks=[callback],
    ).train()


def record(root: Path, adapter: str) -> VersionRecord:
    path = root / "registry" / "adapters" / adapter / "1.json"
    return read_json(path.read_bytes(), VersionRecord, file=str(path))


def old_base(made: Path) -> Path:
    return made.parent / "bases" / "old"


def test_a_run_of_the_trainer_is_registered_with_what_it_used(made, project, tmp_path, capsys):
    callback = adapterctl.RegisterCallback(project / RECIPE, device="cpu")
    train(old_base(made), prepared(project), callback=callback, out=tmp_path / "out", data_seed=11)
    assert callback.error is None
    found = record(project, "router")
    assert callback.filed.record == found
    assert found.recipe.training.max_steps == 6
    assert found.recipe.lora.target_modules == "all-linear"
    assert found.recipe.lora.modules_to_save is None
    assert [each.path for each in found.run.departures] == ["training.max_steps"]
    assert found.run.trainer == "transformers.Trainer"
    assert (found.run.rows, found.run.same_rows) == (80, 80)
    assert found.run.unsaid == {"data_seed": 11}
    assert found.training.steps == 6
    assert found.training.trail_sha256
    assert "training.max_steps: the run used 6, the recipe says 12" in capsys.readouterr().err
    assert not list((project / ".adapterctl" / "capsules").iterdir())
    assert "max_steps: 12" in (project / RECIPE).read_text()


def test_a_run_of_trl_is_registered_too(made, project, tmp_path):
    from datasets import Dataset
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    recipe = project / "registry" / "adapters" / "answers" / "recipe.yaml"
    callback = adapterctl.RegisterCallback(recipe, device="cpu")
    raw = [json.loads(line) for line in (project / "data" / "train.jsonl").read_text().splitlines()]
    data = [{"prompt": row["message"].lower(), "completion": row["queue"]} for row in raw]
    SFTTrainer(
        model=str(made.parent / "bases" / "new"),
        args=SFTConfig(
            output_dir=str(tmp_path / "out"),
            max_steps=3,
            per_device_train_batch_size=4,
            learning_rate=2e-3,
            max_length=64,
            logging_steps=1,
            seed=3,
            report_to="none",
            save_strategy="no",
            use_cpu=True,
            bf16=False,
        ),
        train_dataset=Dataset.from_list(data),
        peft_config=LoraConfig(
            task_type="CAUSAL_LM", r=8, lora_alpha=8, target_modules=["q_proj", "v_proj"]
        ),
        callbacks=[callback],
    ).train()
    assert callback.error is None
    found = record(project, "answers")
    assert found.run.trainer == "trl.SFTTrainer"
    assert found.recipe.training.learning_rate == 2e-3
    assert found.recipe.lora.r == 8
    assert found.run.same_rows == found.run.rows == 80
    assert found.training.target_modules[0].endswith("self_attn.q_proj")


def test_a_run_on_other_rows_is_kept_but_not_registered(made, project, tmp_path, capsys):
    callback = adapterctl.RegisterCallback(project / RECIPE, device="cpu")
    data = prepared(project)
    data[3]["text"] = "something that nobody wrote"
    train(old_base(made), data, callback=callback, out=tmp_path / "out", max_steps=2)
    assert callback.filed is None
    said = capsys.readouterr().err
    assert "DATA002 1 of the run's 80 examples are not what" in said
    [kept] = (project / ".adapterctl" / "capsules").iterdir()
    assert f"adapterctl register --capsule {kept}" in said
    assert not (project / "registry" / "adapters" / "router" / "1.json").exists()


def test_labels_in_another_order_are_named(made, project, tmp_path, capsys):
    callback = adapterctl.RegisterCallback(project / RECIPE, device="cpu")
    data = prepared(project)
    labels = sorted({row["label"] for row in data}, reverse=True)
    train(old_base(made), data, callback=callback, labels=labels, out=tmp_path / "out", max_steps=2)
    assert "examples have another label id" in str(callback.error)


def test_a_run_on_another_base_is_refused_before_its_first_step(made, project, tmp_path):
    callback = adapterctl.RegisterCallback(project / RECIPE, device="cpu")
    other = tmp_path / "other"
    shutil.copytree(old_base(made), other)
    weights = bytearray((other / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (other / "model.safetensors").write_bytes(bytes(weights))
    with pytest.raises(Mismatch, match="and base 'old-base' is"):
        train(other, prepared(project), callback=callback, out=tmp_path / "out")


def test_a_run_without_an_adapter_is_refused(made, project, tmp_path):
    from transformers import AutoModelForSequenceClassification, Trainer, TrainingArguments

    callback = adapterctl.RegisterCallback(project / RECIPE, device="cpu")
    bare = AutoModelForSequenceClassification.from_pretrained(old_base(made), num_labels=3)
    arguments = TrainingArguments(output_dir=str(tmp_path), report_to="none", use_cpu=True)
    data = Encoded([{"input_ids": [5, 6], "labels": 0}])
    with pytest.raises(InvalidInput, match="the run trains a BertForSequenceClassification"):
        Trainer(model=bare, args=arguments, train_dataset=data, callbacks=[callback]).train()


def test_a_capsule_is_registered_on_another_machine(made, project, tmp_path, capsys):
    cluster = tmp_path / "cluster"
    for part in ("registry", "data"):
        shutil.copytree(project / part, cluster / part)
    capsule = tmp_path / "capsule"
    callback = adapterctl.RegisterCallback(cluster / RECIPE, capsule=capsule)
    train(old_base(made), prepared(cluster), callback=callback, out=tmp_path / "out")
    assert callback.filed is None
    assert not (cluster / ".dvc").exists()
    shutil.rmtree(cluster)
    assert adapterctl_command(project, "register", "--capsule", str(capsule), "--check") == 0
    assert adapterctl_command(project, "register", "--capsule", str(capsule)) == 0
    first = record(project, "router")
    assert first.run.rows == 80
    assert adapterctl_command(project, "register", "--capsule", str(capsule)) == 0
    assert not (project / "registry" / "adapters" / "router" / "2.json").exists()
    assert adapterctl_command(project, "verify", "router") == 0
    assert adapterctl_command(project, "reproduce", "router") == 3
    assert "router@1 was trained elsewhere" in capsys.readouterr().err
    capsys.readouterr()
    assert adapterctl_command(project, "show", "router") == 0
    shown = capsys.readouterr().out
    assert "transformers.Trainer" in shown
    assert "training.max_steps  6 used, 12 in the recipe" in shown


def test_a_capsule_of_other_data_is_refused_by_name(made, project, tmp_path, capsys):
    capsule = tmp_path / "capsule"
    callback = adapterctl.RegisterCallback(project / RECIPE, capsule=capsule)
    train(old_base(made), prepared(project), callback=callback, out=tmp_path / "out", max_steps=2)
    write_jsonl(project / "data" / "train.jsonl", rows(80, seed=5))
    edit(
        project / RECIPE,
        'selection: {pool: data/pool.jsonl, rule: "registry/adapters/router/prepare.py:choose"}',
        "window: 2026-01-01/2026-02-01",
    )
    commit(project)
    code = adapterctl_command(project, "register", "--capsule", str(capsule))
    said = capsys.readouterr().err
    assert code == 3, said
    assert "data/train.jsonl: prepared, it gives other rows than where the run was" in said


def test_a_capsule_whose_adapter_was_touched_is_refused(made, project, tmp_path, capsys):
    capsule = tmp_path / "capsule"
    callback = adapterctl.RegisterCallback(project / RECIPE, capsule=capsule)
    train(old_base(made), prepared(project), callback=callback, out=tmp_path / "out", max_steps=2)
    weights = capsule / "adapter" / "adapter_model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(bytes(content))
    assert adapterctl_command(project, "register", "--capsule", str(capsule)) == 3
    assert "not the adapter that the run left" in capsys.readouterr().err


def test_a_folder_that_is_no_capsule_says_so(project, tmp_path, capsys):
    assert adapterctl_command(project, "register", "--capsule", str(tmp_path)) == 3
    assert "no capsule.json here" in capsys.readouterr().err
