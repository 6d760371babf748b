"""The documents cannot rot: their sessions are run, in order, as one story."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from support.sessions import comparable, execute, rewritten, sessions, shown

REPOSITORY = Path(__file__).parents[2]
PAGES = ("docs/registering.md", "docs/auditing.md", "docs/rebuilding.md", "README.md")


def test_every_command_in_the_documents_does_what_they_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, demo_bases: Path
) -> None:
    """One test, for each page goes on where the one before stopped."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(demo_bases, tmp_path, dirs_exist_ok=True)
    differing = []
    for page in PAGES:
        differing += play(REPOSITORY / page, home=tmp_path)
    assert not differing, "\n".join(differing)


def play(page: Path, *, home: Path) -> list[str]:
    """Runs a page's sessions; returns what differs, or rewrites the page when asked to."""
    text = page.read_text(encoding="utf-8")
    differing, outputs = [], {}
    for session in sessions(text):
        for said in session:
            status, output = execute(said.command)
            outputs[said.line] = shown(output, home=home)
            place = f"{page.name}:{said.line}: {said.command}"
            if status != said.status:
                differing.append(f"{place}\n  exits {status}, not {said.status}\n{output}")
            elif comparable(outputs[said.line]) != comparable(said.output):
                differing.append(f"{place}\n--- shown\n{said.output}\n--- now\n{output}")
    if os.environ.get("ADAPTERCTL_UPDATE_GOLDENS"):
        page.write_text(rewritten(text, outputs), encoding="utf-8")
    return differing


def test_a_document_names_only_verbs_that_exist() -> None:
    from adapterctl.cli.verbs import VERBS

    pages = [*REPOSITORY.glob("docs/*.md"), REPOSITORY / "README.md"]
    words = {
        said.command.split()[1]
        for page in pages
        for session in sessions(page.read_text(encoding="utf-8"))
        for said in session
        if said.command.startswith("adapterctl ")
    }
    assert words and words <= {*VERBS, "--help", "--version"}
