"""Console sessions in Markdown: found, run, compared, and written anew on request.

A session is a ```console fence: lines that start with ``$`` are commands, what follows is their
output. ``# exits N`` at the end of a command states its status, 0 without. Numbers, digests,
paths and times differ between machines and are not compared; words are.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from adapterctl.cli import run

FENCE = re.compile(r"^```console\n(.*?)^```\n", re.DOTALL | re.MULTILINE)
EXITS = re.compile(r"\s+# exits (\d+)$")
VARYING = [
    (re.compile(r"\b[0-9a-f]{12,}\b"), "HEX"),
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:]+Z"), "TIME"),
    (re.compile(r"[-+]?\d([\d,]*\d)?(\.\d+)?(e[-+]?\d+)?%?"), "N"),
    (re.compile(r"\bN (s|min|h)\b|\bN(, N)+"), "N"),
    (re.compile(r"[ \t]+"), " "),
    (re.compile(r"-{2,}"), "-"),
]


@dataclass(frozen=True, kw_only=True)
class Said:
    """One command of a session: its words, the status it must have, the output shown."""

    line: int
    command: str
    status: int
    output: str


def sessions(text: str) -> Iterator[list[Said]]:
    """Yields the commands of each console fence."""
    for fence in FENCE.finditer(text):
        first = text.count("\n", 0, fence.start(1)) + 1
        yield list(_commands(fence.group(1), first))


def _commands(body: str, first: int) -> Iterator[Said]:
    lines = body.splitlines()
    starts = [n for n, line in enumerate(lines) if line.startswith("$ ")]
    for start, stop in zip(starts, [*starts[1:], len(lines)], strict=True):
        words = lines[start][2:]
        exits = EXITS.search(words)
        yield Said(
            line=first + start,
            command=EXITS.sub("", words),
            status=int(exits.group(1)) if exits else 0,
            output="\n".join(lines[start + 1 : stop]).strip("\n"),
        )


def execute(command: str) -> tuple[int, str]:
    """Runs a command line; adapterctl in this process, everything else in a shell."""
    words = shlex.split(command)
    if words[0] == "cd":
        os.chdir(words[1])
        return 0, ""
    if words[0] == "adapterctl" and "|" not in words:
        said = StringIO()
        with redirect_stdout(said):
            status = run(words[1:])
        return status, said.getvalue()
    ours = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command,
        shell=True,
        env=os.environ | {"PATH": ours},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def shown(output: str, *, home: Path) -> str:
    """Returns an output as a document shows it: no machine's paths, digests cut."""
    text = output.replace(str(home), "~")
    text = re.sub(r"\b([0-9a-f]{12})[0-9a-f]{20,}\b", r"\1...", text)
    return re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE).strip("\n")


def comparable(text: str) -> str:
    """Returns the words of an output, without what differs between machines."""
    text = text.replace("...", "")
    for pattern, word in VARYING:
        text = pattern.sub(word, text)
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


def rewritten(text: str, outputs: dict[int, str]) -> str:
    """Returns the document with each command's output replaced by what it says now."""

    def fence(match: re.Match[str]) -> str:
        first = text.count("\n", 0, match.start(1)) + 1
        parts = []
        for said in _commands(match.group(1), first):
            exits = f"  # exits {said.status}" if said.status else ""
            output = outputs[said.line]
            parts.append(f"$ {said.command}{exits}\n{output}{chr(10) if output else ''}")
        return "```console\n" + "".join(parts) + "```\n"

    return FENCE.sub(fence, text)
