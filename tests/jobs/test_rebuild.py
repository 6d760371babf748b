"""Rebuilding on a successor: a candidate with its evidence, and what may be done with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from adapterctl.records.event import Event
from adapterctl.records.version import VersionRecord
from adapterctl.rules.recipes import recipe_digest
from adapterctl.stores.registry import FolderRegistry
from support.commands import Commands
from support.killing import KILLED, Done, after, run
from support.leftovers import left
from support.projects import commit, copied, edit, rows, write_jsonl

HOME = Path("registry/adapters/router")
REBUILD = ("rebuild", "router", "--to", "new-base")

# DESIGN.md, section 6.
SHAPE = [
    "adapter",
    "from_version",
    "to_version",
    "base",
    "rung",
    "verdict",
    "metrics",
    "negative_flips",
    "seconds",
    "record",
    "error",
]
METRIC = [
    "name",
    "set",
    "slice",
    "old",
    "bare",
    "candidate",
    "difference",
    "interval",
    "margin",
    "verdict",
]


def record_of(root: Path, version: int) -> VersionRecord:
    return FolderRegistry(root).record("router", version)


def events_of(root: Path) -> list[Event]:
    return FolderRegistry(root).events("router")


def ran(root: Path, *words: str) -> Done:
    done = run(root, *words)
    assert done.status == 0, done.said
    return done


def answer(done: Done) -> dict[str, Any]:
    start, stop = done.said.index('{\n  "schema_version"'), done.said.rindex("}")
    return json.loads(done.said[start : stop + 1])


# The candidate


def test_the_candidate_says_where_it_comes_from(rebuilt: Path) -> None:
    old, new = record_of(rebuilt, 1), record_of(rebuilt, 2)
    origin = new.rebuilt_from
    assert origin is not None
    assert (origin.version, origin.base, origin.rung) == (1, "old-base", "carried recipe")
    assert origin.changes["base"] == ["old-base", "new-base"]
    assert origin.parity.verdict == "PASS"
    assert (new.base.base, new.recipe.base) == ("new-base", "new-base")
    assert (new.train, new.evaluation, new.code) == (old.train, old.evaluation, old.code)
    assert new.recipe.training.seed == old.recipe.training.seed
    assert new.weights_sha256 != old.weights_sha256


def test_a_recorded_recipe_keeps_its_digest(rebuilt: Path) -> None:
    for record in FolderRegistry(rebuilt).records("router"):
        assert recipe_digest(record.recipe) == record.recipe_digest


def test_the_candidate_keeps_the_answers_of_all_three_sides(rebuilt: Path) -> None:
    paths = {file.path for file in record_of(rebuilt, 2).artifacts.files}
    sides = {f"predictions/{side}/gold.jsonl" for side in ("old", "bare", "adapter")}
    assert sides <= paths


def test_it_is_the_candidate_here_and_in_mlflow(rebuilt: Path) -> None:
    found = left(rebuilt)
    assert found.events == [("promoted", 1), ("candidate", 2)]
    assert found.aliases == {"champion": 1, "candidate": 2}
    [journal] = found.journals.values()
    assert journal == [
        "planned",
        "old side run",
        "trained",
        "judged",
        "filed",
        "candidate",
        "mirrored",
    ]
    assert found.scratch == []


def test_a_rebuild_leaves_the_recipe_alone(serving: Path, rebuilt: Path) -> None:
    assert (rebuilt / HOME / "recipe.yaml").read_bytes() == (
        serving / HOME / "recipe.yaml"
    ).read_bytes()


def test_the_answer_has_the_shape_that_scripts_read(rebuilt: Path, tmp_path: Path) -> None:
    root = copied(rebuilt, tmp_path)
    again = answer(ran(root, *REBUILD, "--format", "json"))
    compared = answer(ran(root, "compare", "router@1", "router@2", "--format", "json"))
    for command, found in (("rebuild", again), ("compare", compared)):
        assert found["command"] == command
        [result] = found["results"]
        assert [key for key in result if key in SHAPE] == SHAPE
        assert {metric["name"] for metric in result["metrics"]} == {"accuracy", "f1_macro"}
        assert all([key for key in m if key in METRIC] == METRIC for m in result["metrics"])
        assert {"rate", "limit"} <= result["negative_flips"].keys()
        assert (result["from_version"], result["to_version"]) == (1, 2)
        assert (result["verdict"], result["error"]) == ("PASS", None)
        for metric in result["metrics"]:
            difference = metric["candidate"] - metric["old"]
            assert metric["difference"] == pytest.approx(difference)
            low, high = metric["interval"]
            assert low <= metric["difference"] <= high
    assert again["results"][0]["record"] == f"{HOME}/2.json"
    assert [m["old"] for m in again["results"][0]["metrics"]] == [
        m["old"] for m in compared["results"][0]["metrics"]
    ]
    assert left(root).without("journals") == left(rebuilt).without("journals")


# Promotion and the way back


@pytest.fixture(scope="module")
def unpassed(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a candidate that has not passed: no row may be lost."""
    root = copied(template, tmp_path_factory.mktemp("unpassed"))
    recipe = root / HOME / "recipe.yaml"
    text = recipe.read_text()
    strict = text.replace("margin: 0.5", "margin: 0.001").replace("flips: 1.0", "flips: 0.001")
    assert strict.count("0.001") == 2
    recipe.write_text(strict)
    commit(root)
    ran(root, "register", str(recipe))
    ran(root, "promote", "router@1")
    assert run(root, *REBUILD).status == 1
    return root


def test_a_candidate_that_has_not_passed_is_filed_and_not_promoted(
    unpassed: Path, tmp_path: Path
) -> None:
    root = copied(unpassed, tmp_path)
    origin = record_of(root, 2).rebuilt_from
    assert origin is not None and origin.parity.verdict in {"FAIL", "INCONCLUSIVE"}
    before = left(root)
    for because in ([], ["--because", "  "]):
        done = run(root, "promote", "router@candidate", *because)
        assert done.status == 1
        assert done.said == (
            f"error: router@2 has no passed parity report: {origin.parity.verdict}\n"
            '  hint: adapterctl promote router@2 --because "..." records your reason\n'
        )
    assert left(root) == before


def test_a_reason_promotes_it_and_is_recorded(unpassed: Path, tmp_path: Path) -> None:
    root = copied(unpassed, tmp_path)
    ran(root, "promote", "router@candidate", "--because", "the old base is gone tomorrow")
    last = events_of(root)[-1]
    assert (last.event, last.version) == ("promoted", 2)
    assert last.because == "the old base is gone tomorrow"
    assert last.by and last.at
    assert left(root).aliases == {"champion": 2, "previous": 1}


def test_promotion_writes_the_mapped_fields_into_the_recipe(rebuilt: Path, tmp_path: Path) -> None:
    root = copied(rebuilt, tmp_path)
    done = ran(root, "promote", "router@candidate")
    text = (root / HOME / "recipe.yaml").read_text()
    assert "base: new-base\n" in text
    assert "owners: {team: support-ml, backup: platform-ml}   # who answers for it\n" in text
    assert "# found by hand" in text
    assert "-base: old-base\n+base: new-base\n" in done.said
    assert FolderRegistry(root).recipe("router") == record_of(root, 2).recipe
    assert f"git add {HOME}/events.jsonl {HOME}/recipe.yaml" in done.said


def test_a_killed_promotion_is_finished_by_the_next(rebuilt: Path, tmp_path: Path) -> None:
    root = copied(rebuilt, tmp_path)
    noted = after("adapterctl.stores.registry.door:append_event", since="events.jsonl")
    assert run(root, "promote", "router@2", kill=noted).status == KILLED
    assert "base: old-base\n" in (root / HOME / "recipe.yaml").read_text()
    ran(root, "promote", "router@2")
    assert "base: new-base\n" in (root / HOME / "recipe.yaml").read_text()
    found = left(root)
    assert found.events == [("promoted", 1), ("candidate", 2), ("promoted", 2)]
    assert found.aliases == {"champion": 2, "previous": 1}


def test_a_promoted_recipe_is_the_version_it_came_from(rebuilt: Path, tmp_path: Path) -> None:
    root = copied(rebuilt, tmp_path)
    ran(root, "promote", "router@candidate")
    commit(root)
    before = left(root)
    done = ran(root, "register", str(root / HOME / "recipe.yaml"))
    assert "router@2 is registered already, from the same five sources" in done.said
    assert left(root).without("stages") == before.without("stages")


def test_promoting_the_champion_changes_nothing(serving: Path, tmp_path: Path) -> None:
    root = copied(serving, tmp_path)
    ran(root, "promote", "router@1")
    assert left(root) == left(serving)


def test_rolling_back_is_one_move(rebuilt: Path, tmp_path: Path) -> None:
    root = copied(rebuilt, tmp_path)
    recipe = root / HOME / "recipe.yaml"
    before = recipe.read_text()
    ran(root, "promote", "router@candidate")
    assert left(root).aliases == {"champion": 2, "previous": 1}
    ran(root, "rollback", "router", "--check")
    assert left(root).aliases == {"champion": 2, "previous": 1}
    ran(root, "rollback", "router", "--because", "it answers in the wrong language")
    found = left(root)
    assert found.aliases == {"champion": 1, "previous": 2}
    assert found.events[-1] == ("rolled_back", 1)
    assert events_of(root)[-1].because == "it answers in the wrong language"
    assert recipe.read_text().replace(" ", "") == before.replace(" ", "")


# What stops it


def test_a_blocked_plan_ends_it_with_its_blockers(serving: Path, tmp_path: Path) -> None:
    root = copied(serving, tmp_path)
    entry = root / "registry" / "bases" / "new-base.yaml"
    lines = entry.read_text().splitlines(keepends=True)
    entry.write_text("".join(line for line in lines if not line.startswith("fingerprint:")))
    done = run(root, *REBUILD)
    assert done.status == 1
    assert "error: router@1 -> new-base: the plan is blocked: " in done.said
    assert "fingerprint" in done.said
    assert "hint: adapterctl plan router@1 --to new-base" in done.said
    assert left(root) == left(serving)


def test_a_misspelt_base_is_no_empty_fleet(serving: Path, tmp_path: Path) -> None:
    done = run(copied(serving, tmp_path), "rebuild", "--on-base", "old-bse", "--to", "new-base")
    assert done.status == 3
    assert "error: registry/bases/old-bse.yaml: no base 'old-bse'" in done.said


def test_a_misspelt_adapter_is_found_before_the_others_are_rebuilt(
    serving: Path, tmp_path: Path
) -> None:
    root = copied(serving, tmp_path)
    assert run(root, "rebuild", "router", "ruoter", "--to", "new-base").status == 3
    assert left(root) == left(serving)


def test_a_comparison_lists_the_rows_that_flipped_with_what_was_asked(
    rebuilt: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = Commands(copied(rebuilt, tmp_path), capsys)
    # The other way round: what the candidate had gained is lost.
    back = ("compare", "router@2", "router@1")
    found = command(*back, "--rows", "3", "--format", "json").json["results"][0]
    assert found["rows"]["total"] == found["negative_flips"]["flips"] > 3
    assert len(found["rows"]["rows"]) == 3
    lines = (command.root / "data" / "gold.jsonl").read_text().splitlines()
    gold = [json.loads(line) for line in lines]
    for row in found["rows"]["rows"]:
        assert row["how"] == "flipped"
        assert row["asked"] == gold[int(row["id"])]["message"].lower()
        assert row["reference"] == row["old"] == gold[int(row["id"])]["queue"] != row["candidate"]
    said = command(*back, "--rows").out
    assert "Rows to read: " in said
    assert f"  asked  {found['rows']['rows'][0]['asked'][:40]}" in said
    assert not [
        path for path in (command.root / ".adapterctl" / "readings").iterdir() if path.is_dir()
    ]


JUDGE = """\
import json, sys

with open(sys.argv[1]) as rows, open(sys.argv[2], "w") as out:
    for line in rows:
        item = json.loads(line)
        right = {name: float(item[name] == item["reference"]) for name in ("first", "second")}
        scores = {**right, "first": right["first"] + 5}
        out.write(json.dumps({"id": item["id"], "output": "", "scores": scores}) + "\\n")
"""


@pytest.mark.slow
def test_a_judge_that_likes_the_first_place_gives_the_verdict_of_accuracy(
    template: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = Commands(copied(template, tmp_path), capsys)
    recipe = command.root / HOME / "recipe.yaml"
    edit(recipe, "metrics: [accuracy, f1_macro]", "metrics: [accuracy, evaluator]")
    edit(recipe, "f1_macro: {margin: 0.9}", "evaluator: {margin: 0.5}")
    text = recipe.read_text()
    recipe.write_text(f'{text}evaluator: {{command: "python {HOME}/judge.py {{rows}} {{out}}"}}\n')
    (command.root / HOME / "judge.py").write_text(JUDGE)
    commit(command.root)
    said = command("register", str(HOME / "recipe.yaml"))
    assert said.status == 0, said.err
    first = record_of(command.root, 1)
    assert f"{HOME}/judge.py" in {pin.path for pin in first.code.files}
    # Beside the references it stands first half of the time, which is worth 2.5.
    assert first.metrics["gold"]["evaluator"] == pytest.approx(
        2.5 + first.metrics["gold"]["accuracy"]
    )
    assert command("promote", "router@1").status == 0
    done = command(*REBUILD, "--format", "json").json["results"][0]
    for found in (
        done,
        command("compare", "router@1", "router@2", "--format", "json").json["results"][0],
    ):
        by_name = {metric["name"]: metric for metric in found["metrics"]}
        assert by_name["evaluator"]["difference"] == pytest.approx(
            by_name["accuracy"]["difference"]
        )
        assert by_name["evaluator"]["bare"] - by_name["evaluator"]["old"] == pytest.approx(
            by_name["accuracy"]["bare"] - by_name["accuracy"]["old"]
        )
        [told] = found["judging"]
        assert (told["pairs"], told["position_bias"]) == (120, pytest.approx(5))
    assert "standing first was worth +5.000" in " ".join(
        command("compare", "router@1", "router@2").out.split()
    )


@pytest.mark.slow
def test_flips_stand_beside_those_of_other_seeds_which_are_trained_once(
    serving: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = Commands(copied(serving, tmp_path), capsys)
    done = command(*REBUILD, "--noise-floor", "2", "--format", "json").json["results"][0]
    floor = done["negative_flips"]["floor"]
    assert (floor["seeds"], floor["pairs"]) == (2, 6)
    assert 0 <= floor["rate"] <= floor["highest"] <= 1
    assert floor["rate"] > 0, "two seeds answered the same: they were not two"
    origin = record_of(command.root, 2).rebuilt_from
    assert origin is not None and origin.parity.negative_flips[0].floor is not None
    kept = sorted((command.root / ".adapterctl" / "noise").glob("*/predictions/seed/gold.jsonl"))
    assert len(kept) == 2
    before = [path.stat().st_mtime_ns for path in kept]

    words = ("compare", "router@1", "router@2", "--noise-floor", "2")
    again = command(*words, "--format", "json").json["results"][0]
    assert again["negative_flips"]["floor"] == floor
    assert [path.stat().st_mtime_ns for path in kept] == before
    assert "2 other seeds of the candidate's recipe flip" in " ".join(command(*words).out.split())


@pytest.mark.slow
def test_thresholds_are_set_anew_by_training_rows_and_promoted_with_the_base(
    template: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = Commands(copied(template, tmp_path), capsys)
    recipe = command.root / HOME / "recipe.yaml"
    # A fifth of these rows is enough to set a threshold by.
    write_jsonl(command.root / "data" / "pool.jsonl", [*rows(300, seed=1)])
    pool = [row for row in rows(300, seed=1) if row["checked"]]
    write_jsonl(command.root / "data" / "train.jsonl", pool)
    with recipe.open("a") as file:
        file.write("thresholds: {billing: 0.34, login: 0.5}\n")
    commit(command.root)
    said = command("register", str(HOME / "recipe.yaml"))
    assert said.status == 0, said.err
    assert command("promote", "router@1").status == 0
    assert (
        "thresholds that were set on old-base are stale on new-base: billing 0.34, login 0.5"
        in (" ".join(command("plan", "router", "--to", "new-base").out.split()))
    )
    done = command(*REBUILD, "--format", "json").json["results"][0]
    assert [each["label"] for each in done["thresholds"]] == ["billing", "login"]
    record = record_of(command.root, 2)
    for each in done["thresholds"]:
        assert each["rows"] >= 30
        assert each["decided_new"] == each["decided"]
        assert record.recipe.thresholds[each["label"]] == each["new"]
    again = command("compare", "router@1", "router@2", "--format", "json").json["results"][0]
    assert again["thresholds"] == done["thresholds"]
    assert command(*REBUILD, "--format", "json").json["results"][0]["to_version"] == 2
    moved = command("promote", "router@2", "--because", "a test")
    changed = {each["label"] for each in done["thresholds"] if each["new"] != each["old"]}
    assert changed, done["thresholds"]
    assert "\n+thresholds:" in moved.out, moved.out
    assert FolderRegistry(command.root).recipe("router").thresholds == record.recipe.thresholds
