from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from adapterctl.errors import InvalidInput, Mismatch
from adapterctl.stores.code import bundle, closure

ENTRY = "registry/adapters/my-adapter/prepare.py"


def write(root: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return root


def paths(root: Path, entry: str = f"{ENTRY}:prepare") -> list[str]:
    return [pin.path for pin in closure(root, entry)]


def refusal(root: Path, entry: str) -> str:
    with pytest.raises(InvalidInput) as caught:
        closure(root, entry)
    return str(caught.value)


PREPARE = "def prepare(rows):\n    return rows\n"


def test_a_file_alone_is_its_own_closure_with_its_digest(tmp_path: Path) -> None:
    write(tmp_path, {ENTRY: f"import json, numpy\n{PREPARE}"})
    (pin,) = closure(tmp_path, f"{ENTRY}:prepare")
    content = (tmp_path / ENTRY).read_bytes()
    assert pin.path == ENTRY
    assert pin.sha256 == hashlib.sha256(content).hexdigest()
    assert pin.size == len(content)


@pytest.mark.parametrize(
    ("imports", "expected"),
    [
        ("import lib.text", ["lib/__init__.py", "lib/text.py"]),
        ("import lib.text as t", ["lib/__init__.py", "lib/text.py"]),
        ("from lib import text", ["lib/__init__.py", "lib/text.py"]),
        ("from lib.text import clean", ["lib/__init__.py", "lib/text.py"]),
        ("from lib import *", ["lib/__init__.py"]),
        ("import lib", ["lib/__init__.py"]),
        ("import bare.deep.x", ["bare/deep/x.py"]),
        ("from bare.deep import x", ["bare/deep/x.py"]),
        ("import single", ["single.py"]),
        ("from . import beside", ["registry/adapters/my-adapter/beside.py"]),
        ("from .beside import f", ["registry/adapters/my-adapter/beside.py"]),
        ("from ..shared import f", ["registry/adapters/shared.py"]),
        ("import beside", []),
        ("import missing.thing", []),
        ("try:\n    import single\nexcept ImportError:\n    single = None", ["single.py"]),
        ("def late():\n    import single", ["single.py"]),
        ("import importlib as i\ni.import_module('lib.text')", ["lib/__init__.py", "lib/text.py"]),
        ("__import__('single')", ["single.py"]),
        ("from .......... import far", []),
    ],
)  # fmt: skip
def test_imports_are_followed_inside_the_repository(
    tmp_path: Path, imports: str, expected: list[str]
) -> None:
    write(
        tmp_path,
        {
            ENTRY: f"{imports}\n{PREPARE}",
            "registry/adapters/my-adapter/beside.py": "",
            "registry/adapters/shared.py": "",
            "lib/__init__.py": "",
            "lib/text.py": "",
            "bare/deep/x.py": "",
            "single.py": "",
            "unused.py": "",
        },
    )
    assert paths(tmp_path) == sorted([*expected, ENTRY])


def test_the_closure_is_transitive_and_cycles_end(tmp_path: Path) -> None:
    write(
        tmp_path,
        {ENTRY: f"import one\n{PREPARE}", "one.py": "import two", "two.py": "import one, three",
         "three.py": "import one"},
    )  # fmt: skip
    assert paths(tmp_path) == sorted(["one.py", "three.py", "two.py", ENTRY])


def test_the_init_of_the_entry_points_own_package_belongs_to_it(tmp_path: Path) -> None:
    write(tmp_path, {"pkg/__init__.py": "import single", "pkg/a.py": PREPARE, "single.py": ""})
    assert paths(tmp_path, "pkg/a.py:prepare") == ["pkg/__init__.py", "pkg/a.py", "single.py"]


def test_a_package_wins_over_a_module_of_its_name(tmp_path: Path) -> None:
    write(tmp_path, {ENTRY: f"import lib\n{PREPARE}", "lib/__init__.py": "", "lib.py": ""})
    assert paths(tmp_path) == ["lib/__init__.py", ENTRY]


def test_one_changed_helper_changes_its_pin_only(tmp_path: Path) -> None:
    write(tmp_path, {ENTRY: f"import one\n{PREPARE}", "one.py": "x = 1\n"})
    before = closure(tmp_path, f"{ENTRY}:prepare")
    write(tmp_path, {"one.py": "x = 2\n"})
    after = closure(tmp_path, f"{ENTRY}:prepare")
    assert [b.path for b, a in zip(before, after, strict=True) if b != a] == ["one.py"]


@pytest.mark.parametrize(
    "text",
    [
        "from lib import prepare",
        "from lib import *",
        "prepare = lambda rows: rows",
        "if True:\n    def prepare(rows): ...\nelse:\n    pass",
        "try:\n    pass\nexcept OSError:\n    def prepare(rows): ...",
        "class prepare: ...",
    ],
)
def test_a_function_may_be_bound_in_any_way_at_the_top_level(tmp_path: Path, text: str) -> None:
    write(tmp_path, {ENTRY: text})
    assert paths(tmp_path) == [ENTRY]


def test_a_missing_function_names_those_that_exist(tmp_path: Path) -> None:
    write(
        tmp_path,
        {ENTRY: "def prep(rows): ...\ndef choose(pool): ...\nclass A:\n    def prepare(s): ...\n"},
    )
    assert refusal(tmp_path, f"{ENTRY}:prepare") == (
        f"{ENTRY}: no function 'prepare'\n  hint: it has: prep, choose"
    )
    write(tmp_path, {ENTRY: ""})
    assert refusal(tmp_path, f"{ENTRY}:prepare").endswith("hint: it has: none")


def test_a_missing_file_names_its_neighbours(tmp_path: Path) -> None:
    write(tmp_path, {"code/prepare.py": PREPARE, "code/other.py": ""})
    assert refusal(tmp_path, "code/prepar.py:prepare") == (
        "code/prepar.py: no such file\n  hint: code has other.py, prepare.py"
    )
    assert refusal(tmp_path, "gone/prepare.py:prepare") == (
        "gone/prepare.py: no such file\n  hint: correct the path, or write it"
    )


def test_what_cannot_be_an_entry_point_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path, "a.ipynb:prepare") == (
        "a.ipynb: a notebook cannot be run in a clean process\n"
        "  hint: move the function into a .py file"
    )
    assert refusal(tmp_path, "prepare.py") == (
        "prepare.py: not an entry point\n  hint: write path/to/file.py:function"
    )
    for path in ("../prepare.py", "/tmp/prepare.py"):
        assert refusal(tmp_path, f"{path}:prepare") == (
            f"{path}: not inside the repository\n  hint: copy the file into the repository"
        )


@pytest.mark.parametrize("broken", [ENTRY, "one.py"])
def test_a_file_that_is_not_python_is_named_with_its_line(tmp_path: Path, broken: str) -> None:
    write(tmp_path, {ENTRY: f"import one\n{PREPARE}", "one.py": ""})
    write(tmp_path, {broken: "x = 1\ndef prepare(:\n"})
    assert refusal(tmp_path, f"{ENTRY}:prepare") == (
        f"{broken}:2: not Python: invalid syntax\n  hint: correct the file"
    )


def test_a_bundle_holds_the_same_bytes_at_the_same_paths(tmp_path: Path) -> None:
    root = write(tmp_path / "root", {ENTRY: f"import one\n{PREPARE}", "one.py": "é = 1\r\n"})
    pins = closure(root, f"{ENTRY}:prepare")
    bundle(root, pins, tmp_path / "out")
    assert closure(tmp_path / "out", f"{ENTRY}:prepare") == pins


def test_a_file_that_changed_since_it_was_pinned_is_not_bundled(tmp_path: Path) -> None:
    root = write(tmp_path / "root", {ENTRY: PREPARE})
    pins = closure(root, f"{ENTRY}:prepare")
    write(root, {ENTRY: PREPARE + "\n"})
    with pytest.raises(Mismatch) as caught:
        bundle(root, pins, tmp_path / "out")
    assert str(caught.value) == f"{ENTRY}: it changed since it was pinned\n  hint: run again"
    assert not (tmp_path / "out").exists()
