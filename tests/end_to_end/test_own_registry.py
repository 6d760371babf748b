"""This repository's own registry: the demo's example adapter, and the catalogue."""

from pathlib import Path

import pytest
from msgspec.structs import replace

import adapterctl.jobs.demo.files as demo
from adapterctl.stores import catalogue
from adapterctl.stores.registry import FolderRegistry

REPOSITORY = Path(__file__).resolve().parents[2]
HERE = REPOSITORY / "registry" / "adapters" / "support-router"
DEMO = Path(str(demo.__file__)).parent


@pytest.mark.parametrize(
    ("kept", "shipped"),
    [("recipe.yaml", "support-router.yaml"), ("prepare.py", "support_router_prepare.py")],
)
def test_the_example_is_the_demo_s(kept: str, shipped: str) -> None:
    assert (HERE / kept).read_bytes() == (DEMO / shipped).read_bytes()


def test_the_registry_holds_the_catalogue_as_it_is_shipped() -> None:
    registry = FolderRegistry(REPOSITORY)
    for entry in catalogue.entries():
        kept = registry.base(entry.base)
        assert replace(kept, added=None) == entry.declared()
    for feed, lines in catalogue.observations().items():
        assert registry.observations_of(feed)[: len(lines)] == lines
    assert registry.namings() == [one for each in catalogue.namings().values() for one in each]
