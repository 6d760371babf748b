"""The code of a recipe: what its preprocessing imports, and what its own commands run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from adapterctl.errors import InvalidInput, Problem
from adapterctl.records.config_text import leaves
from adapterctl.records.reading import merge
from adapterctl.records.recipe import Command, Recipe
from adapterctl.records.version import FilePin
from adapterctl.rules.evaluator_commands import KEY, evaluator_of
from adapterctl.rules.gates import Gate, gate
from adapterctl.rules.trainer_commands import (
    command_of,
    config_mistakes,
    is_outside,
    named_files,
)
from adapterctl.stores.code import closure, scripts
from adapterctl.stores.imports import unresolved

_SCRIPTS = (".py", ".sh")


def code_of(root: Path, recipe: Recipe) -> list[FilePin]:
    """Returns the files of the repository that a recipe needs, by content, sorted by path.

    That is the import closure of the preprocessing, `scorer_files` and `command_files`.

    Raises:
        InvalidInput: a file is missing or cannot be read.
    """
    found = {pin.path: pin for pin in closure(root, recipe.preprocessing)}
    found |= {pin.path: pin for pin in scorer_files(root, recipe)}
    found |= {pin.path: pin for pin in command_files(root, recipe)}
    return [found[path] for path in sorted(found)]


def scorer_files(root: Path, recipe: Recipe) -> list[FilePin]:
    """Returns what the scorers of the evaluation sets import, themselves included.

    Raises:
        InvalidInput: a file is missing or cannot be read.
    """
    entries = {each.scorer for each in recipe.data.evaluation.values() if each.scorer}
    found = {pin.path: pin for entry in sorted(entries) for pin in closure(root, entry)}
    return [found[path] for path in sorted(found)]


def commands_of(recipe: Recipe) -> dict[str, Command]:
    """Returns the recipe's own commands by their keys: ``trainer``, ``evaluator``."""
    found = {"trainer": command_of(recipe), KEY: evaluator_of(recipe)}
    return {key: command for key, command in found.items() if command is not None}


def command_files(root: Path, recipe: Recipe) -> list[FilePin]:
    """Returns what the recipe's own commands need of the repository.

    Raises:
        InvalidInput: a config or a script is missing or cannot be read, or a config lacks a key
            that is set.
    """
    found = {pin.path: pin for key in commands_of(recipe) for pin in files_of(root, recipe, key)}
    return [found[path] for path in sorted(found)]


def files_of(root: Path, recipe: Recipe, key: str) -> list[FilePin]:
    """Returns what one command needs of the repository; nothing where it is builtin.

    The files that the command names, with what its Python scripts import; its config, and the
    files that the config names, data left out.

    Raises:
        InvalidInput: see `command_files`.
    """
    command = commands_of(recipe).get(key)
    if command is None:
        return []
    merge(_mistakes(root, command, key=key))
    named = [path for path in named_files(command) if _is_own(root, path)]
    if command.config is not None:
        beside = _named_in_config(root, command, command.config)
        data = _data_of(recipe)
        named += [command.config, *(p for p in beside if p not in data and not _is_kept(root, p))]
    return scripts(root, named)


def _data_of(recipe: Recipe) -> set[str]:
    train = recipe.data.train
    paths = {train.path, *(each.path for each in recipe.data.evaluation.values())}
    return paths | ({train.selection.pool} if train.selection else set())


def _mistakes(root: Path, command: Command, *, key: str) -> Iterator[Problem]:
    if command.config is not None:
        file = root / command.config
        text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else None
        for each in config_mistakes(command, text, key=key):
            place = ".".join(map(str, each.path))
            yield Problem(place=place, what=each.what, hint=each.hint)
    for path in named_files(command):
        is_script = path.endswith(_SCRIPTS) and not is_outside(path)
        if is_script and "-m" not in command.command.split() and not (root / path).is_file():
            yield Problem(
                place=f"{key}.command: {path}",
                what="no such file",
                hint="paths are relative to the root of the repository",
            )


def _is_own(root: Path, path: str) -> bool:
    """Whether a word names a file of the repository, and not by a link that leads out of it."""
    if is_outside(path) or not (root / path).is_file():
        return False
    return (root / path).resolve().is_relative_to(root.resolve())


def _named_in_config(root: Path, command: Command, config: str) -> list[str]:
    """Returns the files of the repository that the config's own values name."""
    try:
        found = leaves((root / config).read_text(encoding="utf-8"), file=config)
    except (InvalidInput, UnicodeDecodeError):
        # What cannot be read here is handed over as it is, and names nothing that could be seen.
        found = {}
    values = {value for path, value in found.items() if ".".join(map(str, path)) not in command.set}
    texts = (value for value in values if isinstance(value, str) and 0 < len(value) < 256)
    return sorted(value for value in texts if "\n" not in value and _is_own(root, value))


def _is_kept(root: Path, path: str) -> bool:
    """Whether DVC keeps a file, or a folder that it lies in: data are pinned as data."""
    places = [root / path, *(root / path).parents]
    inside = [place for place in places if place != root and place.is_relative_to(root)]
    return any(place.with_name(f"{place.name}.dvc").is_file() for place in inside)


def strays(root: Path, command: Command) -> list[str]:
    """Returns the words of a command that name files outside the repository."""
    paths = named_files(command)
    if command.config is not None:
        paths.append(command.config)
    return [path for path in paths if is_outside(path) or _leads_out(root, path)]


def _leads_out(root: Path, path: str) -> bool:
    return (root / path).is_file() and not _is_own(root, path)


def command_gates(root: Path, recipe: Recipe) -> Iterator[Gate]:
    """Yields CODE001: a command needs what neither repository nor environment holds.

    Raises:
        InvalidInput: a config or a script is missing, or cannot be read.
    """
    for key, command in commands_of(recipe).items():
        for path in strays(root, command):
            yield gate(
                recipe,
                "CODE001",
                "high",
                message=f"{key}.command names {path}, which is outside the repository",
                mend="copy it into the repository, or name a program as PATH finds it",
            )
        python = [pin.path for pin in files_of(root, recipe, key) if pin.path.endswith(".py")]
        for each in unresolved(root, python):
            if not any(_is_beside(root / path, each.module) for path in python):
                yield gate(
                    recipe,
                    "CODE001",
                    "high",
                    message=f"{key}.command needs {each.module}, {each.why}: {each.file}",
                    mend="copy it into the repository, or install it as a distribution",
                )


def _is_beside(script: Path, module: str) -> bool:
    return (script.parent / module).is_dir() or (script.parent / f"{module}.py").is_file()
