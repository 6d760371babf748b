"""The old adapter as teacher of text: by logits on shared tokens, by its own words on others."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file

from adapterctl.jobs.clean_room import unpack
from adapterctl.jobs.ladder import climbing
from adapterctl.jobs.ladder.gate import Candidate
from adapterctl.jobs.project import Project
from adapterctl.rules.teaching import TOP
from adapterctl.stores.registry import FolderRegistry
from adapterctl.training.small_bases import NEW, make_bases
from support.own_trainers import RECIPE, commit_all, make_trainer_project
from support.projects import command, copied, edit

pytestmark = pytest.mark.slow

TEACHER = "old adapter as teacher"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """capitals@1 on an OPT, under margins that nothing meets, and two Llamas to go to.

    One has the OPT's tokenizer, the other one of its own.
    """
    folder = tmp_path_factory.mktemp("teaching")
    root = make_trainer_project(folder, trainer="")
    edit(root / RECIPE, "margin: 0.9", "margin: 0.001")
    edit(root / RECIPE, "negative_flips: 1.0", "negative_flips: 0.001")
    texts = [f"what is the {word} of my country" for word in ("city", "sky", "card")] * 20
    [other] = make_bases(
        folder / "more",
        texts=texts,
        seed=1,
        progress=lambda *_: None,
        blueprints=[replace(NEW, vocabulary=320, steps=2)],
        threads=1,
    )
    assert command(root, "bases", "add", "other-base", "--path", str(other)) == 0
    commit_all(root)
    assert command(root, "register", RECIPE) == 0
    return root


@pytest.fixture
def last_is_filed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files the candidate of the highest rung: of equal verdicts it would be the lowest."""
    summit = climbing._summit

    def highest(candidates: list[Candidate], *rest: Any) -> climbing.Summit:
        return summit(candidates[-1:], *rest)

    monkeypatch.setattr(climbing, "_summit", highest)


def taught(root: Path, to: str, room: Path) -> tuple[dict[str, Any], Path]:
    """Rebuilds up to the teacher; what its rung found out, and what its candidate started from."""
    assert command(root, "rebuild", "capitals", "--to", to) in {0, 1}
    record = FolderRegistry(root).record("capitals", 2)
    assert record.rebuilt_from is not None and record.rebuilt_from.rung == TEACHER
    [details] = [one.details for one in record.rebuilt_from.ladder if one.rung == TEACHER]
    unpack(Project(root=root, now=datetime(2026, 11, 23, tzinfo=UTC)), record, room)
    return details, room / ".version" / "start"


@pytest.mark.usefixtures("last_is_filed")
def test_on_shared_tokens_logits_are_learned_and_the_version_is_reproduced(
    project: Path, tmp_path: Path
) -> None:
    root = copied(project, tmp_path)
    details, start = taught(root, "new-base", tmp_path / "room")
    assert details == {"trust": 0.5, "learned": "logits"}
    assert [file.name for file in start.iterdir()] == ["expected.safetensors"]
    held = load_file(start / "expected.safetensors")
    positions = int(held["positions"].sum())
    assert len(held["positions"]) == 24 and positions >= 48
    assert held["ids"].shape == held["log_probabilities"].shape == (positions, TOP)
    assert command(root, "reproduce", "capitals@2") == 0


@pytest.mark.usefixtures("last_is_filed")
def test_across_tokenizers_the_teacher_s_own_words_are_learned(
    project: Path, tmp_path: Path
) -> None:
    root = copied(project, tmp_path)
    details, start = taught(root, "other-base", tmp_path / "room")
    assert details == {"learned": "text"}
    assert [file.name for file in start.iterdir()] == ["targets.jsonl"]
    answers = [json.loads(line) for line in (start / "targets.jsonl").read_text().splitlines()]
    assert len(answers) == 24 and any(one["output"] != one["reference"] for one in answers)
    assert command(root, "reproduce", "capitals@2") == 0
