"""This repository's own example adapter is the demo's: one recipe, two places."""

from pathlib import Path

import pytest

import adapterctl.jobs.demo.files as demo

REPOSITORY = Path(__file__).resolve().parents[2]
HERE = REPOSITORY / "registry" / "adapters" / "support-router"
DEMO = Path(str(demo.__file__)).parent


@pytest.mark.parametrize(
    ("kept", "shipped"),
    [("recipe.yaml", "support-router.yaml"), ("prepare.py", "support_router_prepare.py")],
)
def test_the_example_is_the_demo_s(kept: str, shipped: str) -> None:
    assert (HERE / kept).read_bytes() == (DEMO / shipped).read_bytes()
