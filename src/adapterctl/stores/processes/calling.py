"""Calls a function of the user's in a clean child process."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from adapterctl.errors import InvalidInput

TIMEOUT_SECONDS = 3600.0

# What a process needs to run at all; everything else could change a result unseen.
_PASSED_ON = (
    "PATH",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "PYTHONHASHSEED",
    "SYSTEMROOT",
    "WINDIR",
    "TMPDIR",
    "TEMP",
    "TMP",
)


class _Outcome(msgspec.Struct, frozen=True):
    """What the child wrote: a result, or an exception with its (file, line) frames."""

    result: Any = None
    error: str | None = None
    message: str = ""
    frames: list[tuple[str, int]] = []
    modules: dict[str, str] = {}
    opened: list[str] = []


class Traced(msgspec.Struct, frozen=True):
    """What a function returned, and what its run needed.

    Attributes:
        modules: every module that it imported, with its file.
        opened: every file that it opened for reading, sources among them.
    """

    result: Any
    modules: dict[str, Path]
    opened: list[Path]


def call_entry_point(
    root: Path,
    entry_point: str,
    *arguments: Any,
    timeout: float = TIMEOUT_SECONDS,
    offline: bool = False,
) -> Any:
    """Returns what ``path.py:function`` makes of ``arguments``, in a clean process.

    The child runs this Python with ``root`` as working directory and first entry of
    ``sys.path``, an empty home directory, UTC, UTF-8, and no variables but a short list.
    ``PYTHONHASHSEED`` is passed on as it is. What the function prints is dropped.

    Args:
        root: the repository's folder.
        entry_point: ``path.py:function``, the path relative to ``root``.
        arguments: anything that JSON can hold.
        timeout: seconds until the process is killed.
        offline: reaching for the network is an error there.

    Returns:
        the result after a round trip through JSON: tuples come back as lists.

    Raises:
        InvalidInput: the function raises, returns what JSON cannot hold, ends its process, or
            takes too long; an exception is placed at the last line of the user's that it passed.
    """
    task = _Task(root=root.resolve(), entry_point=entry_point, offline=offline, clean=True)
    return _outcome_of(task, arguments, timeout=timeout).result


def trace_entry_point(
    root: Path, entry_point: str, argument: Any, *, timeout: float = TIMEOUT_SECONDS
) -> Traced:
    """Runs ``path.py:function`` as its author does: own home directory, variables, user site.

    What it imports by whatever means (``importlib``, edits of ``sys.path``, under conditions) is
    seen; see `call_entry_point` for arguments, result and errors.
    """
    task = _Task(root=root.resolve(), entry_point=entry_point, offline=False, clean=False)
    outcome = _outcome_of(task, (argument,), timeout=timeout)
    modules = {name: Path(file) for name, file in sorted(outcome.modules.items())}
    opened = [task.root / file for file in outcome.opened]
    return Traced(result=outcome.result, modules=modules, opened=opened)


class _Task(msgspec.Struct, frozen=True, kw_only=True):
    """One call; ``clean`` keeps home directory, user site and variables away from it."""

    root: Path
    entry_point: str
    offline: bool
    clean: bool

    def told(self, outcome: Path) -> dict[str, Any]:
        """Returns the task as the child reads it."""
        path, _, function = self.entry_point.rpartition(":")
        return {
            "root": str(self.root),
            "file": str(self.root / path),
            "name": ".".join(Path(path).with_suffix("").parts),
            "function": function,
            "offline": self.offline,
            "traced": not self.clean,
            "outcome": str(outcome),
        }


def _outcome_of(task: _Task, arguments: Sequence[Any], *, timeout: float) -> _Outcome:
    with tempfile.TemporaryDirectory(prefix="adapterctl-") as name:
        scratch = Path(name)
        told = {**task.told(scratch / "outcome.json"), "arguments": arguments}
        (scratch / "task.json").write_bytes(msgspec.json.encode(told))
        done = _run(scratch, task, timeout=timeout)
        outcome = _outcome(scratch / "outcome.json", done, task.entry_point)
    if outcome.error is not None:
        raise _raised(outcome, task.root, task.entry_point)
    return outcome


def _run(scratch: Path, task: _Task, *, timeout: float) -> subprocess.CompletedProcess[bytes]:
    home = scratch / "home"
    home.mkdir()
    child = Path(__file__).with_name("child.py")
    # -P: the child's own folder stays off sys.path; -s: so does the user's site-packages;
    # -B: no bytecode is left in the user's tree.
    options = ["-P", "-B", *(["-s"] if task.clean else [])]
    try:
        return subprocess.run(
            [sys.executable, *options, str(child), str(scratch / "task.json")],
            cwd=task.root,
            env=_environment(home) if task.clean else os.environ | {"PYTHONUTF8": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise InvalidInput.one(
            f"still running after {timeout:g} s, killed",
            place=task.entry_point,
            hint="make it faster, or give it fewer rows",
        ) from None


def _environment(home: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    fixed = {"HOME": str(home), "USERPROFILE": str(home), "TZ": "UTC", "PYTHONUTF8": "1"}
    return kept | fixed


def _outcome(file: Path, done: subprocess.CompletedProcess[bytes], entry_point: str) -> _Outcome:
    if not file.is_file():
        raise InvalidInput.one(
            f"ended its process with {_status(done.returncode)} instead of returning",
            place=entry_point,
            hint=_last_line(done.stderr),
        )
    try:
        return msgspec.json.decode(file.read_bytes(), type=_Outcome)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput.one(
            f"returned text that is not Unicode: {error}", place=entry_point
        ) from None


def _status(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit status {code}"


def _last_line(stderr: bytes) -> str:
    lines = stderr.decode(errors="replace").strip().splitlines()
    return f"its last line on stderr: {lines[-1][:200]}" if lines else ""


def _raised(outcome: _Outcome, root: Path, entry_point: str) -> InvalidInput:
    if not outcome.frames:
        return InvalidInput.one(
            f"returned what JSON cannot hold: {outcome.message}",
            place=entry_point,
            hint="return lists, dicts, text, finite numbers, true, false and null",
        )
    what = f"{outcome.error}: {outcome.message}" if outcome.message else str(outcome.error)
    hint = ""
    if outcome.error == "ModuleNotFoundError":
        hint = "imports are resolved from the repository's root; install what is not in it"
    return InvalidInput.one(what, place=_place(outcome.frames, root, entry_point), hint=hint)


def _place(frames: Sequence[tuple[str, int]], root: Path, entry_point: str) -> str:
    """Returns the last place in the user's files that the exception passed."""
    for file, line in reversed(frames):
        path = Path(file)
        if path.is_relative_to(root) and "site-packages" not in path.parts:
            return f"{path.relative_to(root).as_posix()}:{line}"
    return entry_point
