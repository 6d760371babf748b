"""The door to package indexes, through pip and as the user has configured it."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from adapterctl.errors import Unreachable

_ASK = (
    "install",
    "--dry-run",
    "--no-deps",
    "--ignore-installed",
    "--no-input",
    "--disable-pip-version-check",
    "--quiet",
)


class Download(NamedTuple):
    """A file that pip would install: where it is, and its sha256."""

    name: str
    version: str
    url: str
    sha256: str


def resolve(versions: Mapping[str, str], *, timeout: float) -> list[Download]:
    """Returns where an index has these very versions for this interpreter and platform.

    Nothing is installed. pip fetches metadata, and whole files where an index has it no other way.

    Args:
        versions: distribution to version.
        timeout: seconds, after which pip is stopped.

    Raises:
        Unreachable: there is no pip, no index answered in time, or one of the versions is at none.
    """
    with tempfile.TemporaryDirectory() as folder:
        wanted, report = Path(folder) / "wanted.txt", Path(folder) / "report.json"
        wanted.write_text("".join(f"{name}=={version}\n" for name, version in versions.items()))
        _pip(*_ASK, "--report", str(report), "--requirement", str(wanted), timeout=timeout)
        installs = json.loads(report.read_text(encoding="utf-8"))["install"]
    return [_download(each) for each in installs]


def _pip(*words: str, timeout: float) -> None:
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pip", *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Unreachable(f"pip did not finish within {timeout:.0f} s") from None
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise Unreachable(said[-1].removeprefix("ERROR: ") if said else "pip failed")


def _download(install: Mapping[str, Any]) -> Download:
    found, metadata = install["download_info"], install["metadata"]
    return Download(
        name=metadata["name"],
        version=metadata["version"],
        url=found["url"],
        sha256=found["archive_info"]["hashes"]["sha256"],
    )
