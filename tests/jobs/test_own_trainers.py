"""A team's own trainer: pinned as code, run in its bundle, captured and rebuilt like the builtin.

Most trainers here draw an adapter instead of training one, which takes no torch; those that really
train are in `test_own_trainers_train`.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from adapterctl.records.version import VersionRecord
from adapterctl.stores.dvc import DvcStore
from adapterctl.stores.registry import FolderRegistry
from support.killing import KILLED, Done, after, prepare_mlflow, run
from support.own_trainers import BY_COMMAND, RECIPE, commit_all, make_trainer_project
from support.projects import copied, edit

REBUILD = ("rebuild", "capitals", "--to", "new-base")


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a stand-in for a trainer; nothing is registered. To be `copied`."""
    root = make_trainer_project(tmp_path_factory.mktemp("bare"))
    prepare_mlflow(root)
    return root


@pytest.fixture(scope="module")
def first(bare: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with capitals@1. To be `copied`."""
    return ran(copied(bare, tmp_path_factory.mktemp("first")), "register", RECIPE)


def ran(root: Path, *words: str) -> Path:
    done = run(root, *words)
    assert done.status == 0, done.said
    return root


def record_of(root: Path, version: int = 1) -> VersionRecord:
    return FolderRegistry(root).record("capitals", version)


def result_of(done: Done) -> dict:
    start, stop = done.said.index('{\n  "schema_version"'), done.said.rindex("}")
    [result] = json.loads(done.said[start : stop + 1])["results"]
    return result


# Registered and captured


def test_the_command_and_its_import_closure_are_on_record(first: Path) -> None:
    record = record_of(first)
    assert [file.path for file in record.code.files] == [
        "parts/shapes.py",
        "registry/adapters/capitals/prepare.py",
        "train.py",
    ]
    assert record.code.committed
    facts = record.training
    assert facts is not None
    assert facts.trainer == "python train.py --recipe {recipe}"
    assert facts.target_modules == [
        f"model.decoder.layers.{layer}.{name}"
        for layer in (0, 1)
        for name in ("fc1", "fc2", "self_attn.q_proj", "self_attn.v_proj")
    ]
    assert (facts.steps, facts.tokens, facts.trail_sha256) == (None, None, None)
    assert facts.departures == []
    assert not record.environment.deterministic


def test_the_base_that_a_trainer_states_is_not_believed(first: Path, tmp_path: Path) -> None:
    DvcStore(first).fetch_folder(record_of(first).artifacts, tmp_path / "version")
    config = json.loads((tmp_path / "version/adapter/adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "old-base"
    assert (tmp_path / "version/code/parts/shapes.py").is_file()


def test_the_same_five_again_run_nothing(first: Path, tmp_path: Path) -> None:
    root = copied(first, tmp_path)
    done = run(root, "register", RECIPE)
    assert done.status == 0
    assert "capitals@1 is registered already" in done.said
    assert "running python" not in done.said


def test_another_script_is_another_version(first: Path, tmp_path: Path) -> None:
    root = copied(first, tmp_path)
    edit(root / "parts" / "shapes.py", "return base", "return  base")
    commit_all(root)
    ran(root, "register", RECIPE)
    assert record_of(root, 2).inputs_digest != record_of(root).inputs_digest
    assert record_of(root, 2).weights_sha256 == record_of(root).weights_sha256


def test_what_was_really_used_is_on_record_and_the_difference_is_said(
    bare: Path, tmp_path: Path
) -> None:
    root = copied(bare, tmp_path)
    edit(root / "train.py", 'told["target_modules"]:', 'told["target_modules"][:2]:')
    edit(root / "train.py", 'lora["target_modules"],', '["fc1", "fc2"],')
    edit(root / "train.py", 'lora["lora_alpha"],', "32,")
    edit(root / "train.py", "told[", "sorted(told, key=str) and told[", count=1)
    commit_all(root)
    done = run(root, "train", "capitals", "--out", str(tmp_path / "out"))
    assert "the trainer used lora.lora_alpha 32" in done.said
    facts = json.loads((tmp_path / "out" / "training.json").read_text())["training"]
    assert facts["target_modules"] == [
        "model.decoder.layers.0.fc1",
        "model.decoder.layers.0.fc2",
    ]
    assert [each["path"] for each in facts["departures"]] == [
        "lora.lora_alpha",
        "lora.target_modules",
    ]


def test_the_stages_depend_on_what_the_trainer_needs(first: Path) -> None:
    stages = YAML(typ="safe").load(first / "dvc.yaml")["stages"]
    assert {"parts/shapes.py", "train.py"} <= set(stages["train-capitals"]["deps"])


# Rebuilt


def test_a_rebuild_hands_over_the_successor(first: Path, tmp_path: Path) -> None:
    root = copied(first, tmp_path)
    ran(root, *REBUILD)
    candidate = record_of(root, 2)
    assert candidate.base.base == "new-base"
    assert candidate.rebuilt_from is not None and candidate.rebuilt_from.version == 1
    assert candidate.training is not None
    assert candidate.training.target_modules == [
        f"model.layers.{layer}.{name}"
        for layer in (0, 1)
        for name in ("mlp.down_proj", "mlp.up_proj", "self_attn.q_proj", "self_attn.v_proj")
    ]
    assert candidate.training.departures == []
    assert candidate.code == record_of(root).code


def test_a_command_that_is_told_the_rate_climbs_the_sweep_and_no_further(
    bare: Path, tmp_path: Path
) -> None:
    """The stand-in heeds no rate, so that every trial is as good as the carried one."""
    root = copied(bare, tmp_path)
    edit(root / RECIPE, "negative_flips: 1.0", "negative_flips: 0.001")
    commit_all(root)
    ran(root, "register", RECIPE)
    done = run(root, *REBUILD)
    assert done.status == 1
    origin = record_of(root, 2).rebuilt_from
    assert origin is not None
    carried, sweep = origin.ladder
    assert (carried.rung, carried.verdict) == ("carried recipe", "INCONCLUSIVE")
    assert (sweep.rung, sweep.verdict) == ("learning-rate sweep", None)
    assert sweep.why == "no other learning rate is better on held-out training rows"
    losses = sweep.details["held_out_loss"]
    assert len(losses) == 5 and len(set(losses.values())) == 1
    assert done.said.count("running python train.py") == 6


def test_the_plan_shows_the_command_and_what_it_cannot(first: Path) -> None:
    done = run(first, "plan", "capitals", "--to", "new-base", "--format", "json")
    trainer = result_of(done)["trainer"]
    assert trainer["command"] == "python train.py --recipe {recipe}"
    assert [each["rung"] for each in trainer["cannot"]] == ["warm start", "old adapter as teacher"]


def test_a_killed_rebuild_does_not_run_the_trainer_again(first: Path, tmp_path: Path) -> None:
    root = copied(first, tmp_path)
    trained = after(
        "adapterctl.jobs.trainers.command_training:train_by_command", since="finished.json"
    )
    killed = run(root, *REBUILD, kill=trained)
    assert (killed.status, "running python" in killed.said) == (KILLED, True)
    done = run(root, *REBUILD, "--resume")
    assert (done.status, "running python" in done.said) == (0, False), done.said
    assert record_of(root, 2).training is not None


# Reproduced


@pytest.mark.slow
def test_equal_bytes_are_said_and_not_promised(first: Path, tmp_path: Path) -> None:
    done = run(copied(first, tmp_path), "reproduce", "capitals@1")
    assert done.status == 0, done.said
    assert "capitals@1 is bit-identical" in done.said
    assert "promise   B1: a trainer command's weights may differ; parity (B4) counts" in done.said


def test_other_bytes_from_the_same_rows_keep_the_promise(bare: Path, tmp_path: Path) -> None:
    root = copied(bare, tmp_path)
    edit(root / "train.py", 'default_rng(told["recipe"]["training"]["seed"])', "default_rng()")
    commit_all(root)
    ran(root, "register", RECIPE)
    done = run(root, "reproduce", "capitals@1", "--format", "json")
    assert done.status == 0, done.said
    result = result_of(done)
    assert (result["level"], result["identical"], result["promise"]) == ("B1", False, "B1")


# Refused before anything runs

COMMAND = "command: 'python train.py --recipe {recipe}'"

REFUSED = {
    "an unknown placeholder": (
        lambda root: edit(root / RECIPE, "{recipe}", "{recip}"),
        3,
        "trainer.command: unknown placeholder {recip}\n  hint: did you mean {recipe}?",
    ),
    "a missing config": (
        lambda root: edit(
            root / RECIPE, COMMAND, "command: 'x {recipe} {config}', config: axolotl.yml"
        ),
        3,
        "trainer.config: no such file: axolotl.yml",
    ),
    "a missing script": (
        lambda root: edit(root / RECIPE, "train.py", "tran.py"),
        3,
        "trainer.command: tran.py: no such file",
    ),
    "a script outside the repository": (
        lambda root: edit(root / RECIPE, "train.py", "/home/ana/train.py"),
        1,
        "trainer.command names /home/ana/train.py, which is outside the repository",
    ),
    "a script that imports what nobody has": (
        lambda root: (
            edit(root / "train.py", "import numpy", "import anas_tools"),
            commit_all(root),
        ),
        1,
        "trainer.command needs anas_tools, not to be found here: train.py:6",
    ),
    "a script that is not committed": (
        lambda root: edit(root / "parts/shapes.py", "return base", "return  base"),
        1,
        "not committed: parts/shapes.py",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_pinned_is_refused(case: str, bare: Path, tmp_path: Path) -> None:
    root = copied(bare, tmp_path)
    spoil, status, message = REFUSED[case]
    spoil(root)
    done = run(root, "register", RECIPE)
    assert done.status == status, done.said
    assert message in done.said
    assert "running python" not in done.said
    assert FolderRegistry(root).versions("capitals") == []


# Failures of the trainer

FAILURES = {
    "it fails": (
        "import sys\nprint('the loss is gone')\nsys.exit(4)\n",
        "trainer.command: python ended with exit status 4\n    the loss is gone\n"
        "  hint: the whole log: ",
    ),
    "it leaves nothing": ("print('done')\n", "left no adapter_config.json"),
    "it saves elsewhere": (
        "import json, pathlib, sys\n"
        "out = pathlib.Path(json.load(open(sys.argv[2]))['paths']['out']) / 'checkpoint-3'\n"
        "out.mkdir()\n(out / 'adapter_config.json').write_text('{}')\n",
        "an adapter lies in {out}/checkpoint-3: save it to {out} itself",
    ),
    "it leaves a pickle": (
        "import json, pathlib, sys\n"
        "out = pathlib.Path(json.load(open(sys.argv[2]))['paths']['out'])\n"
        "(out / 'adapter_config.json').write_text('{\"peft_type\": \"LORA\"}')\n"
        "(out / 'adapter_model.bin').write_bytes(b'pickle')\n",
        "left adapter_model.bin: a pickle, which is never opened\n"
        "  hint: let it save safetensors: save_safetensors: true",
    ),
    "it trains something else": (
        "import json, pathlib, sys\n"
        "out = pathlib.Path(json.load(open(sys.argv[2]))['paths']['out'])\n"
        "(out / 'adapter_config.json').write_text('{\"peft_type\": \"IA3\"}')\n",
        "trained a IA3 adapter",
    ),
    "it needs a file that is not pinned": (
        "print(open('notes.txt').read())\n",
        "No such file or directory: 'notes.txt'",
    ),
}


@pytest.mark.parametrize("case", FAILURES)
def test_a_failing_trainer_is_named_and_leaves_nothing(
    case: str, bare: Path, tmp_path: Path
) -> None:
    root, out = copied(bare, tmp_path), tmp_path / "out"
    script, message = FAILURES[case]
    (root / "train.py").write_text(script)
    (root / "notes.txt").write_text("here, and in no bundle")
    done = run(root, "train", "capitals", "--out", str(out))
    assert done.status == 3, done.said
    assert message in done.said
    assert not out.exists()


def test_a_failed_registration_files_nothing_and_keeps_the_log(bare: Path, tmp_path: Path) -> None:
    root = copied(bare, tmp_path)
    edit(
        root / "train.py", "standard_normal(shape)", "standard_normal(shape) * numpy.float32('nan')"
    )
    commit_all(root)
    done = run(root, "register", RECIPE)
    assert done.status == 3, done.said
    assert "values are NaN or infinite" in done.said
    assert FolderRegistry(root).versions("capitals") == []
    [log] = (root / ".adapterctl" / "work").glob("*/trainer/log.txt")
    assert log.read_text() == "24 rows seen\n"


def test_rows_that_are_sensitive_stay_in_the_log(bare: Path, tmp_path: Path) -> None:
    root = copied(bare, tmp_path)
    edit(root / RECIPE, "{path: data/train.jsonl}", "{path: data/train.jsonl, sensitive: true}")
    (root / "train.py").write_text("print('what a customer wrote')\nraise SystemExit(1)\n")
    done = run(root, "train", "capitals", "--out", str(tmp_path / "out"))
    assert done.status == 3
    assert "what a customer wrote" not in done.said
    [log] = (root / ".adapterctl" / "work").glob("*/trainer/log.txt")
    assert "what a customer wrote" in log.read_text()


def test_the_builtin_trainer_is_still_the_default(bare: Path, tmp_path: Path) -> None:
    root = copied(bare, tmp_path)
    edit(root / RECIPE, BY_COMMAND, "")
    (root / "train.py").unlink()
    out = tmp_path / "out"
    ran(root, "train", "capitals", "--out", str(out))
    facts = json.loads((out / "training.json").read_text())["training"]
    assert (facts["trainer"], facts["steps"]) == ("builtin", 6)
