"""`pip install adapterctl` alone is light, and answers every reading command and the audit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from support.registries import a_story

REPOSITORY = Path(__file__).parents[2]
HEAVY = ("mlflow", "dvc", "torch", "transformers", "peft", "numpy", "pandas", "scipy")
READING = (
    ("list", 0),
    ("audit --offline --as-of 2026-11-23 --fail-on critical", 1),
    ("show support-router", 0),
    ("history support-router", 0),
    ("bases list", 0),
)


@pytest.fixture(scope="module")
def light(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with nothing but adapterctl's own requirements."""
    folder = tmp_path_factory.mktemp("light")
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
    python = folder / "venv" / "bin" / "python"
    install = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    pins = ["--constraint", REPOSITORY / "constraints.txt"]
    subprocess.run([*install, *pins, str(REPOSITORY)], check=True)
    return python


@pytest.mark.slow
def test_the_light_install_reads_and_audits(light: Path, tmp_path: Path) -> None:
    a_story(tmp_path)
    missing = f"import importlib.util as u; print([m for m in {HEAVY} if u.find_spec(m)])"
    found = subprocess.run([light, "-c", missing], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
    for words, status in READING:
        done = subprocess.run(
            [light, "-m", "adapterctl", *words.split()],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (status, ""), words
        assert done.stdout


@pytest.mark.slow
def test_a_command_that_lacks_its_extra_says_which(light: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [light, "-m", "adapterctl", "init", str(tmp_path / "new")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert "needs the extra 'dvc', which is not installed" in done.stderr
    assert "pip install 'adapterctl[dvc]'" in done.stderr
    assert not (tmp_path / "new" / "registry").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "extra"),
    [
        ("--format junit", "formats"),
        ("--format ics", "formats"),
        ("--format prometheus", "formats"),
        ("--notify env:HOOK", "notify"),
    ],
)
def test_a_format_that_lacks_its_library_says_which_extra_has_it(
    light: Path, tmp_path: Path, words: str, extra: str
) -> None:
    a_story(tmp_path)
    done = subprocess.run(
        [light, "-m", "adapterctl", "audit", "--offline", *words.split()],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        f"error: {words.partition(' env')[0]} needs the extra {extra!r}, which is not installed\n"
        f"  hint: pip install 'adapterctl[{extra}]'\n"
    )


@pytest.mark.slow
def test_the_page_needs_its_extra_and_writes_nothing_without(light: Path, tmp_path: Path) -> None:
    a_story(tmp_path)
    done = subprocess.run(
        [light, "-m", "adapterctl", "report", "--offline", "--out", "public"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        "error: the page needs the extra 'formats', which is not installed\n"
        "  hint: pip install 'adapterctl[formats]'\n"
    )
    assert not (tmp_path / "public").exists()
