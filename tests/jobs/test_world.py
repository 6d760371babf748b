"""The world as a whole: asked at once, for a limited time, by nobody with --offline."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

import adapterctl
from adapterctl.errors import Unreachable
from adapterctl.jobs.world.asking import Patience, answers
from adapterctl.records.base import BaseSource
from adapterctl.records.policy import Directory
from support.commands import Commands
from support.registries import TODAY
from support.worlds import Place, silent

AS_OF = ("--as-of", TODAY.isoformat())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path)
    made.serve()
    return made


# many requests


def test_what_does_not_answer_in_time_is_left_and_the_rest_is_there() -> None:
    start = time.monotonic()
    told = answers({"quick": lambda: 1, "slow": lambda: time.sleep(60)}, Patience(0.5))
    assert time.monotonic() - start < 5
    assert told["quick"] == 1
    late = told["slow"]
    assert isinstance(late, Unreachable)
    assert str(late) == (
        "no answer within 0.5 s\n  hint: try again, or allow for more: world.seconds in params.yaml"
    )


def test_an_error_of_ours_is_an_answer_and_a_bug_is_raised() -> None:
    def away() -> int:
        raise Unreachable("away")

    def bug() -> int:
        raise KeyError("bug")

    assert isinstance(answers({1: away}, Patience(5))[1], Unreachable)
    with pytest.raises(KeyError):
        answers({1: bug}, Patience(5))


def test_more_requests_than_workers_are_all_answered() -> None:
    told = answers({n: (lambda n=n: n) for n in range(100)}, Patience(20), workers=3)
    assert told == {n: n for n in range(100)}


def test_progress_counts_answers() -> None:
    seen: list[tuple[int, int]] = []
    answers({n: (lambda: 0) for n in range(3)}, Patience(5), progress=lambda *x: seen.append(x))
    assert seen == [(0, 3), (1, 3), (2, 3)]


# a program that ends


def test_a_thread_that_hangs_does_not_keep_the_program(place: Place) -> None:
    code = (
        "import time; from adapterctl.jobs.world.asking import Patience, answers\n"
        "answers({1: lambda: time.sleep(600)}, Patience(0.2))"
    )
    start = time.monotonic()
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
    assert time.monotonic() - start < 10


# offline

FORBIDDING = """
import sys
def forbid(event, args):
    if event.split(".")[0] in {"socket", "subprocess", "urllib"} or event == "os.posix_spawn":
        raise SystemError(f"asked the world: {event}")
    if event == "_thread.start_new_thread":
        raise SystemError("a thread")
from adapterctl.cli import run
sys.addaudithook(forbid)
sys.exit(run(sys.argv[1:]))
"""


def forbidden(place: Place, *words: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-c", FORBIDDING, "--project", str(place.root)]
    return subprocess.run([*program, *words], capture_output=True, text=True, check=False)


def test_offline_asks_nothing_of_the_world(place: Place) -> None:
    place.base("minilm-l6", source=BaseSource(path="gone"))
    place.policy(directory=Directory(command=f"{sys.executable} -c 1 {{team}}"))
    done = forbidden(place, "audit", *AS_OF, "--offline")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == (
        "Not asked (--offline): whether data, bases, packages and owners are still there."
    )
    assert "SystemError: " in forbidden(place, "audit", *AS_OF).stderr


def test_the_closing_line_says_what_was_asked(place: Place, capsys) -> None:
    said = Commands(place.root, capsys)("audit", *AS_OF)
    assert (said.status, said.err) == (0, "")
    assert said.out.splitlines()[-2:] == [
        "Asked: the DVC remote, the sources and mirrors of 1 base.",
        "Not judged here: the bytes themselves (adapterctl verify).",
    ]


def test_strict_counts_what_was_not_answered(place: Place, capsys) -> None:
    run = Commands(place.root, capsys)
    assert run("audit", *AS_OF, "--strict").status == 0
    place.config(url="/mnt/elsewhere")
    assert run("audit", *AS_OF).status == 0
    assert run("audit", *AS_OF, "--strict").status == 1
    assert run("audit", *AS_OF, "--strict", "--offline").status == 0


def test_a_finding_of_the_world_is_waived_like_any_other(place: Place, capsys) -> None:
    run = Commands(place.root, capsys)
    (place.root / "bases" / "minilm-l6").rmdir()
    (place.root / "mirrors" / "minilm-l6").rmdir()
    assert run("audit", *AS_OF).status == 1
    place.waive("BASE003", "base:minilm-l6", until="2026-12-31")
    assert run("audit", *AS_OF).status == 0


def test_python_asks_the_world_unless_told_not_to(place: Place) -> None:
    (place.root / "bases" / "minilm-l6").rmdir()
    assert [f.code for f in adapterctl.audit(place.root, as_of=TODAY).findings] == ["BASE003"]
    assert adapterctl.audit(place.root, as_of=TODAY, offline=True).findings == []


# without the extras


@pytest.mark.parametrize(
    ("module", "setting", "subject", "extra"),
    [
        ("dvc", None, "the DVC remote", "dvc"),
        ("boto3", "s3://storage/dvc", "the DVC remote", "s3"),
        ("huggingface_hub", "team/tiny", "the Hugging Face Hub", "train"),
    ],
)
def test_a_part_that_is_not_installed_is_named_and_the_rest_is_judged(
    place: Place, module: str, setting: str | None, subject: str, extra: str
) -> None:
    if module == "boto3":
        place.config(url=str(setting))
    if module == "huggingface_hub":
        place.base("minilm-l6", source=BaseSource(hub=setting), revision="f" * 40)
    (place.root / "mirrors" / "minilm-l6").rmdir()
    code = (
        "import sys, importlib.util as u\n"
        f"sys.modules[{module!r}] = None\n"
        "find = u.find_spec\n"
        f"u.find_spec = lambda name, *a: None if name == {module!r} else find(name, *a)\n"
        "import json; from adapterctl.cli import run\n"
        "run(sys.argv[1:])"
    )
    words = ["--project", str(place.root), "audit", *AS_OF, "--format", "json"]
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=True
    )
    import json

    answer = json.loads(done.stdout)
    [skip] = answer["skipped"]
    assert skip["subject"] == subject
    assert skip["mend"] == f"pip install 'adapterctl[{extra}]'"
    assert "BASE005" in {each["code"] for each in answer["results"]} or module == "huggingface_hub"


# all at once


def test_places_that_hang_are_waited_for_at_the_same_time(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("boto3")
    with silent() as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
        place.config(url="s3://storage/dvc", endpointurl=url)
        place.base("minilm-l6", mirror="s3://models/minilm")
        place.allow(1.5, directory=Directory(url=f"{url}/{{team}}"))
        start = time.monotonic()
        answer = place.ask()
        assert time.monotonic() - start < 6
    assert {each.subject for each in answer.skipped} == {
        "remote 'storage'",
        "s3://models",
        "the directory",
    }
