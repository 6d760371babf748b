"""Files appear whole or not at all, and what cannot be written is said before it matters."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from adapterctl.errors import AdapterctlError
from adapterctl.jobs.init import GITIGNORE
from adapterctl.stores.files import (
    append_line,
    create_exclusively,
    must_be_writable,
    write_atomically,
)

# A limit on file sizes cannot be raised again, so it is set in a process of its own.
LIMITED = """
import resource, sys
from pathlib import Path
from adapterctl.errors import AdapterctlError
from adapterctl.stores.files import append_line, write_atomically

resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
try:
    {call}
except AdapterctlError as error:
    print(error)
"""


def limited(call: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED.format(call=call)],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_a_line_that_does_not_fit_is_taken_back(tmp_path: Path) -> None:
    ledger = tmp_path / "events.jsonl"
    append_line(ledger, b"a" * 59)
    said = limited(f"append_line(Path({str(ledger)!r}), b'b' * 59)")
    assert (
        said == f"{ledger}: cannot write: File too large\n  hint: raise the limit on file sizes\n"
    )
    assert ledger.read_bytes() == b"a" * 59 + b"\n"
    append_line(ledger, b"c")
    assert ledger.read_bytes() == b"a" * 59 + b"\nc\n"


def test_a_file_that_does_not_fit_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    write_atomically(path, b"old")
    assert "cannot write: File too large" in limited(
        f"write_atomically(Path({str(path)!r}), b'x' * 200)"
    )
    assert [each.name for each in tmp_path.iterdir()] == ["params.yaml"]
    assert path.read_bytes() == b"old"


def test_a_file_that_exists_is_not_created_again(tmp_path: Path) -> None:
    path = tmp_path / "1.json"
    assert create_exclusively(path, b"first")
    assert not create_exclusively(path, b"second")
    assert path.read_bytes() == b"first"
    assert [each.name for each in tmp_path.iterdir()] == ["1.json"]


def test_probing_leaves_nothing_and_makes_no_folder(tmp_path: Path) -> None:
    ledger = tmp_path / "events.jsonl"
    ledger.write_text("{}\n")
    must_be_writable(tmp_path, tmp_path / "not" / "there", ledger)
    assert [each.name for each in tmp_path.iterdir()] == ["events.jsonl"]
    assert ledger.read_text() == "{}\n"


@pytest.mark.skipif(not hasattr(os, "geteuid") or not os.geteuid(), reason="modes bind no root")
def test_somebody_elses_folder_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(AdapterctlError) as caught:
        must_be_writable(tmp_path / "new")
    tmp_path.chmod(0o755)
    assert str(caught.value) == (
        f"{tmp_path}: cannot write: Permission denied\n  hint: make it writable for you"
    )


def test_git_ignores_what_an_interrupted_command_had_begun_to_write(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text(GITIGNORE)
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    for name in (".1.json.ab_12.part", "1.json"):
        (tmp_path / name).touch()
    command = ["git", "-C", str(tmp_path), "ls-files", "--others", "--exclude-standard"]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert found == [".gitignore", "1.json"]
