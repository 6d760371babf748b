"""The ladder of a rebuild: which rungs are tried, what each leaves, and where it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adapterctl.records.version import RebuiltFrom
from adapterctl.stores.registry import FolderRegistry
from adapterctl.stores.safetensors import weights_digest
from support.killing import KILLED, Place, after, before, run
from support.leftovers import left
from support.projects import command, commit, copied, edit
from support.tiny_bases import tiny_bert

HOME = Path("registry/adapters/router")
REBUILD = ("rebuild", "router", "--to", "new-base")
WEIGHTS = "adapter_model.safetensors"
RUNGS = ["carried recipe", "learning-rate sweep", "old adapter as teacher"]


@pytest.fixture(scope="module")
def strict(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose margins nothing meets, with router@1 registered."""
    folder = tmp_path_factory.mktemp("strict")
    root = copied(template, folder)
    edit(root / HOME / "recipe.yaml", "margin: 0.5", "margin: 0.001")
    edit(root / HOME / "recipe.yaml", "flips: 1.0", "flips: 0.001")
    twin = tiny_bert(folder / "twin", seed=1)
    assert command(root, "bases", "add", "twin-base", "--path", str(twin)) == 0
    commit(root)
    assert run(root, "register", str(HOME / "recipe.yaml")).status == 0
    return root


@pytest.fixture(scope="module")
def climbed(strict: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same after a rebuild that tried every rung."""
    root = copied(strict, tmp_path_factory.mktemp("climbed"))
    done = run(root, *REBUILD)
    assert done.status == 1 and (root / HOME / "2.json").is_file(), done.said
    return root


def origin_of(root: Path, version: int = 2) -> RebuiltFrom:
    found = FolderRegistry(root).record("router", version).rebuilt_from
    assert found is not None
    return found


def test_every_rung_is_tried_and_judged_at_its_share_of_the_level(climbed: Path) -> None:
    origin = origin_of(climbed)
    assert [one.rung for one in origin.ladder] == RUNGS
    reports = [one.parity or origin.parity for one in origin.ladder]
    assert [one.verdict for one in origin.ladder] == [report.verdict for report in reports]
    assert [report.level for report in reports] == [pytest.approx(0.05 / 3)] * 3


def test_one_candidate_is_filed_the_lowest_of_the_best(climbed: Path) -> None:
    found = left(climbed)
    assert list(found.versions) == [1, 2]
    assert found.aliases == {"candidate": 2}
    assert found.scratch == []
    verdicts = [one.verdict for one in origin_of(climbed).ladder]
    best = min(verdicts, key=["PASS", "INCONCLUSIVE", "FAIL", None].index)
    assert origin_of(climbed).rung == RUNGS[verdicts.index(best)]


def test_the_sweep_is_judged_on_rows_held_out_from_the_training_data(climbed: Path) -> None:
    details = origin_of(climbed).ladder[1].details
    losses = details["held_out_loss"]
    assert list(losses) == ["0.00125", "0.0025", "0.005", "0.01", "0.02"]
    assert details["held_out_rows"] == 16
    assert losses[f"{details['learning_rate']:g}"] == min(losses.values())


def test_the_journal_names_every_step_of_every_rung(climbed: Path) -> None:
    [journal] = left(climbed).journals.values()
    assert journal == [
        "planned",
        "old side run",
        "trained",
        "judged",
        "learning-rate sweep: swept",
        "learning-rate sweep: trained",
        "learning-rate sweep: judged",
        "old adapter as teacher: answered",
        "old adapter as teacher: trained",
        "old adapter as teacher: judged",
        "filed",
        "candidate",
        "mirrored",
    ]


TRIALS = "rungs/sweep/trials"
PLACES = {
    "within the trials": after("adapterctl.training.learning.checkpoints:save", since=TRIALS),
    "before the sweep's build": before("adapterctl.jobs.ladder.gate:pass_gate", since="swept.json"),
    "while the teacher answers": before("adapterctl.jobs.inputs.starting:learn_from"),
}


@pytest.mark.parametrize(
    "place",
    [
        pytest.param(place, id=name, marks=[] if "teacher" in name else [pytest.mark.slow])
        for name, place in PLACES.items()
    ],
)
def test_a_killed_climb_goes_on_at_its_rung(
    strict: Path, climbed: Path, tmp_path: Path, place: Place
) -> None:
    root = copied(strict, tmp_path)
    assert run(root, *REBUILD, kill=place).status == KILLED
    [before_it] = left(root).journals.values()
    assert before_it[:4] == ["planned", "old side run", "trained", "judged"]
    done = run(root, *REBUILD, "--resume")
    assert done.status == 1
    assert "old router@1 on gold" not in done.said
    assert done.said.count("bare successor on gold: 60 of 60") == 3 - sum(
        step.endswith("judged") for step in before_it
    )
    assert left(root) == left(climbed)


def test_the_same_rebuild_again_is_the_candidate_that_is_there(
    climbed: Path, tmp_path: Path
) -> None:
    root = copied(climbed, tmp_path)
    done = run(root, "rebuild", "router@1", "--to", "new-base", "--format", "json")
    assert '"schema_version"' in done.said, done.said
    start, stop = done.said.index('{\n  "schema_version"'), done.said.rindex("}")
    [result] = json.loads(done.said[start : stop + 1])["results"]
    assert (result["to_version"], result["derived"]) == (2, False)
    assert [one["rung"] for one in result["ladder"]] == RUNGS
    assert left(root).without("journals") == left(climbed).without("journals")


def test_a_warm_start_is_tried_where_all_shapes_agree_and_no_higher_than_allowed(
    strict: Path, tmp_path: Path
) -> None:
    root = copied(strict, tmp_path)
    done = run(root, "rebuild", "router", "--to", "twin-base", "--max-rung", "warm-start")
    assert done.status in {0, 1}, done.said
    origin = origin_of(root)
    assert [one.rung for one in origin.ladder] == ["carried recipe", "warm start"]
    assert all(one.verdict is not None for one in origin.ladder)
    assert origin.parity.level == pytest.approx(0.05 / 2)


def test_a_warm_start_begins_with_the_old_weights(strict: Path, tmp_path: Path) -> None:
    root = copied(strict, tmp_path)
    words = ("rebuild", "router", "--to", "twin-base", "--max-rung", "warm-start")
    assert run(root, *words, kill=before("adapterctl.jobs.rebuild:_file")).status == KILLED
    [rungs] = (root / ".adapterctl" / "rebuilds").glob("*/rungs")
    old = FolderRegistry(root).record("router", 1).weights_sha256
    assert weights_digest(rungs / "warm-start" / "start" / WEIGHTS) == old
    built = {
        weights_digest(rungs / rung / "adapter" / WEIGHTS) for rung in ("carried", "warm-start")
    }
    assert len(built | {old}) == 3


def test_a_plan_above_the_budget_does_not_start(
    strict: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = copied(strict, tmp_path)
    before_it = left(root)
    done = run(root, *REBUILD, "--budget", "0.001s")
    assert done.status == 1
    assert "error: router@1 -> new-base: training on 3 rungs takes about" in done.said
    assert "hint: raise --budget, or climb less: --max-rung carried" in done.said
    done = run(root, *REBUILD, "--budget", "20EUR")
    assert done.status == 3
    assert "error: --budget: no price in EUR (known: none)" in done.said
    with (root / "params.yaml").open("a") as policy:
        policy.write("prices: {device_hour: 3600000, currency: EUR}\n")
    assert command(root, *REBUILD, "--budget", "2EUR") == 1
    assert "rungs takes about" in (said := capsys.readouterr().err) and "than 2EUR (" in said
    assert left(root) == before_it
