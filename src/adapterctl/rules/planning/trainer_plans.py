"""A rebuild whose trainer is a command of the team's own: what reaches it, and what cannot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from adapterctl.errors import InvalidInput
from adapterctl.records.base import LinearShape
from adapterctl.records.config_text import leaves, unknown_keys
from adapterctl.records.noun import Noun
from adapterctl.records.recipe import Command, Recipe
from adapterctl.records.version import VersionRecord
from adapterctl.records.yaml_text import Path, dotted
from adapterctl.rules.mapping.targets import Blocker, RoleMap
from adapterctl.rules.planning.ladder import SWEEP, TEACHER, WARM_START, RungOut
from adapterctl.rules.trainer_commands import (
    FIELDS,
    as_set,
    command_of,
    filled,
    is_handed,
    named_files,
    words,
)

_KEPT = {name: f"{{{name}}}" for name in ("base", "data", "out", "config", "recipe")}
"""Paths that only the run itself knows stand in a plan as their placeholders."""

_RUNGS = {
    WARM_START: "a command starts from weights of its own",
    TEACHER: "it takes the builtin trainer's loss",
}
_SWEEP = {SWEEP: "the trainer is not told the learning rate"}

_OF_MODULES = ("module", "target")
"""Keys and options that name modules have one of these in their name."""


class TrainerPlan(Noun, frozen=True, kw_only=True):
    """How a team's own trainer would be run on the successor.

    Attributes:
        command: as it would run; ``{base}``, ``{data}``, ``{out}``, ``{config}`` and ``{recipe}``
            are paths that the run decides.
        config: its config file, as it is pinned.
        set: what would be written into the config.
        cannot: the rungs that it cannot climb.
    """

    command: str
    config: str | None
    set: dict[str, Any]
    cannot: list[RungOut]


@dataclass(frozen=True, kw_only=True)
class TrainerFacts:
    """What a plan for a trainer command is decided from.

    Attributes:
        config: text of the pinned config file; ``None`` without one.
        old_names: what the old base is called, and where it lies.
    """

    config: str | None
    old_names: frozenset[str]


def trainer_today(record: VersionRecord, today: Recipe) -> Command | None:
    """Returns the trainer command that a rebuild runs, ``None`` for the builtin trainer.

    Today's recipe may say another way to hand things over, as its ``role_map`` may say another
    mapping; the files stay those of the record.
    """
    recorded, now = command_of(record.recipe), command_of(today)
    if recorded is None or now is None or now.config != recorded.config:
        return recorded
    return now


def trainer_plan(command: Command, proposed: Recipe) -> TrainerPlan:
    """Returns how the proposed recipe would be trained."""
    values = _values(proposed)
    sweep = {} if is_handed(command, "learning_rate") else _SWEEP
    return TrainerPlan(
        command=str(filled(command.command, values)),
        config=command.config,
        set={key: as_set(template, values) for key, template in command.set.items()},
        cannot=[RungOut(rung=rung, why=why) for rung, why in {**_RUNGS, **sweep}.items()],
    )


def _values(recipe: Recipe) -> dict[str, Any]:
    plain = msgspec.to_builtins(recipe)
    fields = {}
    for field in FIELDS:
        section, _, name = field.partition(".")
        fields[field] = plain[section][name]
    training = recipe.training
    return _KEPT | fields | {"seed": training.seed, "learning_rate": training.learning_rate}


def gone(role_map: RoleMap, there: Iterable[LinearShape]) -> frozenset[str]:
    """Returns the last names of modules that had LoRA and that the successor does not have."""
    before = {_last(group.pattern) for match in role_map.matches for group in match.old}
    return frozenset(before - {_last(linear.name) for linear in there})


def _last(name: str) -> str:
    return name.rsplit(".", 1)[-1]


def trainer_blockers(
    command: Command,
    facts: TrainerFacts,
    *,
    record: VersionRecord,
    changes: Mapping[str, Sequence[Any]],
    lost: frozenset[str],
) -> Iterator[Blocker]:
    """Yields what keeps the successor from reaching the trainer.

    Args:
        command: what a rebuild runs.
        facts: its config, and the old base's names.
        record: the version to rebuild.
        changes: dotted field of the recipe to ``[old, new]``.
        lost: see `gone`.
    """
    if not is_handed(command, "base"):
        mend = _in_set("base")
        yield Blocker(what="the trainer is not told where the successor lies", mend=mend)
    for field, (_, new) in changes.items():
        if field in FIELDS and not is_handed(command, field):
            what = f"{field} becomes {_shown(new)}, and the trainer is not told"
            yield Blocker(what=what, mend=_in_set(field))
    yield from _unpinned(command, record)
    yield from _in_config(command, facts, lost=lost)
    yield from _in_words(command, facts, lost=lost)


def _in_set(name: str) -> str:
    return (
        f'write in recipe.yaml: trainer.set: {{KEY: "{{{name}}}"}}, or {{{name}}} in '
        "trainer.command"
    )


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _unpinned(command: Command, record: VersionRecord) -> Iterator[Blocker]:
    """Files that today's command names and the record's does not must be pinned there."""
    recorded = command_of(record.recipe)
    known = {pin.path for pin in record.code.files}
    known.update(named_files(recorded) if recorded else ())
    for path in named_files(command):
        if "." in path and path not in known:
            yield Blocker(
                what=f"today's trainer.command names {path}, which {record.adapter}@"
                f"{record.version} does not hold",
                mend="name only its files, or register the adapter anew",
            )


def _in_config(command: Command, facts: TrainerFacts, *, lost: frozenset[str]) -> Iterator[Blocker]:
    if facts.config is None or command.config is None:
        return
    try:
        problems = list(unknown_keys(facts.config, command.set, file=command.config))
        found = leaves(facts.config, file=command.config)
    except InvalidInput as error:
        problems, found = list(error.problems), {}
    for each in problems if command.set else ():
        yield Blocker(what=f"{each.place} {each.what}", mend=each.hint)
    for path, value in found.items():
        key = next((str(part) for part in reversed(path) if isinstance(part, str)), "")
        if isinstance(value, str) and not _is_set(path, command.set):
            what = _hard_coded(key, value, facts, lost=lost)
            if what is not None:
                name, placeholder = what
                holder = dotted(tuple(part for part in path if isinstance(part, str)))
                yield Blocker(
                    what=f"{command.config}: {dotted(path)} is {name}",
                    mend=f'write in recipe.yaml: trainer.set: {{{holder}: "{{{placeholder}}}"}}',
                )


def _is_set(path: Path, settings: Iterable[str]) -> bool:
    name = ".".join(map(str, path))
    return any(name == key or name.startswith(f"{key}.") for key in settings)


def _in_words(command: Command, facts: TrainerFacts, *, lost: frozenset[str]) -> Iterator[Blocker]:
    option = ""
    for word in words(command.command):
        value = word
        if word.startswith("-"):
            option, _, value = word.partition("=")
        what = _hard_coded(option, value, facts, lost=lost) if value else None
        if what is not None:
            name, placeholder = what
            yield Blocker(
                what=f"trainer.command: {word} is {name}",
                mend=f"write {{{placeholder}}} there",
            )


def _hard_coded(
    key: str, value: str, facts: TrainerFacts, *, lost: frozenset[str]
) -> tuple[str, str] | None:
    """Returns what of the old base a value names, and the placeholder for the successor's."""
    if value.rstrip("/") in facts.old_names:
        return "the old base", "base"
    if any(word in key.lower() for word in _OF_MODULES):
        names = {_last(part.strip()) for part in value.split(",")}
        if names & lost:
            return f"{', '.join(sorted(names & lost))} of the old base", "lora.target_modules"
    return None
