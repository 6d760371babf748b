from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from adapterctl.errors import InvalidInput
from adapterctl.stores.processes import call_entry_point

ENTRY = "registry/adapters/my-adapter.v1/prepare.py"


def call(root: Path, body: str, argument: Any = None, **options: Any) -> Any:
    file = root / ENTRY
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(body, encoding="utf-8")
    return call_entry_point(root, f"{ENTRY}:prepare", argument, **options)


def refusal(root: Path, body: str, argument: Any = None, **options: Any) -> str:
    with pytest.raises(InvalidInput) as caught:
        call(root, body, argument, **options)
    return str(caught.value)


def test_rows_go_in_and_come_back(tmp_path: Path) -> None:
    rows = [{"text": "naïve \u2028", "n": 0.1, "big": 2**70, "none": None, "l": [True]}]
    body = "def prepare(rows):\n    return [{**row, 'x': (1, 2)} for row in rows]\n"
    assert call(tmp_path, body, rows) == [{**rows[0], "x": [1, 2]}]


def test_the_repository_comes_first_on_the_path_and_is_where_it_runs(tmp_path: Path) -> None:
    (tmp_path / "lib.py").write_text("NAME = 'lib'\n")
    (tmp_path / ENTRY).parent.mkdir(parents=True)
    (tmp_path / ENTRY).with_name("beside.py").write_text("NAME = 'beside'\n")
    body = (
        "import os, sys, lib\n"
        "def prepare(rows):\n"
        "    stores = [p for p in sys.path if p.endswith('processes')]\n"
        "    return [os.getcwd(), sys.path[0], lib.NAME, stores]\n"
    )
    root = str(tmp_path.resolve())
    assert call(tmp_path, body) == [root, root, "lib", []]


def test_relative_imports_work(tmp_path: Path) -> None:
    folder = tmp_path / "adapters" / "my-adapter"
    folder.mkdir(parents=True)
    (folder / "beside.py").write_text("from ..shared import NAME\n")
    (tmp_path / "adapters" / "shared.py").write_text("NAME = 'shared'\n")
    (folder / "prepare.py").write_text(
        "from .beside import NAME\ndef prepare(rows):\n    return NAME\n"
    )
    assert call_entry_point(tmp_path, "adapters/my-adapter/prepare.py:prepare", []) == "shared"


def test_the_process_is_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    body = (
        "import os, sys, time, pathlib, locale\n"
        "def prepare(rows):\n"
        "    home = pathlib.Path.home()\n"
        "    return {'variables': sorted(os.environ), 'home': list(map(str, home.iterdir())),\n"
        "            'real': str(home), 'zone': time.timezone, 'text': sys.flags.utf8_mode,\n"
        "            'loaded': sorted(m for m in sys.modules if m.startswith('adapterctl'))}\n"
    )
    found = call(tmp_path, body)
    allowed = {"PATH", "HOME", "USERPROFILE", "TZ", "PYTHONUTF8", "PYTHONHASHSEED", "TMPDIR",
               "TEMP", "TMP", "LD_LIBRARY_PATH", "LC_CTYPE"}  # fmt: skip
    assert set(found["variables"]) <= allowed
    assert (found["home"], found["zone"], found["text"]) == ([], 0, 1)
    assert found["real"] != os.environ.get("HOME")
    assert found["loaded"] == []


def test_the_hash_seed_is_the_callers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = "def prepare(rows):\n    return hash('a')\n"
    monkeypatch.setenv("PYTHONHASHSEED", "1")
    one, again = call(tmp_path, body), call(tmp_path, body)
    monkeypatch.setenv("PYTHONHASHSEED", "2")
    assert one == again != call(tmp_path, body)


def test_nothing_is_left_in_the_repository_and_prints_are_dropped(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "lib.py").write_text("x = 1\n")
    body = (
        "import lib, sys\n"
        "def prepare(rows):\n    print('hello')\n    print('you', file=sys.stderr)\n    return 1\n"
    )
    assert call(tmp_path, body) == 1
    files = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file())
    assert files == ["lib.py", ENTRY]
    assert capfd.readouterr() == ("", "")


def test_an_exception_is_placed_at_the_users_last_line(tmp_path: Path) -> None:
    (tmp_path / "lib.py").write_text(
        "import json\n\ndef load(text):\n    return json.loads(text)\n"
    )
    body = "import lib\n\ndef prepare(rows):\n    return lib.load(rows[0]['text'])\n"
    assert refusal(tmp_path, body, [{"label": 1}]) == f"{ENTRY}:4: KeyError: 'text'"
    assert refusal(tmp_path, body, [{"text": "{"}]) == (
        "lib.py:4: JSONDecodeError: Expecting property name enclosed in double quotes: "
        "line 1 column 2 (char 1)"
    )


def test_an_exception_while_importing_is_placed_too(tmp_path: Path) -> None:
    assert refusal(tmp_path, "x = 1\nraise RuntimeError\n") == f"{ENTRY}:2: RuntimeError"


def test_a_missing_module_says_where_imports_come_from(tmp_path: Path) -> None:
    assert refusal(tmp_path, "import beside_me\n") == (
        f"{ENTRY}:1: ModuleNotFoundError: No module named 'beside_me'\n"
        "  hint: imports are resolved from the repository's root; install what is not in it"
    )


def test_a_missing_function_is_a_clear_error(tmp_path: Path) -> None:
    message = refusal(tmp_path, "x = 1\n")
    assert message.startswith(f"{ENTRY}:prepare: AttributeError: ")


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("{1}", "Object of type set is not JSON serializable"),
        ("(row for row in rows)", "Object of type generator is not JSON serializable"),
        ("float('nan')", "Out of range float values are not JSON compliant"),
        ("b'x'", "Object of type bytes is not JSON serializable"),
    ],
)
def test_a_result_that_json_cannot_hold_is_refused(tmp_path: Path, value: str, why: str) -> None:
    message = refusal(tmp_path, f"def prepare(rows):\n    return {value}\n", [])
    assert message.startswith(f"{ENTRY}:prepare: returned what JSON cannot hold: {why}")
    assert message.endswith("hint: return lists, dicts, text, finite numbers, true, false and null")


def test_text_that_is_not_unicode_is_refused(tmp_path: Path) -> None:
    message = refusal(tmp_path, "def prepare(rows):\n    return '\\ud800'\n")
    assert message.startswith(f"{ENTRY}:prepare: returned text that is not Unicode: ")


@pytest.mark.parametrize(
    ("end", "status"),
    [("sys.exit(3)", "exit status 3"), ("sys.exit(0)", "exit status 0"),
     ("os._exit(4)", "exit status 4"), ("os.kill(os.getpid(), 9)", "signal 9")],
)  # fmt: skip
def test_a_function_that_ends_its_process_is_named(tmp_path: Path, end: str, status: str) -> None:
    bye = "print('bye', file=sys.stderr, flush=True)"
    body = f"import os, sys\ndef prepare(rows):\n    {bye}\n    {end}\n"
    assert refusal(tmp_path, body) == (
        f"{ENTRY}:prepare: ended its process with {status} instead of returning\n"
        "  hint: its last line on stderr: bye"
    )


def test_a_function_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    body = "import time\ndef prepare(rows):\n    time.sleep(60)\n"
    begun = time.monotonic()
    assert refusal(tmp_path, body, timeout=0.5) == (
        f"{ENTRY}:prepare: still running after 0.5 s, killed\n"
        "  hint: make it faster, or give it fewer rows"
    )
    assert time.monotonic() - begun < 20


def test_a_call_loads_hardly_more_than_python_itself(tmp_path: Path) -> None:
    body = "import sys\ndef prepare(rows):\n    return sorted(sys.modules)\n"
    bare = subprocess.run(
        [sys.executable, "-P", "-s", "-c", "import sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    more = set(call(tmp_path, body)) - set(bare.stdout.split())
    assert "json" in more
    assert not more & {"asyncio", "msgspec", "numpy", "pathlib", "subprocess", "torch", "typing"}
