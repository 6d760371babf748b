"""What people and tools find in MLflow after a version was mirrored, read with MLflow's client."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from adapterctl.errors import Mismatch
from adapterctl.stores.mlflow import MlflowMirror
from support.mirrors import entry

ADAPTER = "support-router"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("project")


@pytest.fixture(scope="module")
def mirror(project: Path) -> MlflowMirror:
    uri = f"sqlite:///{project / 'mlflow.db'}"
    return MlflowMirror(uri, artifact_root=project / "mlartifacts")


@pytest.fixture(scope="module")
def client(project: Path, mirror: MlflowMirror) -> Any:
    mirror.mirror(entry(project / "version", adapter=ADAPTER, trail=1201))
    from mlflow.tracking import MlflowClient

    uri = f"sqlite:///{project / 'mlflow.db'}"
    return MlflowClient(tracking_uri=uri, registry_uri=uri)


@pytest.fixture(scope="module")
def first(project: Path):
    return entry(project / "version", adapter=ADAPTER, trail=1201)


@pytest.fixture
def version(client: Any) -> Any:
    return client.get_model_version(ADAPTER, "1")


@pytest.fixture
def run(client: Any, version: Any) -> Any:
    return client.get_run(version.run_id)


def artifacts(client: Any, run_id: str, folder: str = "") -> list[str]:
    found = []
    for info in client.list_artifacts(run_id, folder):
        found += artifacts(client, run_id, info.path) if info.is_dir else [info.path]
    return sorted(found)


def test_a_version_is_found_by_every_digest_it_stands_on(client: Any, first) -> None:
    record = first.record
    for tag, value in {
        "adapterctl.base": "tiny",
        "adapterctl.base_revision": "c0ffee",
        "adapterctl.fingerprint": record.base.fingerprint,
        "adapterctl.data.train": record.train.sha256,
        "adapterctl.data.gold": record.evaluation["gold"].sha256,
        "adapterctl.recipe": record.recipe_digest,
        "adapterctl.record": first.record_digest,
        "adapterctl.version": "1",
    }.items():
        found = client.search_model_versions(f"name = '{ADAPTER}' AND tag.`{tag}` = '{value}'")
        assert [each.version for each in found] == [1], tag


def test_the_run_shows_hyperparameters_and_metrics(run: Any) -> None:
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "support-router@1"
    shown = ("lora.r", "training.learning_rate", "training.seed", "task", "target_modules")
    assert {key: run.data.params[key] for key in shown} == {
        "lora.r": "4",
        "training.learning_rate": "0.0005",
        "training.seed": "17",
        "task": "SEQ_CLS",
        "target_modules": '["query","value"]',
    }
    assert run.data.metrics["gold.accuracy"] == 0.9
    assert run.data.metrics["gold.f1_macro"] == 0.88
    assert run.data.metrics["train.last_loss"] == 0.7


def test_the_run_says_who_trained_what_code_and_when(run: Any) -> None:
    assert run.data.tags["mlflow.user"] == "Ada"
    assert run.data.tags["mlflow.source.git.commit"] == "0123456789abcdef"
    ten_o_clock = 1_795_168_800_000
    assert (run.info.start_time, run.info.end_time) == (ten_o_clock - 60_000, ten_o_clock)


def test_the_loss_curve_has_every_logged_step(client: Any, run: Any) -> None:
    history = client.get_metric_history(run.info.run_id, "train.loss")
    assert [(each.step, each.value) for each in history] == [(n, 2.0 / n) for n in range(1, 1202)]


def test_a_run_is_found_by_the_digest_of_its_data(client: Any, run: Any, first) -> None:
    digest = first.record.train.sha256[:36]
    found = client.search_runs([run.info.experiment_id], f"datasets.digest = '{digest}'")
    assert [each.info.run_id for each in found] == [run.info.run_id]


def test_a_dataset_input_names_path_and_digests_and_no_rows(run: Any, first) -> None:
    inputs = {each.tags[0].value: each for each in run.inputs.dataset_inputs}
    assert sorted(inputs) == ["gold", "train"]
    train = inputs["train"]
    assert {tag.key: tag.value for tag in train.tags} == {
        "mlflow.data.context": "train",
        "sha256": first.record.train.sha256,
    }
    assert (train.dataset.name, train.dataset.source_type) == ("data/train.jsonl", "dvc")
    assert json.loads(train.dataset.source) == {
        "path": "data/train.jsonl",
        "md5": first.record.train.md5,
        "sha256": first.record.train.sha256,
    }
    assert json.loads(train.dataset.profile) == {"num_rows": 847, "bytes": 33880}


def test_the_artifacts_are_a_loadable_adapter_and_the_documents(
    client: Any, run: Any, version: Any, first, tmp_path: Path
) -> None:
    assert artifacts(client, run.info.run_id) == [
        "adapter/MLmodel",
        "adapter/adapter_config.json",
        "adapter/adapter_model.safetensors",
        "adapter/adapterctl.json",
        "adapter/code/registry/prepare.py",
        "predictions/gold.jsonl",
        "recipe.yaml",
        "record.json",
    ]
    assert version.source == f"{run.info.artifact_uri}/adapter"
    record = client.download_artifacts(run.info.run_id, "record.json", str(tmp_path))
    assert Path(record).read_bytes() == first.record_bytes


@pytest.mark.parametrize("where", ["train", "gold"])
def test_predictions_of_sensitive_data_stay_out(
    mirror: MlflowMirror, client: Any, tmp_path: Path, where: str
) -> None:
    data: dict = {"train": {"sensitive": True}}
    if where == "gold":
        gold = {"path": "data/gold.jsonl", "metrics": ["accuracy"], "sensitive": True}
        data = {"evaluation": {"gold": gold}}
    adapter = f"sensitive-{where}"
    mirror.mirror(entry(tmp_path / "v", adapter=adapter, changes={"recipe": {"data": data}}))
    run_id = client.get_model_version(adapter, "1").run_id
    kept = artifacts(client, run_id)
    assert "adapter/adapter_config.json" in kept
    assert not [path for path in kept if path.startswith("predictions")]


def test_a_param_too_long_for_mlflow_is_cut_and_says_so(
    mirror: MlflowMirror, client: Any, tmp_path: Path
) -> None:
    modules = [f"layer.{number}.attention" for number in range(500)]
    changes = {"recipe": {"lora": {"target_modules": modules}}}
    mirror.mirror(entry(tmp_path / "v", adapter="many-modules", changes=changes))
    run = client.get_run(client.get_model_version("many-modules", "1").run_id)
    value = run.data.params["lora.target_modules"]
    assert len(value) == 5_999
    assert value.startswith('["layer.0.attention","layer.1.attention"')
    assert "... (whole in recipe.yaml; sha256 " in value


def test_a_rebuilt_version_says_from_which_and_how_it_compared(
    mirror: MlflowMirror, client: Any, tmp_path: Path
) -> None:
    mirror.mirror(entry(tmp_path / "1", adapter="rebuilt"))
    mirror.mirror(entry(tmp_path / "2", adapter="rebuilt", version=2, rebuilt_from=1))
    tags = client.get_model_version("rebuilt", "2").tags
    assert (tags["adapterctl.rebuilt_from"], tags["adapterctl.parity"]) == ("1", "PASS")


def test_a_gap_is_a_placeholder_that_can_be_searched_for(
    mirror: MlflowMirror, client: Any, tmp_path: Path
) -> None:
    mirror.mirror(entry(tmp_path / "3", adapter="with-gaps", version=3))
    query = "name = 'with-gaps' AND tag.`adapterctl.placeholder` = 'true'"
    gaps = client.search_model_versions(query)
    assert sorted(each.version for each in gaps) == [1, 2]
    assert {client.get_run(each.run_id).info.status for each in gaps} == {"FINISHED"}


def test_a_filled_placeholder_is_like_any_other_version(
    mirror: MlflowMirror, client: Any, tmp_path: Path
) -> None:
    for number in (2, 1):
        mirror.mirror(entry(tmp_path / str(number), adapter="filled", version=number))
    early, late = (client.get_model_version("filled", str(number)) for number in (1, 2))
    assert early.tags.keys() == late.tags.keys()
    runs = [client.get_run(each.run_id) for each in (early, late)]
    assert runs[0].data.tags.keys() == runs[1].data.tags.keys()
    assert runs[0].data.params == runs[1].data.params
    assert artifacts(client, early.run_id) == artifacts(client, late.run_id)


def test_aliases_of_other_people_are_left_alone(
    mirror: MlflowMirror, client: Any, tmp_path: Path
) -> None:
    mirror.mirror(entry(tmp_path / "1", adapter="aliased"))
    client.set_registered_model_alias("aliased", "shadow", "1")
    mirror.set_aliases("aliased", {"champion": 1})
    assert client.get_model_version_by_alias("aliased", "champion").version == 1
    mirror.set_aliases("aliased", {})
    assert mirror.aliases("aliased") == {"shadow": 1}


def test_a_state_is_a_tag_of_the_version(mirror: MlflowMirror, client: Any, tmp_path: Path) -> None:
    mirror.mirror(entry(tmp_path / "1", adapter="retired"))
    mirror.tag("retired", 1, {"adapterctl.state": "retired"})
    query = "name = 'retired' AND tag.`adapterctl.state` = 'retired'"
    assert [each.version for each in client.search_model_versions(query)] == [1]


def test_a_deleted_experiment_is_restored(
    mirror: MlflowMirror, client: Any, tmp_path: Path
) -> None:
    mirror.mirror(entry(tmp_path / "1", adapter="restored"))
    client.delete_experiment(client.get_experiment_by_name("restored").experiment_id)
    mirror.mirror(entry(tmp_path / "2", adapter="restored", version=2))
    assert mirror.highest_version("restored") == 2
    assert client.get_experiment_by_name("restored").lifecycle_stage == "active"


def test_a_version_of_another_tool_is_never_taken_over(
    mirror: MlflowMirror, client: Any, tmp_path: Path
) -> None:
    client.create_registered_model("foreign")
    client.create_model_version("foreign", "/somewhere/else")
    ours = entry(tmp_path / "1", adapter="foreign")
    with pytest.raises(Mismatch) as refused:
        mirror.mirror(ours)
    assert refused.value.problems[0].what == (
        "version 1 of foreign is another tool's in MLflow"
        f" and record {ours.record_digest[:16]} in the registry"
    )


def test_a_number_that_mlflow_has_used_up_is_said_and_nothing_is_added(
    mirror: MlflowMirror, client: Any, tmp_path: Path
) -> None:
    entries = [entry(tmp_path / str(n), adapter="used-up", version=n) for n in (1, 2)]
    for each in entries:
        mirror.mirror(each)
    client.delete_model_version("used-up", "1")
    with pytest.raises(Mismatch) as refused:
        mirror.mirror(entries[0])
    problem = refused.value.problems[0]
    assert problem.what == ("MLflow once had a version 1 of used-up and gives no number out twice")
    assert problem.hint == "delete 'used-up' from MLflow's model registry, then adapterctl sync"
    assert mirror.highest_version("used-up") == 2


def test_a_version_that_gets_another_number_is_disowned(
    mirror: MlflowMirror, client: Any, tmp_path: Path
) -> None:
    first = entry(tmp_path / "1", adapter="last-deleted")
    mirror.mirror(first)
    client.delete_model_version("last-deleted", "1")
    with pytest.raises(Mismatch, match="MLflow gave number 2 instead of 1"):
        mirror.mirror(first)
    assert client.get_model_version("last-deleted", "2").tags == {"adapterctl.placeholder": "true"}
    with pytest.raises(Mismatch, match="MLflow once had a version 1"):
        mirror.mirror(first)
    assert mirror.highest_version("last-deleted") == 2


def test_a_model_deleted_in_mlflow_is_replayed_with_the_same_numbers(
    mirror: MlflowMirror, client: Any, tmp_path: Path
) -> None:
    entries = [entry(tmp_path / str(n), adapter="replayed", version=n) for n in (1, 2)]
    for each in entries:
        mirror.mirror(each)
    client.delete_registered_model("replayed")
    pairs = [(each.record.version, each.record_digest) for each in entries]
    assert mirror.missing("replayed", pairs) == [1, 2]
    for each in entries:
        mirror.mirror(each)
    assert mirror.missing("replayed", pairs) == []
    experiment = client.get_experiment_by_name("replayed").experiment_id
    assert len(client.search_runs([experiment])) == 2


def test_mlflow_still_shows_no_aliases_on_a_version_found_by_search(
    mirror: MlflowMirror, client: Any, tmp_path: Path
) -> None:
    mirror.mirror(entry(tmp_path / "1", adapter="no-aliases"))
    mirror.set_aliases("no-aliases", {"champion": 1})
    (found,) = client.search_model_versions("name = 'no-aliases'")
    assert found.aliases == []
    (model,) = client.search_registered_models("name = 'no-aliases'")
    assert model.aliases == {"champion": 1}


def test_mlflow_still_has_room_for_36_characters_of_a_digest() -> None:
    from mlflow.utils import validation

    assert validation.MAX_DATASET_DIGEST_SIZE == 36
    assert validation.MAX_PARAM_VAL_LENGTH == 6_000
    assert validation.MAX_METRICS_PER_BATCH >= 500
    assert validation.MAX_PARAMS_TAGS_PER_BATCH >= 100
