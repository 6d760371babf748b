"""A survey that keeps what it read says the same as one that reads everything again."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import msgspec
import pytest

from adapterctl.errors import AdapterctlError
from adapterctl.jobs.audit import audit
from adapterctl.jobs.glances import FEW
from adapterctl.jobs.survey import survey, whole
from adapterctl.records.recipe import Owners
from adapterctl.stores.registry import KeptGlances
from adapterctl.stores.registry import glances as kept
from support.registries import SmallRegistry, a_rebuild, a_recipe, in_days

ADAPTERS = ("answers", "router", "summaries")


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry that nobody has touched for longer than the coarsest tick."""
    root = tmp_path_factory.mktemp("settled")
    registry = SmallRegistry(root)
    registry.base("minilm-l6")
    registry.base("minilm-l12")
    registry.adapter(ADAPTERS[0])
    registry.adapter(ADAPTERS[1])
    candidate = msgspec.structs.replace(a_recipe(ADAPTERS[1]), base="minilm-l12")
    registry.version(candidate, rebuilt_from=a_rebuild(1, "minilm-l6"))
    registry.event(ADAPTERS[1], "candidate", 2)
    registry.adopted(ADAPTERS[2])
    registry.date("minilm-l6", in_days(70))
    for number in range(FEW):
        copied(root / "registry/adapters", "answers", f"answers-{number:03d}")
    time.sleep(kept.TICK_NS / 1e9 + 0.1)
    return root


def copied(adapters: Path, old: str, new: str) -> None:
    """Writes an adapter like another, under another name."""
    (adapters / new).mkdir()
    for file in (adapters / old).iterdir():
        text = file.read_text(encoding="utf-8").replace(old, new)
        (adapters / new / file.name).write_text(text, encoding="utf-8")


@pytest.fixture
def registry(settled: Path, tmp_path: Path) -> SmallRegistry:
    """The same registry, in its own place."""
    return SmallRegistry(shutil.copytree(settled, tmp_path / "project"))


def glances_of(root: Path) -> list[str]:
    place = root / "registry/adapters"
    with KeptGlances(place, root / ".adapterctl/glances", every=False) as shelf:
        return [name for name in ADAPTERS if shelf.get(name)]


@pytest.mark.skipif(not kept.TELLS_CHANGES, reason="nothing is kept on this system")
def test_a_second_audit_of_the_same_files_uses_what_was_kept_and_agrees(settled: Path) -> None:
    project = SmallRegistry(settled).project()
    first = audit(project)
    assert glances_of(settled) == list(ADAPTERS)
    assert audit(project) == first
    shutil.rmtree(settled / ".adapterctl")
    assert audit(project) == first


def test_files_that_are_too_new_are_read_again(registry: SmallRegistry) -> None:
    audit(registry.project())
    assert glances_of(registry.root) == []


def test_of_few_adapters_nothing_is_kept(tmp_path: Path) -> None:
    registry = SmallRegistry(tmp_path)
    registry.base("minilm-l6")
    registry.adapter("answers")
    audit(registry.project())
    assert not (tmp_path / ".adapterctl").exists()


def test_an_edit_is_seen_by_the_next_audit(registry: SmallRegistry) -> None:
    before = audit(registry.project())
    registry.recipe("answers", owners=Owners(team="ana"))
    after = audit(registry.project())
    new = [one for one in after.findings if one not in before.findings]
    assert [one.code for one in new if one.subject == "adapter:answers@1"][-1:] == ["OWN001"]


def test_a_recipe_that_cannot_be_read_is_said_every_time(registry: SmallRegistry) -> None:
    registry.broken_recipe("router")
    said = [audit(registry.project()).skipped for _ in range(2)]
    assert said[0] == said[1]
    assert [one.subject for one in said[0]] == ["adapter:router"]


def test_all_that_is_recorded_of_a_standing_can_be_had(registry: SmallRegistry) -> None:
    standing = next(one for one in survey(registry.project()).standings if one.adapter == "router")
    found = whole(registry.project(), standing)
    assert (found.record.adapter, found.record.version) == ("router", standing.version)
    assert found.recipe is not None
    assert found.recipe.base == "minilm-l6"


def test_a_record_that_went_since_is_an_error(registry: SmallRegistry) -> None:
    standing = survey(registry.project()).standings[0]
    registry.door.record_path(standing.adapter, standing.version).unlink()
    with pytest.raises(AdapterctlError, match="no version"):
        whole(registry.project(), standing)
