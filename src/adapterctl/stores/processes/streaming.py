"""Runs a long command of the user's: its words go to a log, the last ones are shown meanwhile."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import IO

from adapterctl.errors import AdapterctlError
from adapterctl.rules.redaction import without_secrets

TAIL_LINES = 20

_GRACE_SECONDS = 10.0
"""So long a process may take to end by itself when it is told to."""

_LOOK_SECONDS = 0.2

_DRAIN_SECONDS = 2.0
"""So long its last words may take; a process that it left behind holds the stream open."""

# What a trainer needs to run; everything else could change a result unseen, or is a secret.
_PASSED_ON = (
    "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LOGNAME", "PATH",
    "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "USER", "USERPROFILE", "WINDIR", "XDG_CACHE_HOME",
)  # fmt: skip
_PASSED_ON_PREFIXES = (
    "ATEN_", "CUBLAS_", "CUDA_", "HF_HOME", "HF_HUB_", "HF_DATASETS_", "MKL_", "NCCL_", "NVIDIA_",
    "OMP_", "PYTORCH_", "TORCH_", "TRITON_",
)  # fmt: skip
_SECRETS = ("TOKEN", "KEY", "SECRET", "PASSWORD")

_FIXED = {
    "DISABLE_MLFLOW_INTEGRATION": "TRUE",
    "DO_NOT_TRACK": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    # PEFT keeps names in sets: their order, and with it that of tensors, follows the hash seed.
    "PYTHONHASHSEED": "0",
    "PYTHONNOUSERSITE": "1",
    "PYTHONUNBUFFERED": "1",
    "PYTHONUTF8": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_OFFLINE": "1",
    "WANDB_MODE": "disabled",
}


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a command ended.

    Attributes:
        status: its exit status; negative: the signal that killed it.
        tail: its last lines, without credentials.
        seconds: wall-clock.
    """

    status: int
    tail: tuple[str, ...]
    seconds: float


def stream(
    words: Sequence[str],
    *,
    root: Path,
    variables: dict[str, str],
    log: Path,
    said: Callable[[str], None],
    place: str = "trainer.command",
    stop: threading.Event | None = None,
) -> Ended:
    """Runs a command to its end; Ctrl-C or SIGTERM here end it and all processes it started.

    Args:
        words: program and arguments; no shell sees them.
        root: working directory, and where Python looks for modules after the script's own folder.
        variables: set beside those of the allow-list.
        log: what it says on both streams is written there, without credentials.
        said: hears of each line as it comes.
        place: what an error names.
        stop: ends the command when it is set; signals reach the main thread alone.

    Raises:
        AdapterctlError: it cannot be started.
    """
    environment = _environment(root) | variables
    started = time.perf_counter()
    process = _start(words, root=root, environment=environment, place=place)
    tail: deque[str] = deque(maxlen=TAIL_LINES)
    follow = partial(_follow, _output(process), log, tail=tail, said=said)
    reader = threading.Thread(target=follow, daemon=True)
    reader.start()
    try:
        with told_to_end():
            status = _status(process, stop)
        reader.join(timeout=_DRAIN_SECONDS)
    finally:
        _end_group(process)
    reader.join(timeout=_GRACE_SECONDS)
    return Ended(status=status, tail=tuple(tail), seconds=time.perf_counter() - started)


def _start(
    words: Sequence[str], *, root: Path, environment: dict[str, str], place: str
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            list(words),
            cwd=root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise AdapterctlError(
            f"cannot start {words[0]}: {error.strerror}",
            place=place,
            hint="install it beside adapterctl, or write the program that runs the script before "
            "it: python train.py, bash train.sh",
        ) from None


def _output(process: subprocess.Popen[bytes]) -> IO[bytes]:
    assert process.stdout is not None  # it was started with a pipe
    return process.stdout


def _environment(root: Path) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if (name in _PASSED_ON or name.startswith(_PASSED_ON_PREFIXES))
        and not any(word in name for word in _SECRETS)
    }
    # `python` and the programs of the environment on record come before any other.
    path = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)])
    return kept | _FIXED | {"PATH": path, "PYTHONPATH": str(root)}


def _follow(stream: IO[bytes], log: Path, *, tail: deque[str], said: Callable[[str], None]) -> None:
    """Writes whole lines to the log; a progress bar's, which end in a return, are only shown."""
    with stream, log.open("w", encoding="utf-8") as file:
        for line, stays in _lines(stream):
            shown = without_secrets(line)
            if stays:
                file.write(f"{shown}\n")
                file.flush()
                tail.append(shown)
            if shown.strip():
                said(shown.strip())


def _lines(stream: IO[bytes]) -> Iterator[tuple[str, bool]]:
    rest = b""
    while chunk := os.read(stream.fileno(), 65_536):
        *pieces, rest = re.split(rb"(?<=\n)|(?<=\r)(?!\n)", rest + chunk)
        for piece in pieces:
            yield piece.rstrip(b"\r\n").decode(errors="replace"), piece.endswith(b"\n")
    if rest:
        yield rest.decode(errors="replace"), True


def _status(process: subprocess.Popen[bytes], stop: threading.Event | None) -> int:
    """Waits for the end of a process, or until it is to be stopped."""
    while stop is not None:
        try:
            return process.wait(timeout=_LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            if stop.is_set():
                return -signal.SIGTERM
    return process.wait()


@contextmanager
def told_to_end() -> Iterator[None]:
    """Makes SIGTERM, as schedulers send it, an exception: the command must not outlive us."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Ends the command, if it still runs, and whatever it has left behind."""
    _signal(process, signal.SIGTERM)
    try:
        process.wait(timeout=_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    finally:
        _signal(process, getattr(signal, "SIGKILL", signal.SIGTERM))
        process.wait()


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    try:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
    except (ProcessLookupError, PermissionError):
        return
