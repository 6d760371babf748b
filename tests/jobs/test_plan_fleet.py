"""Planning everything on a base, and the command with its exit statuses."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from adapterctl.errors import NotFound
from adapterctl.jobs.plan import plan_all
from adapterctl.records.recipe import LoraSettings, Recipe
from support.bench import Bench, make_bench, three_bases, tidied, written
from support.commands import Commands
from support.projects import rows
from support.registries import in_days


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return three_bases(tmp_path_factory.mktemp("bases"))


@pytest.fixture
def bench(bases: Path, tmp_path: Path) -> Bench:
    return make_bench(tmp_path / "project", bases)


@pytest.fixture
def fleet(bench: Bench) -> Bench:
    """Three adapters that live on old-base, one elsewhere, one retired."""
    prepared = tidied(rows(40, seed=1))
    bench.date("old-base", in_days(90), provider="acme", phase="serving")
    bench.date("old-base", in_days(200))
    urgent = bench.routed("urgent", serving=[{"provider": "acme"}])
    bench.registered(msgspec.convert(msgspec.to_builtins(urgent), Recipe), prepared=prepared)
    half = bench.routed("half", lora=LoraSettings(target_modules=["query", "value"]))
    bench.registered(half, prepared=prepared)
    bench.registered(bench.routed("elsewhere", base="new-base"), prepared=prepared)
    bench.registered(bench.routed("retired"), prepared=prepared)
    bench.event("retired", "retired", 1)
    return bench


def test_a_fleet_is_planned_most_urgent_first(fleet: Bench) -> None:
    found = plan_all(fleet.project(), on_base="old-base", to="gpt2")
    assert [one.adapter for one in found.plans] == ["urgent", "half", "router"]
    assert [one.slack_days for one in found.plans] == [30, 140, 140]
    assert [one.can_run for one in found.plans] == [True, False, True]
    assert not found.can_run
    assert plan_all(fleet.project(), on_base="old-base", to="new-base").can_run


def test_one_that_cannot_be_planned_does_not_stop_the_others(
    fleet: Bench, bases: Path, tmp_path: Path
) -> None:
    folder = written(tmp_path / "distil", "distilbert", bases / "old")
    fleet.fingerprinted("distil", folder)
    writer = fleet.routed("writer", task="CAUSAL_LM")
    fleet.registered(writer, prepared=tidied(rows(40, seed=1)))
    found = plan_all(fleet.project(), on_base="old-base", to="distil")
    assert sorted(one.adapter for one in found.plans) == ["half", "router", "urgent"]
    assert [(one.subject, one.reason) for one in found.skipped] == [
        ("adapter:writer@1", f"{folder}: distilbert cannot be built for CAUSAL_LM")
    ]
    assert not found.can_run


def test_a_base_that_nobody_stands_on_is_answered(bench: Bench) -> None:
    found = plan_all(bench.project(), on_base="gpt2", to="new-base")
    assert (found.plans, found.can_run) == ([], True)
    with pytest.raises(NotFound, match="no base 'gtp2'"):
        plan_all(bench.project(), on_base="gtp2", to="new-base")


# the command


def test_the_command_answers_zero_when_it_can_run(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    said = Commands(bench.root, capsys)("plan", "router", "--to", "new-base")
    assert said.status == 0
    assert said.out.splitlines()[0] == "router@1: old-base -> new-base"
    assert said.out.splitlines()[-1] == "Next: adapterctl rebuild router@1 --to new-base"


def test_the_command_answers_one_when_it_is_blocked(
    fleet: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    command = Commands(fleet.root, capsys)
    words = ("plan", "half@1", "--to", "gpt2", "--format", "json", "--as-of", "2026-11-23")
    said = command(*words)
    assert said.status == 1
    assert list(said.json) == ["schema_version", "command", "as_of", "results", "skipped"]
    assert said.json["as_of"] == "2026-11-23"
    [result] = said.json["results"]
    assert result["slack_days"] == 140
    assert "role_map" in result["blockers"][0]["mend"]
    assert command("plan", "--on-base", "old-base", "--to", "gpt2").status == 1
    assert command("plan", "--on-base", "old-base", "--to", "new-base").status == 0


def test_the_command_speaks_markdown_for_a_pull_request(
    fleet: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    command = Commands(fleet.root, capsys)
    said = command("plan", "router", "--to", "new-base", "--format", "markdown")
    assert said.status == 0
    assert said.out.startswith("### `router@1`: `old-base` → `new-base`\n")
    said = command("plan", "--on-base", "old-base", "--to", "gpt2", "--format", "markdown")
    assert said.status == 1
    assert said.out.startswith("### `old-base` → `gpt2`: 2 of 3 can run\n")
    lines = [line for line in said.out.splitlines() if line.startswith("|")]
    assert [line.split("|")[3].strip() for line in lines[2:]] == [
        "urgent@1",
        "half@1",
        "router@1",
        "in all",
    ]


def test_a_saved_fleet_runs_what_was_planned_and_names_what_was_blocked(
    fleet: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing can be trained here: each is stopped by its data, and one by its plan."""
    file = str(fleet.root / "fleet.json")
    command = Commands(fleet.root, capsys)
    words = ("plan", "--on-base", "old-base", "--to", "gpt2", "--save", file)
    assert command(*words).status == 1
    fleet.registered(fleet.routed("later"), prepared=tidied(rows(40, seed=1)))
    said = command("rebuild", "--plan", file, "--format", "json")
    assert said.status == 1
    assert "not in the plan, and left as they are: later@1" in said.err
    assert [one["adapter"] for one in said.json["results"]] == ["urgent", "half", "router"]
    errors = {one["adapter"]: one["error"] for one in said.json["results"]}
    assert "the plan is blocked: the successor fuses" in errors["half"]
    assert "does not hold any more" not in str(errors)
    fleet.routed("urgent", role_map={"attention.q": []}, serving=[])
    said = command("rebuild", "--plan", file, "--format", "json")
    errors = {one["adapter"]: one["error"] for one in said.json["results"]}
    assert "does not hold any more: role_map: {} -> {'attention.q': []}" in errors["urgent"]
    assert "adapterctl plan --on-base old-base --to gpt2 --save FILE" in errors["urgent"]


def test_the_command_wants_an_adapter_or_a_base(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    command = Commands(bench.root, capsys)
    assert command("plan", "--to", "gpt2").status == 2
    assert command("plan", "router", "--on-base", "old-base", "--to", "gpt2").status == 2
    assert command("plan", "router").status == 2
    said = command("plan", "router", "--to", "nowhere")
    assert said.status == 3
    assert said.err.startswith("error: registry/bases/nowhere.yaml: no base 'nowhere'")
    assert said.out == ""
