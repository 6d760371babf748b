"""The code of a recipe: its preprocessing, and all that its own trainer needs of the repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapterctl.errors import InvalidInput
from adapterctl.jobs.inputs.recipe_code import code_of, command_gates, commands_of, strays
from adapterctl.records.recipe import Command, Recipe
from support.recipes import classifier

PREPARE = "registry/adapters/support-router/prepare.py"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with a script that has parts of its own, and a config that names files."""
    place = tmp_path / "repository"
    write(place, PREPARE, "def prepare(rows): return rows\n")
    write(place, "scripts/train.py", "import beside\nfrom pack import part\nimport json\n")
    write(place, "scripts/beside.py", "")
    write(place, "pack/__init__.py", "")
    write(place, "pack/part.py", "")
    write(place, "pack/__main__.py", "from pack import part\n")
    write(place, "unused.py", "")
    write(place, "ds.json", "{}")
    write(place, "data/train.jsonl", "{}")
    write(place, "data/kept.jsonl", "{}")
    write(place, "data/kept.jsonl.dvc", "")
    write(
        place,
        "a.yml",
        "deepspeed: ds.json\ndata: data/train.jsonl\nkept: data/kept.jsonl\n"
        "out: unused.py\nname: train\n",
    )
    return place


def write(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def by(command: str, **fields) -> Recipe:
    return classifier(trainer=Command(command=command, **fields))


def files(root: Path, recipe: Recipe) -> list[str]:
    return [pin.path for pin in code_of(root, recipe)]


def test_the_builtin_trainer_needs_only_the_preprocessing(root: Path) -> None:
    assert files(root, classifier()) == [PREPARE]


def test_a_script_brings_what_it_imports_from_its_folder_and_from_the_root(root: Path) -> None:
    assert files(root, by("python ./scripts/train.py {recipe}")) == [
        "pack/__init__.py",
        "pack/part.py",
        PREPARE,
        "scripts/beside.py",
        "scripts/train.py",
    ]


def test_a_module_is_found_by_its_name(root: Path) -> None:
    found = files(root, by("accelerate launch -m pack {recipe}"))
    assert found == ["pack/__init__.py", "pack/__main__.py", "pack/part.py", PREPARE]


def test_a_config_brings_the_files_that_it_names_and_no_data(root: Path) -> None:
    recipe = by("x {config} {recipe}", config="a.yml", set={"out": "{out}"})
    assert files(root, recipe) == ["a.yml", "ds.json", PREPARE]


@pytest.mark.parametrize("path", ["scripts/beside.py", "a.yml", "ds.json", "scripts/train.py"])
def test_a_change_of_any_of_them_is_seen(root: Path, path: str) -> None:
    recipe = by("python scripts/train.py {recipe} {config}", config="a.yml")
    before = code_of(root, recipe)
    write(root, path, (root / path).read_text() + "\n")
    assert [a.path for a, b in zip(before, code_of(root, recipe), strict=True) if a != b] == [path]


def test_what_is_missing_is_named_at_once(root: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        code_of(root, by("python tran.py {recipe} {config}", config="b.yml"))
    assert str(caught.value) == (
        "trainer.config: no such file: b.yml\n  hint: correct the path, or write it\n"
        "trainer.command: tran.py: no such file\n"
        "  hint: paths are relative to the root of the repository"
    )


def test_a_key_that_the_config_does_not_have_is_named(root: Path) -> None:
    with pytest.raises(InvalidInput, match=r"trainer\.set\.rate: a\.yml: has no rate"):
        code_of(root, by("x {config} {recipe}", config="a.yml", set={"rate": "1"}))


def test_files_outside_are_strays_by_path_and_by_link(root: Path) -> None:
    (root.parent / "ana.py").write_text("")
    (root / "link.py").symlink_to(root.parent / "ana.py")
    recipe = by("python link.py ../ana.py ~/x.sh /opt/y.py {recipe} {out}/../z")
    assert strays(root, commands_of(recipe)["trainer"]) == [
        "link.py",
        "../ana.py",
        "~/x.sh",
        "/opt/y.py",
    ]
    assert files(root, recipe) == [PREPARE]
    assert [each.finding.code for each in command_gates(root, recipe)] == ["CODE001"] * 4


def test_an_import_from_nowhere_is_a_stray_and_one_from_beside_is_not(root: Path) -> None:
    write(root, "scripts/beside.py", "import anas_tools\n")
    [found] = command_gates(root, by("python scripts/train.py {recipe}"))
    assert found.finding.message == (
        "trainer.command needs anas_tools, not to be found here: scripts/beside.py:1"
    )
