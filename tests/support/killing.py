"""Commands in processes of their own, which SIGKILL themselves, or others, at a named place.

The processes are forked from one that has imported everything, for importing takes longer than
what is tested. Each keeps to one core and one thread, so that several do not wait for each other.
"""

from __future__ import annotations

import gc
import os
import re
import resource
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing import get_context
from multiprocessing.context import ForkServerContext
from pathlib import Path
from types import FrameType
from typing import Any

KILLED = -signal.SIGKILL

PRELOADED = [
    "dvc.repo",
    "mlflow.store.tracking.sqlalchemy_store",
    "mlflow.tracking",
    "peft",
    "scipy.stats",
    "sklearn.metrics",
    "adapterctl.cli",
    "adapterctl.jobs.fleet",
    "adapterctl.jobs.promote",
    "adapterctl.training.learning.fleet",
    "adapterctl.training.asking.predict",
    "transformers.models.auto.modeling_auto",
    "transformers.models.bert.modeling_bert",
    "transformers.models.llama.modeling_llama",
]


@dataclass(frozen=True, kw_only=True)
class Place:
    """A place in the code: where a function is entered or left.

    Attributes:
        path: how the name of the function's argument ``path`` ends, when it has to.
        since: begin to look when a path that contains this is about to be changed: looking is slow.
        nth: at which such change.
    """

    module: str
    function: str
    entering: bool = False
    path: str = ""
    since: str = ""
    nth: int = 1


def after(where: str, *, path: str = "", since: str = "", nth: int = 1) -> Place:
    """Returns the place where ``module:function`` is left."""
    module, _, function = where.partition(":")
    return Place(module=module, function=function, path=path, since=since, nth=nth)


def before(where: str, *, path: str = "", since: str = "") -> Place:
    """Returns the place where ``module:function`` is entered."""
    module, _, function = where.partition(":")
    return Place(module=module, function=function, entering=True, path=path, since=since)


class AtPlace:
    """A profile function that calls ``then`` at a place, once; nothing of it is replaced."""

    def __init__(self, place: Place, then: Callable[[], None]) -> None:
        self.place = place
        self.then = then
        self.event = "call" if place.entering else "return"

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        if event != self.event or frame.f_code.co_name != self.place.function:
            return
        here = frame.f_globals.get("__name__") == self.place.module
        if here and str(frame.f_locals.get("path", "")).endswith(self.place.path):
            sys.setprofile(None)
            self.then()


class OnceChanged:
    """An audit hook that calls ``then`` before the n-th change of a path that matches."""

    CHANGES = ("os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "os.symlink")

    def __init__(self, pattern: str, then: Callable[[], None], *, nth: int = 1) -> None:
        self.pattern = re.compile(pattern)
        self.then = then
        self.left = nth

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if not (event in self.CHANGES or (event == "open" and _writes(args))):
            return
        if any(self.pattern.search(str(each)) for each in args[:2]):
            self.left -= 1
            if self.left == 0:
                self.then()


def _writes(args: tuple[Any, ...]) -> bool:
    return isinstance(args[2], int) and bool(args[2] & (os.O_WRONLY | os.O_RDWR))


@dataclass(frozen=True, kw_only=True)
class Change:
    """The n-th change to the file system in paths that match ``pattern``; it is not made."""

    pattern: str
    nth: int


Kill = Place | Change


@dataclass(frozen=True, kw_only=True)
class Done:
    """How a command ended (negative: by which signal), and what it said on both streams."""

    status: int
    said: str


class Running:
    """A command on its way."""

    def __init__(self, process: Any, said: Path) -> None:
        self._process = process
        self._said = said

    def done(self, *, within: float = 300.0) -> Done:
        """Waits for its end."""
        self._process.join(within)
        assert self._process.exitcode is not None, f"still running after {within:g} s"
        said = self._said.read_text(errors="replace")
        self._said.unlink()
        return Done(status=self._process.exitcode, said=said)

    def kill(self) -> Done:
        """Kills it where it stands, if it has not ended."""
        self._process.kill()
        return self.done()


def start(
    root: Path,
    *words: str,
    kill: Kill | None = None,
    environ: Mapping[str, str] | None = None,
    file_limit: int | None = None,
    victims: int | None = None,
) -> Running:
    """Starts one command line in the project.

    Args:
        root: the project.
        words: the command line after ``adapterctl``.
        kill: where the process shall die.
        environ: variables to set.
        file_limit: bytes that no file may exceed.
        victims: a process group that is killed there in place of the process itself.
    """
    handle, name = tempfile.mkstemp(prefix="said-")
    os.close(handle)
    line = ["--project", str(root), *words]
    process = _context().Process(
        target=_child, args=(line, name, kill, dict(environ or {}), file_limit, victims)
    )
    process.start()
    return Running(process, Path(name))


def run(root: Path, *words: str, **how: Any) -> Done:
    """Runs one command line in the project; see `start`."""
    return start(root, *words, **how).done()


def prepare_mlflow(root: Path) -> None:
    """Makes the project's empty MLflow database, which takes longer than a registration."""
    process = _context().Process(target=_make_database, args=(root,))
    process.start()
    process.join()
    assert process.exitcode == 0


@cache
def _context() -> ForkServerContext:
    context = get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return context


def _child(
    line: list[str],
    said: str,
    kill: Kill | None,
    environ: dict[str, str],
    file_limit: int | None,
    victims: int | None,
) -> None:
    gc.freeze()  # collecting would copy the memory that is shared with the parent
    os.environ.update(environ)
    _alone_on_a_core()
    stream = os.open(said, os.O_WRONLY | os.O_APPEND)
    os.dup2(stream, 1)
    os.dup2(stream, 2)
    if file_limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))
    from adapterctl.cli import run as command

    die = partial(os.kill, os.getpid(), signal.SIGKILL)
    _lie_in_wait(kill, die if victims is None else partial(os.killpg, victims, signal.SIGKILL))
    status = command(line)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _lie_in_wait(kill: Kill | None, strike: Callable[[], None]) -> None:
    match kill:
        case Change(pattern=pattern, nth=nth):
            sys.addaudithook(OnceChanged(pattern, strike, nth=nth))
        case Place(since=""):
            sys.setprofile(AtPlace(kill, strike))
        case Place(since=since):
            look = partial(sys.setprofile, AtPlace(kill, strike))
            sys.addaudithook(OnceChanged(re.escape(since), look, nth=kill.nth))


def _alone_on_a_core() -> None:
    import torch

    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[os.getpid() % len(cores)]})
    torch.set_num_threads(1)


def _make_database(root: Path) -> None:
    from adapterctl.stores.mlflow import MlflowMirror

    private = root / ".adapterctl"
    private.mkdir(exist_ok=True)
    uri = f"sqlite:///{private / 'mlflow.db'}"
    MlflowMirror(uri, artifact_root=private / "mlartifacts").highest_version("router")
