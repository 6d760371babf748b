"""A mirrored version loads through ``mlflow.pyfunc`` on the right base only, and takes raw rows."""

from __future__ import annotations

import dataclasses
import importlib
import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapterctl.errors import InvalidInput, Mismatch, NotFound
from adapterctl.records.canonical import pretty
from adapterctl.stores.mlflow import Loaded, MirrorEntry, MlflowMirror, RawRows, load_pyfunc
from adapterctl.stores.mlflow.package import package_of, read_package
from support.mirrors import entry

FINGERPRINT = f"fp1:{'ab' * 32}"
OTHER = f"fp1:{'cd' * 32}"

# Stands for `adapterctl`, which joins this room's loader with training's predictor.
LOADER = """
import os
from pathlib import Path
from adapterctl.stores.mlflow import load_pyfunc

def predictor(loaded):
    prepare = (loaded.folder / "code" / "registry" / "prepare.py").read_text()
    labels = loaded.package.labels
    where = loaded.base_dir.name
    return lambda rows: [
        {"output": labels[len(row["text"]) % 2], "base": where, "prepared": "prepare" in prepare}
        for row in rows
    ]

def _load_pyfunc(path):
    return load_pyfunc(
        Path(path),
        predictor=predictor,
        identify=lambda folder: (folder / "fingerprint").read_text(),
        locate=lambda repo, revision: None,
        environ=os.environ,
    )
"""


def base(folder: Path, fingerprint: str = FINGERPRINT) -> Path:
    folder.mkdir()
    (folder / "fingerprint").write_text(fingerprint)
    return folder


def identify(folder: Path) -> str:
    return (folder / "fingerprint").read_text()


@pytest.fixture
def packaged(tmp_path: Path) -> Path:
    """The folder as MLflow hands it out, without a base to be found."""
    return written(entry(tmp_path / "version"))


def written(version: MirrorEntry) -> Path:
    folder = version.folder / "adapter"
    plain = pretty(package_of(version)).decode()
    (folder / "adapterctl.json").write_text(plain)
    return folder


def load(folder: Path, *, environ: dict[str, str], cached: Path | None = None) -> Loaded:
    """Returns what the predictor was given."""
    given: list[Loaded] = []

    def predictor(loaded: Loaded) -> Any:
        given.append(loaded)
        return lambda rows: rows

    load_pyfunc(
        folder,
        predictor=predictor,
        identify=identify,
        locate=lambda repo, revision: (
            cached if (repo, revision) == ("org/tiny", "c0ffee") else None
        ),
        environ=environ,
    )
    return given[0]


@pytest.fixture(scope="module")
def loader_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("loader")
    (folder / "loader_for_tests.py").write_text(LOADER)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    yield "loader_for_tests"
    sys.path.remove(str(folder))
    sys.modules.pop("loader_for_tests", None)


@pytest.fixture
def mirrored(tmp_path: Path, loader_module: str) -> str:
    """The URI of an MLflow with one version, its base lying where it was mirrored from."""
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    mirror = MlflowMirror(uri, artifact_root=tmp_path / "ml artifacts", loader_module=loader_module)
    version = entry(tmp_path / "version")
    mirror.mirror(dataclasses.replace(version, base_dir=base(tmp_path / "here")))
    return uri


@pytest.fixture
def loaded(mirrored: str, capfd: pytest.CaptureFixture[str]) -> Iterator[Any]:
    import mlflow

    before, level = mlflow.get_tracking_uri(), logging.getLogger("mlflow").level
    mlflow.set_tracking_uri(mirrored)
    # As in a user's process, which the door has not quietened.
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    yield mlflow.pyfunc.load_model("models:/support-router/1")
    logging.getLogger("mlflow").setLevel(level)
    mlflow.set_tracking_uri(before)
    assert capfd.readouterr().err == ""


def test_mlflow_loads_a_version_and_predicts_on_raw_rows(loaded: Any) -> None:
    rows = [{"text": "my card is lost"}, {"text": "refund"}]
    expected = [
        {"output": "refund", "base": "here", "prepared": True},
        {"output": "card", "base": "here", "prepared": True},
    ]
    assert loaded.predict(rows) == expected
    import pandas

    assert loaded.predict(pandas.DataFrame(rows)) == expected


def test_a_cell_that_a_row_does_not_have_is_left_out() -> None:
    import pandas

    seen = RawRows(lambda rows: rows)
    rows = [{"text": "a", "slice": "x", "n": 1}, {"text": "b", "tags": ["y"], "n": 2}]
    assert seen.predict(pandas.DataFrame(rows)) == rows


@pytest.mark.parametrize("given", [{"text": "a"}, [{"text": "a"}]])
def test_one_row_or_many_are_taken(given: Any) -> None:
    assert RawRows(lambda rows: rows).predict(given) == [{"text": "a"}]


def test_what_is_not_rows_is_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        RawRows(lambda rows: rows).predict(["text"])
    assert str(refused.value) == (
        "predict: not rows: list\n"
        "  hint: give a DataFrame or a list of dicts, with the columns of the training data"
    )


def test_a_prediction_parameter_is_refused_rather_than_ignored() -> None:
    with pytest.raises(InvalidInput, match="unknown prediction parameters: temperature"):
        RawRows(lambda rows: rows).predict([], params={"temperature": 1.0})


def test_the_place_that_the_user_names_comes_before_every_hint(
    packaged: Path, tmp_path: Path
) -> None:
    named, cached = base(tmp_path / "named"), base(tmp_path / "cached")
    environ = {"ADAPTERCTL_BASE_DIR": str(named)}
    assert load(packaged, environ=environ, cached=cached).base_dir == named


def test_the_hub_cache_is_looked_into_at_the_recorded_commit(
    packaged: Path, tmp_path: Path
) -> None:
    cached = base(tmp_path / "cached")
    loaded = load(packaged, environ={}, cached=cached)
    assert (loaded.base_dir, loaded.folder) == (cached, packaged)
    assert loaded.package == read_package(packaged)


def test_another_base_is_refused(packaged: Path, tmp_path: Path) -> None:
    other = base(tmp_path / "other", OTHER)
    with pytest.raises(Mismatch) as refused:
        load(packaged, environ={"ADAPTERCTL_BASE_DIR": str(other)})
    assert str(refused.value) == (
        f"support-router@1: {other} holds another base: {OTHER}, not {FINGERPRINT}\n"
        "  hint: set ADAPTERCTL_BASE_DIR to a folder with org/tiny at c0ffee"
    )


def test_a_base_that_is_nowhere_is_said_with_every_place_looked_at(packaged: Path) -> None:
    with pytest.raises(NotFound) as refused:
        load(packaged, environ={"ADAPTERCTL_BASE_DIR": "/not/there"})
    assert str(refused.value) == (
        "support-router@1: the base tiny is not on this machine (looked at: /not/there)\n"
        "  hint: set ADAPTERCTL_BASE_DIR to a folder with org/tiny at c0ffee"
    )
    with pytest.raises(NotFound, match="looked at: no place is recorded"):
        load(packaged, environ={})


def test_a_folder_that_was_not_packaged_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"adapterctl\.json is not there"):
        load(tmp_path, environ={})


def test_the_package_says_what_prediction_needs(packaged: Path) -> None:
    plain = json.loads((packaged / "adapterctl.json").read_text())
    assert {key: plain[key] for key in ("task", "labels", "max_length", "entry_point")} == {
        "task": "SEQ_CLS",
        "labels": ["card", "refund"],
        "max_length": 32,
        "entry_point": "registry/prepare.py:prepare",
    }
    assert plain["source"] == {"hub": "org/tiny"}
    assert plain["fingerprint"] == FINGERPRINT
