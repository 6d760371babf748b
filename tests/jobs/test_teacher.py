"""The old adapter as teacher of text: by logits on shared tokens, by its own words on others."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.numpy import load_file

from adapterctl.errors import Mismatch
from adapterctl.jobs.clean_room import unpack
from adapterctl.jobs.inputs.starting import learn_what_is_expected, learns_tokens, listening
from adapterctl.jobs.ladder import climbing
from adapterctl.jobs.ladder.gate import Candidate
from adapterctl.jobs.project import Project
from adapterctl.rules.teaching import TOP
from adapterctl.stores.registry import FolderRegistry
from adapterctl.training.learning.taught import Taught, learned_tokens
from adapterctl.training.small_bases import NEW, make_bases
from support.own_trainers import RECIPE, commit_all, make_trainer_project
from support.projects import command, copied, edit, object_path
from support.tiny_bases import tiny_llama
from support.training_jobs import completions

TEACHER = "old adapter as teacher"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """capitals@1 on an OPT, under margins that nothing meets, and three Llamas to go to.

    ``new-base`` has the OPT's tokenizer, ``framed-base`` its vocabulary without a token before
    each text, ``other-base`` one of its own.
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
    framed = tiny_llama(folder / "more" / "framed", seed=4)
    tokenizer = json.loads((framed / "tokenizer.json").read_text())
    (framed / "tokenizer.json").write_text(json.dumps(tokenizer | {"post_processor": None}))
    assert command(root, "bases", "add", "framed-base", "--path", str(framed)) == 0
    commit_all(root)
    assert command(root, "register", RECIPE) == 0
    return root


@pytest.fixture
def last_is_filed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of equal verdicts, files the candidate of the highest rung instead of the lowest."""
    summit = climbing._summit

    def highest(candidates: list[Candidate], *rest: Any) -> climbing.Summit:
        return summit(candidates[::-1], *rest)

    monkeypatch.setattr(climbing, "_summit", highest)


def taught(root: Path, to: str, room: Path) -> tuple[dict[str, Any], Path]:
    """Rebuilds up to the teacher; what its rung found out, and what its candidate started from."""
    assert command(root, "rebuild", "capitals", "--to", to) in {0, 1}
    record = FolderRegistry(root).record("capitals", 2)
    assert record.rebuilt_from is not None and record.rebuilt_from.rung == TEACHER
    [details] = [one.details for one in record.rebuilt_from.ladder if one.rung == TEACHER]
    unpack(Project(root=root, now=datetime(2026, 11, 23, tzinfo=UTC)), record, room)
    return details, room / ".version" / "start"


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("to", "why"),
    [
        ("other-base", "the two bases differ in their vocabularies"),
        ("framed-base", "the same vocabulary cuts or frames the training rows in another way"),
    ],
)
@pytest.mark.usefixtures("last_is_filed")
def test_across_tokenizers_the_teacher_s_own_words_are_learned(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], to: str, why: str
) -> None:
    root = copied(project, tmp_path)
    details, start = taught(root, to, tmp_path / "room")
    out, err = capsys.readouterr()
    assert f"{TEACHER}: its own words are learned, for {why}" in err
    assert f"  {TEACHER}: INCONCLUSIVE (learned text)" in out
    assert details == {"learned": "text"}
    assert [file.name for file in start.iterdir()] == ["targets.jsonl"]
    answers = [json.loads(line) for line in (start / "targets.jsonl").read_text().splitlines()]
    assert len(answers) == 24 and any(one["output"] != one["reference"] for one in answers)
    assert command(root, "reproduce", "capitals@2") == 0


def test_what_is_expected_is_learned_of_the_rows_that_it_was_expected_of(tmp_path: Path) -> None:
    examples = completions(4)
    answers = [
        Taught(ids=torch.arange(3).expand(count, 3), log_probabilities=torch.full((count, 3), -2.0))
        for count in map(learned_tokens, examples)
    ]
    assert not learns_tokens(tmp_path)
    learn_what_is_expected(tmp_path, answers)
    assert learns_tokens(tmp_path)
    found = listening(tmp_path, examples)
    assert [len(one.taught) for one in found] == [24 * len(one) for one in answers]
    file = tmp_path / "start" / "expected.safetensors"
    with pytest.raises(Mismatch) as refused:
        listening(tmp_path, examples[:3])
    assert str(refused.value) == f"{file}: expects tokens of other training rows than these"


@pytest.mark.slow
def test_text_is_rebuilt_from_salvage_when_its_training_data_are_gone(
    project: Path, tmp_path: Path
) -> None:
    root = copied(project, tmp_path)
    assert command(root, "salvage", "capitals") == 0
    train = FolderRegistry(root).record("capitals", 1).train
    object_path(root, train.md5).unlink()
    (root / ".dvc" / "cache" / "files" / "md5" / train.md5[:2] / train.md5[2:]).unlink()
    (root / train.path).unlink()
    assert command(root, "rebuild", "capitals", "--to", "new-base") in {0, 1}
    record = FolderRegistry(root).record("capitals", 2)
    origin = record.rebuilt_from
    assert origin is not None and origin.derived and origin.rung == "salvage"
    assert record.train.path.startswith("data/salvaged/capitals-1-")
    assert {line.set for line in origin.parity.metrics} == {"gold"}
    kept = [json.loads(line) for line in (root / record.train.path).read_text().splitlines()]
    assert len(kept) == record.train.rows and {*kept[0]} == {"prompt", "completion", "scores"}
    assert all(row["scores"]["nll"] > 0 and row["scores"]["tokens"] >= 1 for row in kept)
