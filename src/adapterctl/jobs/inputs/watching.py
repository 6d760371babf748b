"""The preprocessing run twice: watched, as its author runs it, and from its bundle alone.

The first run shows what it needs; the second, in a process that knows neither home directory nor
network, shows that it needs nothing else. Both must give the same rows.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapterctl.errors import InvalidInput
from adapterctl.jobs.inputs.code_root import code_root
from adapterctl.jobs.inputs.recipe_code import command_files, command_gates, scorer_files
from adapterctl.jobs.inputs.sources import Row, data_paths
from adapterctl.jobs.project import Project
from adapterctl.records.canonical import compact
from adapterctl.records.recipe import Recipe
from adapterctl.records.version import FilePin
from adapterctl.rules import gates as rules
from adapterctl.rules.gates import Gate, gate
from adapterctl.rules.overlap import input_text, overlap
from adapterctl.rules.recipes import TRAIN
from adapterctl.stores.code import bundle, closure, pinned
from adapterctl.stores.imports import Foreign, origins, read_beside, unresolved
from adapterctl.stores.processes import call_entry_point, trace_entry_point

SHOWN = 200
"""Characters of a differing row that are shown."""


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What the run of the preprocessing showed: its gates, and the files of the whole recipe."""

    gates: list[Gate]
    code: tuple[FilePin, ...]


def watch(project: Project, recipe: Recipe, raw: Mapping[str, list[Row]]) -> Watched:
    """Runs the preprocessing as its author does, then from its bundle alone.

    Args:
        project: where.
        recipe: what names it.
        raw: the rows of every set, as they are read.

    Raises:
        InvalidInput: it fails where its author runs it.
    """
    root, entry = code_root(project, recipe), recipe.preprocessing
    files = {pin.path for pin in closure(root, entry)}
    foreign: dict[str, Foreign] = {each.module: each for each in unresolved(root, files)}
    rows: dict[str, Any] = {}
    for number, (name, given) in enumerate(raw.items(), start=1):
        traced = trace_entry_point(root, entry, given)
        rows[name] = traced.result
        found = origins(root, traced.modules)
        files.update(found.own, read_beside(root, traced.opened))
        foreign.update({each.module: each for each in found.foreign})
        project.display.progress("watching the preprocessing", number, len(raw))
    scorers = scorer_files(root, recipe)
    files.update(pin.path for pin in [*scorers, *command_files(root, recipe)])
    code = tuple(pinned(root, files))
    gates = [outside(recipe, each) for _, each in sorted(foreign.items())]
    beside = unresolved(root, [pin.path for pin in scorers])
    gates += [outside(recipe, each, entry="its scorer") for each in beside]
    gates += command_gates(root, recipe)
    if not gates:
        gates += _clean(project, recipe, code=code, raw=raw, rows=rows)
    return Watched(gates=[*gates, *_overlaps(recipe, rows)], code=code)


def outside(recipe: Recipe, foreign: Foreign, *, entry: str = "") -> Gate:
    """Returns CODE001 about a module that nothing pins."""
    who = entry or recipe.preprocessing
    return gate(
        recipe,
        "CODE001",
        "high",
        message=f"{who} imports {foreign.module}, {foreign.why}: {foreign.file}",
        mend="copy it into the repository, or install it as a distribution",
    )


def _clean(
    project: Project,
    recipe: Recipe,
    *,
    code: tuple[FilePin, ...],
    raw: Mapping[str, list[Row]],
    rows: Mapping[str, Any],
) -> Iterator[Gate]:
    """Yields CODE002: the bundle alone, in a clean process, does not give the same rows."""
    with tempfile.TemporaryDirectory(prefix="adapterctl-bundle-") as name:
        root = Path(name)
        bundle(code_root(project, recipe), code, root)
        for number, (part, given) in enumerate(raw.items(), start=1):
            try:
                alone = call_entry_point(root, recipe.preprocessing, given, offline=True)
            except InvalidInput as error:
                what = f"{error.problems[0].place}: {error.problems[0].what}"
                yield _differs(recipe, f"alone, in a clean process, it fails: {what}")
                return
            project.display.progress("running its bundle clean", number, len(raw))
            if alone != rows[part]:
                yield _differs(recipe, _difference(recipe, part, rows[part], alone=alone))
                return


def _differs(recipe: Recipe, what: str) -> Gate:
    return gate(
        recipe,
        "CODE002",
        "high",
        message=f"{recipe.preprocessing}: {what}",
        mend="take out what depends on this machine: home directory, variables, network, clock",
    )


def _difference(recipe: Recipe, part: str, here: Any, *, alone: Any) -> str:
    """Returns words for the first row that a clean run gives otherwise."""
    path = data_paths(recipe)[part]
    if not isinstance(here, list) or not isinstance(alone, list):
        return f"on {path} it does not return rows"
    pairs = enumerate(zip(here, alone, strict=False))
    row = next((n for n, (a, b) in pairs if a != b), min(len(here), len(alone)))
    if row >= min(len(here), len(alone)):
        return f"alone, in a clean process, {len(alone):,} rows of {path} instead of {len(here):,}"
    if _is_sensitive(recipe, part):
        return f"alone, in a clean process, row {row} of {path} comes out otherwise"
    one, other = (compact(each[row]).decode()[:SHOWN] for each in (here, alone))
    return f"row {row} of {path} is {one} here and {other} in a clean process"


def _is_sensitive(recipe: Recipe, part: str) -> bool:
    data = recipe.data.train if part == TRAIN else recipe.data.evaluation[part]
    return data.sensitive


def _overlaps(recipe: Recipe, rows: Mapping[str, Any]) -> Iterator[Gate]:
    texts = {
        name: [input_text(row) for row in each if isinstance(row, dict)]
        for name, each in rows.items()
        if isinstance(each, list)
    }
    if TRAIN in texts:
        sets = {name: each for name, each in texts.items() if name != TRAIN}
        found = {name: overlap(texts[TRAIN], each) for name, each in sets.items()}
        yield from rules.of_overlap(recipe, found)
