"""A version keeps the lock of its environment: the project's own, or a list of what there is."""

from __future__ import annotations

import hashlib
import importlib.metadata
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from adapterctl.jobs.environment_lock import keep
from adapterctl.jobs.project import Project
from adapterctl.records.version import Environment, LockPin
from support.indexes import only, serving, wheel
from support.registries import an_environment

INSTALLED = {"rich": "14.0", "torch": "2.13.0"}
NONE = ("no pylock.toml at the project's root (uv export, pip lock and pdm export write one)",)


class Listener:
    """A display that remembers what it was told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def progress(self, label: str, done: int, total: int, *, note: str = "") -> None:
        """Not looked at here."""


def environment(**distributions: str) -> Environment:
    return msgspec.structs.replace(
        an_environment(), python="3.11.7", distributions=distributions or INSTALLED
    )


def lock(user: str = "", **versions: str) -> str:
    lines = ['lock-version = "1.0"\ncreated-by = "hand"  # as it is\n']
    for name, version in versions.items():
        lines.append(
            f'[[packages]]\nname = "{name}"\nversion = "{version}"\n'
            f'archive = {{url = "https://{user}h.example/{name}.zip", '
            f'hashes = {{sha256 = "{"0" * 64}"}}}}\n'
        )
    return "".join(lines)


def kept(root: Path, **distributions: str) -> tuple[LockPin, str, list[str]]:
    """Returns the pin, the text in the version's folder, and what was said."""
    display = Listener()
    project = Project(root=root, now=datetime(2026, 11, 23, tzinfo=UTC), display=display)
    pin = keep(project, environment(**distributions), folder=root / "version")
    raw = (root / "version" / "pylock.toml").read_bytes()
    assert pin.sha256 == hashlib.sha256(raw).hexdigest()
    return pin, raw.decode(), display.said


def write(path: Path, text: str) -> None:
    path.write_bytes(text.encode())


def test_the_project_s_own_lock_is_copied_to_the_letter(tmp_path: Path) -> None:
    own = lock(rich="14.0", torch="2.13.0")
    write(tmp_path / "pylock.toml", own)
    pin, text, said = kept(tmp_path)
    assert (pin.kind, pin.source, pin.gaps, text, said) == ("project", "pylock.toml", [], own, [])


def test_line_endings_are_those_that_git_keeps_in_the_registry(tmp_path: Path) -> None:
    own = lock(rich="14.0", torch="2.13.0")
    write(tmp_path / "pylock.toml", own.replace("\n", "\r\n"))
    assert kept(tmp_path)[1] == own


def test_credentials_in_its_urls_are_redacted(tmp_path: Path) -> None:
    write(tmp_path / "pylock.toml", lock(user="me:s3cret@", rich="14.0", torch="2.13.0"))
    assert kept(tmp_path)[1] == lock(rich="14.0", torch="2.13.0")


def test_an_own_lock_that_gives_something_else_is_kept_and_said(tmp_path: Path) -> None:
    write(tmp_path / "pylock.toml", lock(rich="13.0", click="8.1"))
    pin, _, said = kept(tmp_path)
    assert pin.gaps == [
        "locked and not installed: click 8.1",
        "locked in another version: rich 13.0 (14.0 is installed)",
        "installed and not locked: torch 2.13.0",
    ]
    assert said == [f"ENV001 the environment is not locked: {gap}" for gap in pin.gaps]


def test_of_several_locks_the_one_that_agrees_is_taken(tmp_path: Path) -> None:
    write(tmp_path / "pylock.cpu.toml", lock(rich="14.0", torch="2.12.0"))
    write(tmp_path / "pylock.gpu.toml", lock(rich="14.0", torch="2.13.0"))
    pin, _, _ = kept(tmp_path)
    assert (pin.source, pin.gaps) == ("pylock.gpu.toml", [])


def test_without_a_lock_what_is_installed_is_listed_and_said(tmp_path: Path) -> None:
    pin, text, said = kept(tmp_path)
    assert (pin.kind, pin.source, tuple(pin.gaps)) == ("installed", None, NONE)
    assert said == [f"ENV001 the environment is not locked: {NONE[0]}"]
    record = importlib.metadata.distribution("rich").read_text("RECORD")
    assert record is not None
    assert f'record-sha256 = "{hashlib.sha256(record.encode()).hexdigest()}"' in text


BROKEN = {
    "not a lock": (b"x = 1", "pylock.toml: not a lock file: Missing required value"),
    "not a text": (b"\xff", "pylock.toml: not UTF-8 at byte 0"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_an_own_lock_that_cannot_be_used_is_named(case: str, tmp_path: Path) -> None:
    content, message = BROKEN[case]
    (tmp_path / "pylock.toml").write_bytes(content)
    pin, _, said = kept(tmp_path)
    assert pin.kind == "installed" and message in pin.gaps[0] and message in said[0]


def test_an_index_is_asked_for_the_installed_versions_where_params_yaml_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "params.yaml").write_text("schema_version: 1\nlock: resolve\n")
    wheel(tmp_path / "simple" / "gravel", "gravel", "1.2")
    with serving(tmp_path) as url:
        only(monkeypatch, f"{url}/simple")
        pin, text, said = kept(tmp_path, gravel="1.2", adapterctl="0.1.0")
    assert (pin.kind, pin.gaps) == ("resolved", ["not from an index: adapterctl 0.1.0"])
    assert f'url = "{url}/simple/gravel/gravel-1.2-py3-none-any.whl"' in text
    assert said == [
        "looking for 1 distributions at the index (lock: resolve)",
        "ENV001 the environment is not locked: not from an index: adapterctl 0.1.0",
    ]


def test_what_cannot_be_resolved_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "params.yaml").write_text("schema_version: 1\nlock: resolve\n")
    wheel(tmp_path / "simple" / "gravel", "gravel", "1.2")
    with serving(tmp_path) as url:
        only(monkeypatch, f"{url}/simple")
        pin, _, _ = kept(tmp_path, gravel="1.3")
    assert pin.kind == "installed"
    assert pin.gaps == ["not resolved: No matching distribution found for gravel==1.3"]


def test_an_own_lock_is_never_asked_of_an_index(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("schema_version: 1\nlock: resolve\n")
    write(tmp_path / "pylock.toml", lock(rich="14.0", torch="2.13.0"))
    assert kept(tmp_path)[2] == []
