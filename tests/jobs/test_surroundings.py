"""Hostile surroundings: said clearly with place and hint, nothing half-written, and mended later."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapterctl.records.version import VersionRecord
from adapterctl.stores.registry import FolderRegistry
from support.killing import prepare_mlflow, run
from support.leftovers import left
from support.projects import command, copied

ROUTER = "registry/adapters/router/recipe.yaml"
REGISTER = ("register", ROUTER)
REBUILD = ("rebuild", "router", "--to", "new-base")


@pytest.fixture(scope="module")
def template(fresh: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with nothing registered, and an empty MLflow database."""
    root = copied(fresh, tmp_path_factory.mktemp("template"))
    prepare_mlflow(root)
    return root


@pytest.fixture(scope="module")
def whole(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same after a registration in good surroundings."""
    root = copied(template, tmp_path_factory.mktemp("whole"))
    done = run(root, *REGISTER)
    assert done.status == 0, done.said
    return root

@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 48 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a small file system")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def leave(room: int, *, on: Path) -> Path:
    """Fills a file system but for ``room`` kilobytes; returns the file that does."""
    filler = on / "filler"
    free = shutil.disk_usage(on).free
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, free - 1024 * room)
    return filler

def test_x(template, whole, small_disk):
    for room in (0, 32, 64,96, 128,160, 192, 256, 320, 384, 448, 512, 640, 768, 900,1024,1200, 1400,1700,2000,2400,2800):
        root = copied(template, small_disk / str(room))
        filler = leave(room, on=small_disk)
        d = run(root, *REGISTER)
        print('#####', room, d.status, '\n', '\n'.join(d.said.splitlines()[-3:]))
        l = left(root)
        print(list(l.versions), l.pointers, l.mirrored, l.runs, l.scratch[:3])
        filler.unlink()
        d = run(root, *REGISTER)
        if d.status: print("RERUN",d.said)
        else:
            print(left(root) == left(whole))
        shutil.rmtree(root.parent)
    assert 0
