"""pip as the door to an index: exact versions, files with hashes, never a wait without end."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapterctl.errors import Unreachable
from adapterctl.stores import pylock
from adapterctl.stores.pip import Download, resolve
from support.indexes import only, serving, wheel


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An index with one distribution, the only one that pip is told of."""
    wheel(tmp_path / "simple" / "gravel", "gravel", "1.2")
    with serving(tmp_path) as url:
        only(monkeypatch, f"{url}/simple")
        yield url


def test_a_version_is_found_with_its_file_and_hash(index: str, tmp_path: Path) -> None:
    file = tmp_path / "simple/gravel/gravel-1.2-py3-none-any.whl"
    [found] = resolve({"gravel": "1.2"}, timeout=60)
    assert found == Download(
        name="gravel",
        version="1.2",
        url=f"{index}/simple/gravel/{file.name}",
        sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
    )


def test_an_installer_would_take_the_lock_that_comes_of_it(index: str) -> None:
    text = pylock.resolved(resolve({"gravel": "1.2"}, timeout=60), python="3.11.7")
    assert 'requires-python = "==3.11.*"' in text
    assert pylock.selected(text.replace("3.11.*", "3.*"), place="x") == {"gravel": "1.2"}


def test_a_version_that_no_index_has_is_named(index: str) -> None:
    with pytest.raises(Unreachable) as caught:
        resolve({"gravel": "9.9"}, timeout=60)
    assert str(caught.value) == "No matching distribution found for gravel==9.9"


def test_an_index_that_never_answers_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        only(monkeypatch, f"http://127.0.0.1:{silent.getsockname()[1]}/simple")
        with pytest.raises(Unreachable) as caught:
            resolve({"gravel": "1.2"}, timeout=3)
    assert str(caught.value) == "pip did not finish within 3 s"
