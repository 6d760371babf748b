"""A long command: its words are logged, its secrets are not, and no process outlives it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from adapterctl.errors import AdapterctlError
from adapterctl.stores.processes import Ended, stream


def run(folder: Path, code: str, said: list[str] | None = None, **variables: str) -> Ended:
    return stream(
        ["python", "-c", code],
        root=folder,
        variables=variables,
        log=folder / "log.txt",
        said=[].append if said is None else said.append,
    )


def test_lines_of_both_streams_are_logged_and_shown(tmp_path: Path) -> None:
    said: list[str] = []
    code = "import sys\nprint('one')\nprint('two', file=sys.stderr)\nsys.exit(3)"
    ended = run(tmp_path, code, said)
    assert (ended.status, ended.tail) == (3, ("one", "two"))
    assert ended.seconds > 0
    assert (tmp_path / "log.txt").read_text() == "one\ntwo\n"
    assert said == ["one", "two"]


def test_a_progress_bar_is_shown_and_its_last_state_is_logged(tmp_path: Path) -> None:
    said: list[str] = []
    run(tmp_path, r"print('1/2\r2/2\rdone', end='')", said)
    assert said == ["1/2", "2/2", "done"]
    assert (tmp_path / "log.txt").read_text() == "done\n"


def test_only_the_last_lines_are_kept(tmp_path: Path) -> None:
    ended = run(tmp_path, "for n in range(100): print(n)")
    assert ended.tail == tuple(str(n) for n in range(80, 100))


def test_credentials_do_not_reach_the_log(tmp_path: Path) -> None:
    said: list[str] = []
    run(tmp_path, "print('https://me:pw@example.org/x hf_abcdefghijklmnopqrst')", said)
    assert said == ["https://example.org/x REDACTED"]
    assert "pw" not in (tmp_path / "log.txt").read_text()


def test_variables_are_passed_on_by_an_allow_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("WANDB_API_KEY", "HF_TOKEN", "HF_HUB_TOKEN", "EDITOR", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.setenv(name, "kept")
    run(tmp_path, "import os\nprint(*sorted(os.environ))\nprint(os.environ['EXTRA'])", EXTRA="more")
    names, extra = (tmp_path / "log.txt").read_text().splitlines()
    assert extra == "more"
    passed = names.split()
    assert "CUDA_VISIBLE_DEVICES" in passed and "HF_HUB_OFFLINE" in passed and "HOME" in passed
    assert not {"WANDB_API_KEY", "HF_TOKEN", "HF_HUB_TOKEN", "EDITOR"} & set(passed)


def test_python_is_the_one_of_this_environment_and_the_root_is_on_its_path(tmp_path: Path) -> None:
    run(tmp_path, "import os, sys\nprint(sys.prefix, os.getcwd(), str(os.getcwd()) in sys.path)")
    assert (tmp_path / "log.txt").read_text() == f"{sys.prefix} {tmp_path} True\n"


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(AdapterctlError) as caught:
        stream(["axolotll"], root=tmp_path, variables={}, log=tmp_path / "log", said=print)
    assert str(caught.value).startswith("trainer.command: cannot start axolotll: No such file")


LEFT_BEHIND = """\
import subprocess, sys
child = subprocess.Popen(["sleep", "600"])
print(child.pid)
"""


def test_what_a_command_leaves_behind_ends_with_it(tmp_path: Path) -> None:
    ended = run(tmp_path, LEFT_BEHIND)
    assert ended.status == 0
    assert not alive(int(ended.tail[0]))


INTERRUPTED = """\
import signal, sys
from pathlib import Path
from adapterctl.stores.processes import stream
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where all runs in the background
folder = Path(sys.argv[1])
lines = ["import subprocess, time", "print(subprocess.Popen(['sleep', '600']).pid)"]
code = "\\n".join([*lines, "time.sleep(600)"])
stream(["python", "-c", code], root=folder, variables={}, log=folder / "log.txt", said=print)
"""


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 143)]
)
def test_an_interruption_ends_the_command_and_its_children(
    number: signal.Signals, status: int, tmp_path: Path
) -> None:
    caller = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, str(tmp_path)], stderr=subprocess.PIPE
    )
    child = int(waited_for(tmp_path / "log.txt"))
    caller.send_signal(number)
    caller.communicate(timeout=30)
    assert caller.returncode == status
    assert not alive(child)


def waited_for(path: Path) -> str:
    for _ in range(200):
        if path.is_file() and path.read_text().endswith("\n"):
            return path.read_text()
        time.sleep(0.05)
    raise AssertionError(f"nothing in {path}")


def alive(pid: int) -> bool:
    """Whether a process runs; a moment is given to it to be gone."""
    for _ in range(40):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        if Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
            return False
        time.sleep(0.05)
    return True
