"""The registry that the benchmark of the audit is run on is one: all of it can be judged."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.fleet_registry import TODAY, Fleet, write_fleet

from adapterctl.jobs.api import audit
from adapterctl.jobs.api import list as listed

SIZE = 120


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Fleet]:
    root = tmp_path_factory.mktemp("fleet")
    return root, write_fleet(root, SIZE)


def test_every_version_is_judged_and_nothing_skipped(fleet: tuple[Path, Fleet]) -> None:
    root, written = fleet
    found = audit(root, as_of=TODAY, offline=True)
    assert (found.adapters, written.versions) == (written.adapters, SIZE)
    assert found.skipped == []


def test_some_die_soon_some_are_unknown_and_some_are_well(fleet: tuple[Path, Fleet]) -> None:
    root, written = fleet
    found = audit(root, as_of=TODAY, offline=True).findings
    ends = {one.subject for one in found if one.code in {"EOL001", "EOL002", "EOL003"}}
    unknown = {one.subject for one in found if one.code == "EOL004"}
    assert ends
    assert unknown
    assert len(ends | unknown) < written.versions


def test_the_same_seed_gives_the_same_registry(fleet: tuple[Path, Fleet], tmp_path: Path) -> None:
    write_fleet(tmp_path, SIZE)
    first, second = (listed(root, as_of=TODAY).lines for root in (fleet[0], tmp_path))
    assert first == second
