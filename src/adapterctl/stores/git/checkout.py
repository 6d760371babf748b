"""One commit of another repository, as files."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from adapterctl.errors import AdapterctlError, NotFound, Unreachable
from adapterctl.rules.redaction import redacted
from adapterctl.stores.git.facts import surroundings

CLONE_SECONDS = 900.0


def checkout(url: str, commit: str, *, into: Path, root: Path) -> None:
    """Puts a commit of the repository at ``url`` into the folder ``into``, with its history.

    What is there already is left as it is.

    Args:
        url: as git takes it; a relative path is relative to ``root``.
        commit: in hexadecimal, at least 7 digits.
        into: a folder of this commit's own.
        root: the project's folder.

    Raises:
        NotFound: the repository has no such commit.
        Unreachable: it does not answer, or refuses.
        AdapterctlError: there is no git.
    """
    if into.is_dir():
        return
    partial = into.with_name(f".{into.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.parent.mkdir(parents=True, exist_ok=True)
    cloned = _git(root, "clone", "--quiet", "--no-checkout", "--", url, str(partial.resolve()))
    if cloned.returncode:
        raise Unreachable(
            f"cannot be cloned: {_reason(cloned)}",
            place=redacted(url),
            hint="correct code.repo in the recipe, or see that git may read it from here",
        )
    found = _git(partial, "checkout", "--quiet", "--detach", commit)
    if found.returncode:
        # Some hosts give a commit that no branch or tag reaches to whoever asks for it by name.
        _git(partial, "fetch", "--quiet", "origin", commit)
        found = _git(partial, "checkout", "--quiet", "--detach", commit)
    if found.returncode:
        shutil.rmtree(partial, ignore_errors=True)
        raise NotFound(
            f"has no commit {commit}: {_reason(found)}",
            place=redacted(url),
            hint="push it there, and write it into code.commit",
        )
    partial.rename(into)


def _git(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            _command(words),
            cwd=folder,
            env=surroundings(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=CLONE_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise AdapterctlError("the program git is not there", hint="install git") from None
    except subprocess.TimeoutExpired:
        raise Unreachable(f"git {words[0]} did not end within {CLONE_SECONDS:g} s") from None


def _command(words: Sequence[str]) -> list[str]:
    # Nothing that the other repository configures or hooks up may run here.
    return ["git", "-c", "core.hooksPath=/dev/null", *words]


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    return (
        redacted(lines[-1].removeprefix("fatal: ")) if lines else f"exit status {done.returncode}"
    )
