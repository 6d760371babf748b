"""A team's own trainer: its command line, its placeholders, and what they may name.

The command is split into words as a shell would, and no shell runs it: placeholders are filled in
afterwards, word by word, so that no value can end a word or begin another command.
"""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import msgspec

from adapterctl.errors import InvalidInput
from adapterctl.records.config_text import form_of, unknown_keys
from adapterctl.records.recipe import Command, LoraSettings, Recipe, TrainingSettings
from adapterctl.records.yaml_text import plain
from adapterctl.rules.contradiction import Contradiction
from adapterctl.rules.redaction import reveals_a_secret

FIXED = ("base", "data", "out", "seed", "learning_rate", "config", "recipe")
"""The placeholders that DESIGN.md, section 4, names."""

FIELDS = (
    *(f"lora.{name}" for name in LoraSettings.__struct_fields__),
    *(f"training.{name}" for name in TrainingSettings.__struct_fields__),
)
"""Fields of the recipe, which are placeholders too: ``{lora.r}``."""

SAME_AS = {"seed": "training.seed", "learning_rate": "training.learning_rate"}
"""Placeholders that are short for a field."""

NEEDED = {
    "base": "where the base lies",
    "data": "where the training rows lie",
    "out": "where to leave the adapter",
}
"""What a trainer must be told: else the record would name a base or rows that it did not use."""

_PLACEHOLDER = re.compile(r"\{\{([A-Za-z_][\w.]*)\}\}|\{([A-Za-z_][\w.]*)\}")

_SHELL = frozenset({"|", "||", "&", "&&", ";", ">", ">>", "<", "<<", "2>", "2>&1"})

_OUTSIDE = re.compile(r"^(/|~|\\|[A-Za-z]:[\\/])|(^|[\\/])\.\.([\\/]|$)")

Path = tuple[str | int, ...]


def command_of(recipe: Recipe) -> Command | None:
    """Returns the recipe's own trainer, ``None`` for the builtin one."""
    return recipe.trainer if isinstance(recipe.trainer, Command) else None


def names_in(template: str) -> list[str]:
    """Returns the placeholders of a template, in their order; ``{{name}}`` is none."""
    return [name for _, name in _PLACEHOLDER.findall(template) if name]


def filled(template: str, values: Mapping[str, Any]) -> Any:
    """Returns a template with its placeholders filled in.

    A template that is one placeholder gives the value itself: a number stays a number.
    """
    if names_in(template) == [template[1:-1]]:
        return values[template[1:-1]]
    return _PLACEHOLDER.sub(lambda found: _text(_value(found, values)), template)


def as_set(template: str, values: Mapping[str, Any]) -> Any:
    """Returns a value of ``set`` for the config file; without a placeholder as YAML reads it."""
    return filled(template, values) if names_in(template) else plain(filled(template, values))


def words(command: str) -> list[str]:
    """Returns the words of a command line, still with placeholders.

    Raises:
        ValueError: a quote is not closed.
    """
    return shlex.split(command)


def command_line(command: Command, values: Mapping[str, Any]) -> list[str]:
    """Returns the words to run."""
    return [_text(filled(word, values)) for word in words(command.command)]


def _value(found: re.Match[str], values: Mapping[str, Any]) -> Any:
    doubled, name = found.groups()
    return f"{{{doubled}}}" if doubled else values[name]


def _text(value: Any) -> str:
    match value:
        case str():
            return value
        case bool():
            return str(value).lower()
        case None:
            return ""
        case [*items]:
            return ",".join(map(str, items))
        case dict():
            return msgspec.json.encode(value, order="sorted").decode()
    return str(value)


def handed(command: Command) -> set[str]:
    """Returns the placeholders that reach the trainer, fields under their full names."""
    found = set(names_in(command.command))
    if "config" in found:
        found.update(name for value in command.set.values() for name in names_in(value))
    return {SAME_AS.get(name, name) for name in found}


def is_handed(command: Command, name: str) -> bool:
    """Whether a value reaches the trainer by its own placeholder, or inside ``{recipe}``."""
    return bool({SAME_AS.get(name, name), "recipe"} & handed(command))


def mistakes(recipe: Recipe) -> Iterator[Contradiction]:
    """Yields what is wrong with a trainer command, as far as the recipe alone can tell."""
    command = command_of(recipe)
    if command is None:
        return
    yield from _in_templates(command)
    yield from in_command(command)
    yield from in_config(command)


def _in_templates(command: Command) -> Iterator[Contradiction]:
    templates: dict[Path, str] = {("trainer", "command"): command.command}
    templates |= {("trainer", "set", key): value for key, value in command.set.items()}
    known = (*FIXED, *FIELDS)
    for path, template in templates.items():
        for name in names_in(template):
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {{{near[0]}}}?" if near else f"known: {_braced(FIXED)}"
                yield Contradiction(path, f"unknown placeholder {{{name}}}", hint)
            elif name == "config" and command.config is None:
                yield Contradiction(path, "{config} without trainer.config", "name the config file")
    for name, what in NEEDED.items():
        if not is_handed(command, name):
            mend = (
                f"write {{{name}}} or {{recipe}} in trainer.command, or {{{name}}} in trainer.set"
            )
            yield Contradiction(("trainer",), f"the trainer is not told {what}", mend)


def in_command(command: Command, *, key: str = "trainer") -> Iterator[Contradiction]:
    """Yields what is wrong with a command line, whatever it is for; ``key`` is the recipe's."""
    path = (key, "command")
    try:
        found = words(command.command)
    except ValueError as error:
        yield Contradiction(path, f"cannot be split into words: {error}", "close the quote")
        return
    if not found:
        yield Contradiction(path, "names no program", "write the command line")
    for word in found:
        if word in _SHELL:
            yield Contradiction(
                path, f"{word!r} means nothing here: no shell runs it", "put that into a script"
            )
    if reveals_a_secret(found):
        mend = f"take it out: a recipe is no place for it, and the {key} is handed files"
        yield Contradiction(path, "holds a credential", mend)


def in_config(command: Command, *, key: str = "trainer") -> Iterator[Contradiction]:
    """Yields what is wrong with the config of a command; ``key`` is the recipe's."""
    path = (key, "config")
    if command.config is None:
        if command.set:
            yield Contradiction((key, "set"), f"there is no {key}.config to set", "name it")
        return
    if "config" not in names_in(command.command):
        yield Contradiction(
            path, f"the {key} is not told of it", f"write {{config}} in {key}.command"
        )
    if is_outside(command.config):
        yield Contradiction(
            path, f"not inside the project: {command.config}", "copy it into the project"
        )
    elif command.set and form_of(command.config) is None:
        mend = "only .yaml, .json and .toml files can be set"
        yield Contradiction(path, f"{command.config} is neither YAML, JSON nor TOML", mend)


def config_mistakes(
    command: Command, text: str | None, *, key: str = "trainer"
) -> Iterator[Contradiction]:
    """Yields what is wrong between ``trainer.set`` and the config file.

    Args:
        command: whose config lies inside the project.
        text: of the config; ``None`` without such a file.
        key: the recipe's key of the command.
    """
    config = str(command.config)
    if text is None:
        mend = "correct the path, or write it"
        yield Contradiction((key, "config"), f"no such file: {config}", mend)
        return
    if command.set and form_of(config) is not None:
        try:
            problems = tuple(unknown_keys(text, command.set, file=config))
        except InvalidInput as error:
            problems = error.problems
        for each in problems:
            name = each.what.removeprefix("has no ")
            path = (key, "set", name) if name in command.set else (key, "config")
            yield Contradiction(path, f"{each.place}: {each.what}", each.hint)


def is_outside(path: str) -> bool:
    """Whether a path is absolute or climbs out of the folder that it is relative to."""
    return _OUTSIDE.search(path) is not None


def named_files(command: Command) -> list[str]:
    """Returns the words of the command that may name files of the repository, without ``./``.

    Options are looked into (``--config=x.yml``); what a placeholder fills in is no such word.
    """
    found: list[str] = []
    before = ""
    for word in words(command.command):
        value = word.partition("=")[2] if word.startswith("-") else word
        if value and not names_in(word):
            found += _modules(value) if before == "-m" else [_relative(value)]
        before = word
    return found


def _modules(name: str) -> Sequence[str]:
    """Returns the files that ``python -m name`` may mean."""
    place = name.replace(".", "/")
    return f"{place}.py", f"{place}/__main__.py"


def _relative(path: str) -> str:
    return path if is_outside(path) else PurePosixPath(path).as_posix()


def _braced(names: Sequence[str]) -> str:
    return " ".join(f"{{{name}}}" for name in names)
