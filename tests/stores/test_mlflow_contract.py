"""What every mirror does: the one in memory, and MLflow on SQLite."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapterctl.errors import Mismatch, NotFound
from adapterctl.stores.mlflow import Mirror, MlflowMirror
from support.mirrors import MemoryMirror, entry


@pytest.fixture(scope="session")
def sqlite_mirror(tmp_path_factory: pytest.TempPathFactory) -> Mirror:
    project = tmp_path_factory.mktemp("a project")
    uri = f"sqlite:///{project / 'mlflow.db'}"
    return MlflowMirror(uri, artifact_root=project / "mlartifacts")


@pytest.fixture(params=["memory", "sqlite"])
def mirror(request: pytest.FixtureRequest) -> Mirror:
    if request.param == "memory":
        return MemoryMirror()
    return request.getfixturevalue("sqlite_mirror")


def pairs(*entries):
    return [(each.record.version, each.record_digest) for each in entries]


def test_an_unknown_adapter_has_no_versions(mirror: Mirror) -> None:
    assert mirror.highest_version("never-seen") == 0
    assert mirror.missing("never-seen", [(2, "b"), (1, "a")]) == [1, 2]
    assert mirror.aliases("never-seen") == {}


def test_a_mirrored_version_is_no_longer_missing(mirror: Mirror, tmp_path: Path) -> None:
    first = entry(tmp_path / "1", adapter="one")
    mirror.mirror(first)
    assert mirror.missing("one", pairs(first)) == []
    assert mirror.highest_version("one") == 1


def test_mirroring_again_changes_nothing(mirror: Mirror, tmp_path: Path) -> None:
    first = entry(tmp_path / "1", adapter="again")
    mirror.mirror(first)
    mirror.tag("again", 1, {"adapterctl.state": "retired"})
    mirror.mirror(first)
    assert mirror.highest_version("again") == 1


def test_a_gap_in_the_numbers_stays_missing_and_counts_as_used(
    mirror: Mirror, tmp_path: Path
) -> None:
    first, third = (entry(tmp_path / str(n), adapter="gap", version=n) for n in (1, 3))
    mirror.mirror(first)
    mirror.mirror(third)
    assert mirror.highest_version("gap") == 3
    assert mirror.missing("gap", [*pairs(first, third), (2, "0" * 64)]) == [2]


def test_a_record_that_comes_late_fills_its_gap(mirror: Mirror, tmp_path: Path) -> None:
    entries = [entry(tmp_path / str(n), adapter="late", version=n) for n in (1, 2, 3)]
    for each in (entries[2], entries[0], entries[1]):
        mirror.mirror(each)
    assert mirror.missing("late", pairs(*entries)) == []
    assert mirror.highest_version("late") == 3


def test_another_record_under_a_number_is_refused(mirror: Mirror, tmp_path: Path) -> None:
    ours = entry(tmp_path / "1", adapter="taken")
    theirs = entry(tmp_path / "1", adapter="taken", changes={"created_by": "Grace"})
    mirror.mirror(theirs)
    with pytest.raises(Mismatch) as refused:
        mirror.mirror(ours)
    problem = refused.value.problems[0]
    assert problem.what == (
        f"version 1 of taken is record {theirs.record_digest[:16]} in MLflow"
        f" and record {ours.record_digest[:16]} in the registry"
    )
    assert problem.hint == "delete 'taken' from MLflow's model registry, then adapterctl sync"
    assert mirror.missing("taken", pairs(ours)) == [1]
    assert mirror.missing("taken", pairs(theirs)) == []


def test_a_folder_without_an_adapter_is_refused(mirror: Mirror, tmp_path: Path) -> None:
    bare = entry(tmp_path, adapter="bare")
    with pytest.raises(NotFound) as refused:
        mirror.mirror(bare)
    config = tmp_path / "adapter" / "adapter_config.json"
    assert str(refused.value) == (
        f"bare@1: no PEFT adapter to mirror: {config} is not there\n  hint: adapterctl verify bare"
    )
    assert mirror.highest_version("bare") == 0


def test_aliases_become_exactly_what_is_asked(mirror: Mirror, tmp_path: Path) -> None:
    for number in (1, 2):
        mirror.mirror(entry(tmp_path / str(number), adapter="alias", version=number))
    mirror.set_aliases("alias", {"champion": 1, "candidate": 2})
    assert mirror.aliases("alias") == {"champion": 1, "candidate": 2}
    mirror.set_aliases("alias", {"champion": 2, "previous": 1})
    assert mirror.aliases("alias") == {"champion": 2, "previous": 1}
    mirror.set_aliases("alias", {})
    assert mirror.aliases("alias") == {}


@pytest.mark.parametrize("number", [2, 3])
def test_an_alias_of_a_version_that_is_not_there_is_refused(
    mirror: Mirror, tmp_path: Path, number: int
) -> None:
    adapter = f"alias-of-none-{number}"
    mirror.mirror(entry(tmp_path / "1", adapter=adapter, version=1))
    if number == 2:
        mirror.mirror(entry(tmp_path / "3", adapter=adapter, version=3))
    mirror.set_aliases(adapter, {"champion": 1})
    with pytest.raises(NotFound) as refused:
        mirror.set_aliases(adapter, {"champion": number})
    problem = refused.value.problems[0]
    assert (problem.what, problem.hint) == (
        f"MLflow has no version {number} of {adapter}",
        "adapterctl sync",
    )
    assert mirror.aliases(adapter) == {"champion": 1}


def test_a_tag_on_a_version_that_is_not_there_is_refused(mirror: Mirror) -> None:
    with pytest.raises(NotFound, match="MLflow has no version 1 of untagged"):
        mirror.tag("untagged", 1, {"adapterctl.state": "retired"})
