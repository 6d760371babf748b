"""A plan on file: run as it is, or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from adapterctl.jobs.plan import plan
from adapterctl.jobs.saved_plan import keep, read
from adapterctl.stores.registry import FolderRegistry
from support.bench import Bench, make_bench, three_bases
from support.commands import Commands
from support.killing import KILLED, Change, run
from support.leftovers import left
from support.projects import copied


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return three_bases(tmp_path_factory.mktemp("bases"))


@pytest.fixture
def bench(bases: Path, tmp_path: Path) -> Bench:
    return make_bench(tmp_path / "project", bases)


@pytest.fixture
def file(bench: Bench) -> Path:
    """A plan of router@1 for new-base."""
    path = bench.root / "plan.json"
    keep(bench.project(), plan(bench.project(), "router", to="new-base"), path)
    return path


def refused(bench: Bench, file: Path, capsys: pytest.CaptureFixture[str]) -> str:
    said = Commands(bench.root, capsys)("rebuild", "--plan", str(file))
    assert said.status == 1
    return said.err


# what is on file


def test_a_saved_plan_holds_what_decides_the_build(bench: Bench, file: Path) -> None:
    found = read(file)
    now = plan(bench.project(), "router", to="new-base")
    [decided] = found.decides
    assert decided.recipe == now.proposed_recipe
    assert decided.rungs == [one.rung for one in now.ladder.rungs]
    assert decided.basis == now.basis
    assert decided.basis.fingerprint == bench.door.base("new-base").fingerprint
    assert (found.names, found.to, found.on_base) == (["router@1"], "new-base", None)


def test_the_same_plan_gives_the_same_bytes(bench: Bench, file: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.json"
    keep(bench.project(), plan(bench.project(), "router", to="new-base"), again)
    assert again.read_bytes() == file.read_bytes()


def test_the_command_keeps_the_plan_and_says_how_to_run_it(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    path = bench.root / "plan.json"
    said = Commands(bench.root, capsys)("plan", "router", "--to", "new-base", "--save", str(path))
    assert said.status == 0
    assert f"saved: adapterctl rebuild --plan {path}" in said.err
    assert read(path).names == ["router@1"]


# what has changed since


def test_another_role_map_refuses(
    bench: Bench, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.routed(role_map={"attention.q": []})
    assert refused(bench, file, capsys) == (
        "error: router@1 -> new-base: the plan saved at 2026-11-23T12:00:00Z does not hold any "
        "more: role_map: {} -> {'attention.q': []}\n"
        "  hint: put it back, or read and save a new plan: adapterctl plan router@1 --to new-base "
        "--save FILE\n"
    )


def test_another_base_refuses(
    bench: Bench, file: Path, bases: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    was = bench.door.base("new-base").fingerprint
    bench.fingerprinted("new-base", bases / "gpt2")
    now = bench.door.base("new-base").fingerprint
    assert f"fingerprint of new-base: {was} -> {now}" in refused(bench, file, capsys)


def test_another_environment_refuses(
    bench: Bench,
    file: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from adapterctl.training.determinism import cores

    count = cores()
    monkeypatch.setattr("adapterctl.training.determinism.cores", lambda: count + 1)
    assert f"threads: {count} -> {count + 1}" in refused(bench, file, capsys)


def test_another_record_refuses(
    bench: Bench, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = bench.door.record_path("router", 1)
    record = msgspec.json.decode(path.read_bytes())
    record["recipe"]["training"]["seed"] = 8
    path.write_bytes(msgspec.json.encode(record))
    assert "does not hold any more: record: " in refused(bench, file, capsys)


def test_a_plan_that_was_blocked_stays_so(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.routed(role_map={"attention.q": []})
    path = bench.root / "plan.json"
    keep(bench.project(), plan(bench.project(), "router", to="gpt2"), path)
    assert "the plan is blocked: the successor fuses" in refused(bench, path, capsys)


# what is no plan


def test_a_plan_that_was_edited_is_no_plan(
    bench: Bench, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = json.loads(file.read_text())
    plain["decides"][0]["recipe"]["training"]["learning_rate"] = 0.1
    file.write_text(json.dumps(plain))
    said = Commands(bench.root, capsys)("rebuild", "--plan", str(file))
    assert said.status == 3
    assert f"error: {file}: the plan was changed after it was saved: " in said.err
    assert "  hint: change the recipe or its role_map instead" in said.err


def test_what_is_no_plan_is_told(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    command = Commands(bench.root, capsys)
    other = bench.root / "other.json"
    other.write_text('{"schema_version": 1}')
    said = command("rebuild", "--plan", str(other))
    assert said.status == 3
    assert said.err == (
        f"error: {other}: not a saved plan: Object missing required field `digest`\n"
        "  hint: adapterctl plan NAME --to BASE --save FILE writes one\n"
    )
    assert command("rebuild", "--plan", str(bench.root / "none.json")).status == 3


def test_a_plan_says_by_itself_what_is_rebuilt_on_what(
    bench: Bench, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = Commands(bench.root, capsys)
    assert command("rebuild", "router", "--plan", str(file)).status == 2
    assert command("rebuild", "--to", "gpt2", "--plan", str(file)).status == 2
    assert command("rebuild", "--on-base", "old-base", "--plan", str(file)).status == 2
    assert command("rebuild", "router").status == 2
    assert command("rebuild").status == 2


# run


def test_a_planned_rebuild_that_was_killed_goes_on_to_the_same_candidate(
    serving: Path, rebuilt: Path, tmp_path: Path
) -> None:
    root, file = copied(serving, tmp_path), str(tmp_path / "plan.json")
    assert run(root, "plan", "router", "--to", "new-base", "--save", file).status == 0
    kill = Change(pattern="/journal.jsonl$", nth=3)
    assert run(root, "rebuild", "--plan", file, kill=kill).status == KILLED
    done = run(root, "rebuild", "--plan", file, "--resume")
    assert done.status == 0, done.said
    assert left(root) == left(rebuilt)


def test_the_old_base_in_a_new_environment_is_a_rebuild_of_its_own(
    serving: Path, tmp_path: Path
) -> None:
    """Its verdict is about the environment alone; the next rebuild's is about the base."""
    root = copied(serving, tmp_path)
    path = FolderRegistry(root).record_path("router", 1)
    record = msgspec.json.decode(path.read_bytes())
    record["environment"]["distributions"]["peft"] = "0.1.0"
    path.write_bytes(msgspec.json.encode(record))
    told = run(root, "plan", "router", "--to", "new-base").said
    first, then = "rebuild router@1 --to old-base", "rebuild router@candidate --to new-base"
    assert f"first    adapterctl {first}" in told
    assert f"then     adapterctl {then}" in told
    assert run(root, *first.split()).status == 0
    found = FolderRegistry(root).record("router", 2)
    assert found.base.base == "old-base"
    assert found.rebuilt_from is not None
    assert [one.rung for one in found.rebuilt_from.ladder] == ["carried recipe"]
    assert found.rebuilt_from.parity.verdict == "PASS"
    assert found.weights_sha256 == FolderRegistry(root).record("router", 1).weights_sha256
    planned = run(root, "plan", *then.split()[1:])
    assert "router@2: old-base -> new-base" in planned.said
    assert "Environment" not in planned.said
