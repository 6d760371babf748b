"""The demo's story: each act says why, then runs the commands that a user would type."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from adapterctl.cli.progress import Display
from adapterctl.errors import AdapterctlError, InvalidInput
from adapterctl.jobs.project import require

MARKER = ".adapterctl-demo"
DAYS_LEFT = 43

TITLE = "\nA company, two LoRA adapters in production, and a base that dies in 43 days."


@dataclass(frozen=True, kw_only=True)
class Act:
    """One part of the story.

    Attributes:
        why: what happens and why, for the reader.
        commands: command lines, each with the exit status that it must have.
    """

    why: str
    commands: tuple[tuple[str, int], ...]


ROUTER, ANSWERS = "support-router", "short-answers"

ACTS = (
    Act(
        why="Bases are declared once and pinned by a fingerprint of their tensors: whatever their "
        "files are called, other weights are refused.",
        commands=(
            ("adapterctl bases add ticket-base-1 --path bases/ticket-base-1", 0),
            ("adapterctl bases add ticket-base-2 --path bases/ticket-base-2", 0),
        ),
    ),
    Act(
        why="Recipe and preprocessing are code: they are committed before anything is registered.",
        commands=(
            ("git add registry params.yaml dvc.yaml .gitattributes .gitignore", 0),
            ("git commit -q -m 'Two adapters: router and answers'", 0),
        ),
    ),
    Act(
        why="Registering pins the five sources (base, data, code, recipe, environment), trains, "
        "evaluates, pushes the bytes to the DVC remote and mirrors the version to MLflow. The "
        "router learns from 847 tickets chosen out of 2,000 by a rule that is recorded and run "
        "again.",
        commands=(
            (f"adapterctl register registry/adapters/{ROUTER}/recipe.yaml", 0),
            (f"adapterctl register registry/adapters/{ANSWERS}/recipe.yaml", 0),
            (f"adapterctl promote {ROUTER}@1", 0),
            (f"adapterctl promote {ANSWERS}@1", 0),
        ),
    ),
    Act(
        why=f"Then the letter comes: the base shuts down in {DAYS_LEFT} days. A move takes 60, so "
        "both adapters are late already; the audit says so, ranked by slack, and exits 1.",
        commands=(
            (
                "adapterctl lifecycle add ticket-base-1 --phase serving --shutdown {shutdown} "
                "--source https://example.com/deprecations --successor ticket-base-2",
                0,
            ),
            ("adapterctl audit", 1),
        ),
    ),
    Act(
        why="Before anything runs, the plan shows what would change: the successor has another "
        "architecture, so target modules are mapped by their role.",
        commands=((f"adapterctl plan {ROUTER} --to ticket-base-2", 0),),
    ),
    Act(
        why="The rebuild trains on the successor from the pinned data and code, and compares old "
        "adapter, bare successor and candidate row by row.",
        commands=(
            (f"adapterctl rebuild {ROUTER} --to ticket-base-2", 0),
            (f"adapterctl rebuild {ANSWERS} --to ticket-base-2", 0),
        ),
    ),
    Act(
        why="A passed report lets the candidates be promoted; recipe.yaml follows. And going back "
        "is proven now, not when it is needed.",
        commands=(
            (f"adapterctl promote {ROUTER}@candidate", 0),
            (f"adapterctl promote {ANSWERS}@candidate", 0),
            (f"adapterctl rollback {ROUTER} --check", 0),
            ("adapterctl list", 0),
        ),
    ),
)
"""The story, from the first registration to the proof that one could go back."""

NEXT = """
Try next, in {project}:

    cd {project}
    adapterctl show support-router               everything that is pinned
    adapterctl history support-router            what happened to it
    adapterctl reproduce support-router@1        the same adapter again, bit for bit
    adapterctl pull support-router@champion --out serving    the folder that vLLM loads
    adapterctl audit --format json               for scripts
    mlflow ui --backend-store-uri sqlite:///.adapterctl/mlflow.db
    dvc repro                                    builds what changed
"""


def tell(folder: Path, display: Display) -> int:
    """Tells the whole story in ``folder``; returns the exit status.

    Raises:
        InvalidInput: the folder exists and is no earlier demo.
        AdapterctlError: a command did not end as the story needs.
    """
    for module, extra in (("torch", "train"), ("dvc", "dvc"), ("mlflow", "mlflow")):
        require(module, extra=extra, needed_for="the demo")
    started, here = time.monotonic(), Path.cwd()
    project = _clear(folder) / "project"
    click.secho(TITLE, bold=True)
    for command in ("git init -q project", "adapterctl init project"):
        _play(command, expected=0, where=folder)
    click.secho(
        "\nWithout a network there are no bases to download: two small ones, of different "
        "architecture, width\nand tokenizer, are built here and pre-trained for some seconds "
        "each. Data is made, too.\n",
    )
    _prepare(project, display)
    shutdown = (datetime.now(UTC) + timedelta(days=DAYS_LEFT)).date().isoformat()
    try:
        for act in ACTS:
            click.secho(f"\n{act.why}", fg="cyan")
            for command, expected in act.commands:
                words = command.format(shutdown=shutdown)
                _play(words, expected=expected, where=project)
    finally:
        os.chdir(here)
    click.secho(f"\nThat took {time.monotonic() - started:.0f} s.", bold=True)
    click.echo(NEXT.format(project=_shown(project, here)))
    return 0


def _clear(folder: Path) -> Path:
    """Makes the demo's folder; an earlier demo is replaced, anything else is left alone."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / MARKER).is_file():
            raise InvalidInput.one(
                "not empty, and no earlier demo", place=str(folder), hint="name a new folder"
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARKER).touch()
    return folder


def _play(command: str, *, expected: int, where: Path) -> None:
    """Shows a command line and runs it as a user would, in this process where it is ours."""
    from adapterctl.cli import run

    click.secho(f"\n$ {command}", bold=True)
    os.chdir(where)
    words = shlex.split(command)
    status = run(words[1:]) if words[0] == "adapterctl" else _outside(words)
    if status != expected:
        raise AdapterctlError(
            f"the demo expected exit status {expected} from this command, and got {status}",
            place=command,
            hint="run it again in the demo's project to see why",
        )


def _outside(words: list[str]) -> int:
    """Runs another program; git commits as the demo's own author."""
    author = {"NAME": "Demo", "EMAIL": "demo@example.invalid"}
    names = {
        f"GIT_{who}_{key}": value
        for who in ("AUTHOR", "COMMITTER")
        for key, value in author.items()
    }
    return subprocess.run(words, env=os.environ | names, check=False).returncode


def _prepare(project: Path, display: Display) -> None:
    """Writes data, recipes and bases: what a user would bring along."""
    from adapterctl.jobs.demo import ADAPTERS, make_bases, write_data, write_recipe

    write_data(project / "data")
    for adapter in ADAPTERS:
        write_recipe(project, adapter)
    make_bases(project / "bases", progress=display.progress)
    with (project / ".gitignore").open("a", encoding="utf-8") as file:
        file.write("/bases/\n")


def prepare_part(folder: Path, part: str, display: Display) -> None:
    """Makes only the example's data, or its bases with the identity of each beside it."""
    from adapterctl.jobs.demo import make_bases, write_data, write_identities

    if part == "data":
        write_data(folder / "data")
    else:
        require("torch", extra="train", needed_for="building the example's bases")
        write_identities(make_bases(folder / "bases", progress=display.progress))


def _shown(path: Path, here: Path) -> str:
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
