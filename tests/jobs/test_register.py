"""Registration: the five pinned, one record, one mirror; the same five are the same version."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from adapterctl.cli import run
from adapterctl.records.version import VersionRecord
from adapterctl.stores.registry import FolderRegistry
from support.projects import command, commit, edit, make_project

ROUTER = "registry/adapters/router/recipe.yaml"


def record_of(root: Path, version: int = 1) -> VersionRecord:
    return FolderRegistry(root).record("router", version)


def test_the_record_pins_all_five(registered: Path) -> None:
    record = record_of(registered)
    assert record.base.fingerprint.startswith("fp1:")
    assert record.train.rows == 80 and len(record.train.md5) == 32
    assert record.selection is not None and record.selection.chosen == 80
    assert [file.path for file in record.code.files] == [
        "registry/adapters/router/prepare.py",
        "registry/adapters/router/texts.py",
    ]
    assert record.code.committed and record.code.commit
    assert record.recipe.training.seed == 7
    assert record.environment.distributions["torch"].startswith("2.")
    assert set(record.metrics["gold"]) == {"accuracy", "f1_macro"}


def test_the_same_five_again_is_the_same_version(registered: Path) -> None:
    before = record_of(registered)
    assert command(registered, "register", str(registered / ROUTER)) == 0
    assert FolderRegistry(registered).versions("router") == [1]
    assert record_of(registered) == before


def test_owners_are_no_part_of_the_five(clone) -> None:
    root = clone("owners")
    command(root, "sync")
    restore_data(root)
    recipe = root / ROUTER
    recipe.write_text(recipe.read_text().replace("support-ml", "other-team"))
    commit(root)
    assert command(root, "register", str(recipe)) == 0
    assert FolderRegistry(root).versions("router") == [1]


def test_every_row_keeps_its_prediction(clone) -> None:
    root = clone()
    out = root.parent / "artifact"
    from adapterctl.stores.dvc import DvcStore

    DvcStore(root).fetch_folder(record_of(root).artifacts, out)
    lines = (out / "predictions/adapter/gold.jsonl").read_text().splitlines()
    answers = [json.loads(line) for line in lines]
    assert len(answers) == 60
    assert sum(a["output"] == a["reference"] for a in answers) / 60 == pytest.approx(
        record_of(root).metrics["gold"]["accuracy"]
    )


def restore_data(root: Path) -> None:
    """Brings the pinned data back into the working tree, as `dvc pull data/...` does."""
    from dvc.repo import Repo

    with Repo(str(root)) as repo:
        repo.pull(targets=[str(path) for path in sorted((root / "data").glob("*.dvc"))])


def test_the_registered_version_predicts_through_mlflow(
    registered: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow

    # set_tracking_uri also sets the variable, for good.
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    mlflow.set_tracking_uri(f"sqlite:///{registered / '.adapterctl' / 'mlflow.db'}")
    loaded = mlflow.pyfunc.load_model("models:/router/1")
    answers = loaded.predict([{"message": "My PASSWORD is locked", "queue": "?"}])
    assert answers[0]["output"] in {"billing", "delivery", "login"}
    assert sum(answers[0]["scores"].values()) == pytest.approx(1.0)


def test_the_registered_version_loads_through_peft(registered: Path, clone) -> None:
    from peft import PeftModel
    from transformers import AutoModelForSequenceClassification

    out = registered.parent / "pulled"
    shutil.rmtree(out, ignore_errors=True)
    assert command(registered, "pull", "router@champion", "--out", str(out)) == 0
    base = AutoModelForSequenceClassification.from_pretrained(
        registered.parent / "bases" / "old", num_labels=3
    )
    adapted = PeftModel.from_pretrained(base, out)
    assert adapted.peft_config["default"].r == 4


def test_an_adapter_trained_elsewhere_is_taken(registered: Path, clone) -> None:
    root = clone()
    restore_data(root)
    folder = root.parent / "theirs"
    assert command(root, "pull", "router@1", "--out", str(folder)) == 0
    assert command(root, "register", str(root / ROUTER), "--adapter", str(folder)) == 0
    taken = record_of(root, 2)
    assert taken.training is None
    assert taken.weights_sha256 == record_of(root, 1).weights_sha256
    assert taken.metrics == record_of(root, 1).metrics


def test_mlflow_out_of_reach_leaves_the_mirror_pending(
    clone, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = clone()
    restore_data(root)
    recipe = root / ROUTER
    recipe.write_text(recipe.read_text().replace("seed: 7", "seed: 8"))
    commit(root)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assert command(root, "register", str(recipe)) == 0
    assert "MLflow       pending" in capsys.readouterr().out
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert command(root, "sync", "--format", "json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["results"][0]["replayed"] == [1, 2]


def test_a_gap_in_the_numbers_becomes_a_placeholder(clone) -> None:
    root = clone()
    home = root / "registry" / "adapters" / "router"
    record = json.loads((home / "1.json").read_text())
    (home / "3.json").write_text(json.dumps(record | {"version": 3, "inputs_digest": "0" * 64}))
    assert command(root, "sync") == 0
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{root / '.adapterctl' / 'mlflow.db'}")
    tags = {
        int(version.version): client.get_model_version("router", version.version).tags
        for version in client.search_model_versions("name='router'")
    }
    assert sorted(tags) == [1, 2, 3]
    assert tags[2]["adapterctl.placeholder"] == "true"
    assert tags[3]["adapterctl.version"] == "3"
    assert int(client.get_model_version_by_alias("router", "champion").version) == 1


BAD = {
    "a typo in a key": (
        lambda root: edit(root / ROUTER, "lora_alpha", "lora_alpa"),
        "recipe.yaml:15: lora.lora_alpa: unknown key (value 8)\n  hint: did you mean 'lora_alpha'?",
    ),
    "data outside the project": (
        lambda root: edit(root / ROUTER, "path: data/gold.jsonl", "path: ../gold.jsonl"),
        "../gold.jsonl: not inside the project: it is ",
    ),
    "data behind a link that leads out": (
        lambda root: link_out(root / "data/gold.jsonl"),
        "data/gold.jsonl: not inside the project: it is ",
    ),
    "a missing data file": (
        lambda root: (root / "data/gold.jsonl").unlink(),
        "data/gold.jsonl: no such file",
    ),
    "an empty data file": (
        lambda root: (root / "data/train.jsonl").write_text(""),
        "data/train.jsonl: holds no rows",
    ),
    "one broken JSON line": (
        lambda root: edit(root / "data/gold.jsonl", '"r2-4"', '"r2-4'),
        "data/gold.jsonl:5: ",
    ),
    "a label that never occurs in training": (
        lambda root: edit(root / "data/gold.jsonl", '"login"', '"returns"', count=1),
        "label 'returns' never occurs in training",
    ),
    "preprocessing that is not there": (
        lambda root: edit(root / ROUTER, "prepare.py:prepare", "prepare.py:prepair"),
        "prepair",
    ),
    "preprocessing that raises": (
        lambda root: edit(
            root / "registry/adapters/router/prepare.py", 'row["message"]', 'row["text"]'
        ),
        "KeyError",
    ),
    "a base that nobody declared": (
        lambda root: edit(root / ROUTER, "base: old-base", "base: old-bas"),
        "registry/bases/old-bas.yaml: no base 'old-bas'",
    ),
    "an unknown metric": (
        lambda root: edit(root / ROUTER, "metrics: [accuracy, f1_macro]", "metrics: [acuracy]"),
        "did you mean 'accuracy'?",
    ),
}


def link_out(path: Path) -> None:
    elsewhere = path.parents[2] / "elsewhere.jsonl"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


def snapshot(root: Path) -> set[str]:
    """All files of a project but for caches."""
    left_out = (".git/", ".dvc/tmp", ".dvc/cache", ".adapterctl/cache", "__pycache__")
    files = (path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    return {path for path in files if not any(part in path for part in left_out)}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_and_nothing_is_half_written(
    case: str, fresh: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "project"
    shutil.copytree(fresh, root)
    spoil, message = BAD[case]
    spoil(root)
    before = snapshot(root)
    assert command(root, "register", str(root / ROUTER)) == 3
    assert message in capsys.readouterr().err
    left = {path for path in snapshot(root) - before if not path.endswith((".dvc", ".gitignore"))}
    assert left == set()


def test_a_base_whose_weights_changed_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_project(tmp_path)
    weights = tmp_path / "bases" / "old" / "model.safetensors"
    raw = bytearray(weights.read_bytes())
    raw[-1] ^= 1
    weights.write_bytes(raw)
    assert command(root, "register", str(root / ROUTER)) == 3
    said = capsys.readouterr().err
    assert "the weights of base 'old-base' changed: fp1:" in said
    assert "declare the new ones under another name" in said


def test_a_base_folder_without_safetensors_is_refused(
    fresh: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    assert command(fresh, "bases", "add", "pickled", "--path", str(folder)) == 3
    assert "safetensors" in capsys.readouterr().err
    assert not (fresh / "registry/bases/pickled.yaml").exists()


def test_outside_a_project_every_verb_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["--project", str(tmp_path), "list"]) == 3
    assert "not an adapterctl project: no registry/ here" in capsys.readouterr().err


def test_an_altered_object_in_the_remote_stops_everything(clone, registered: Path) -> None:
    root = clone()
    remote = root.parent / "remote"
    shutil.copytree(registered.parent / "project-storage", remote)
    config = root / ".dvc" / "config"
    lines = [
        f"    url = {remote}" if "url" in line else line for line in config.read_text().split("\n")
    ]
    config.write_text("\n".join(lines))
    md5 = record_of(root).train.md5
    target = remote / "files" / "md5" / md5[:2] / md5[2:]
    target.chmod(0o644)
    target.write_bytes(target.read_bytes().replace(b"order", b"0rder", 1))
    assert command(root, "verify", "router") == 1
    assert command(root, "reproduce", "router") == 3
    target.unlink()
    assert command(root, "verify", "router") == 1
