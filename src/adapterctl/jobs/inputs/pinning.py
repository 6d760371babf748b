"""Pinning what a version is built from: data under DVC, code by content, the five by digest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from adapterctl.errors import InvalidInput
from adapterctl.jobs.inputs.code_root import code_root
from adapterctl.jobs.inputs.sources import Row, Sources, data_paths, raw_rows
from adapterctl.jobs.project import Project
from adapterctl.records.canonical import digest, listing_digest
from adapterctl.records.recipe import Recipe, Selection
from adapterctl.records.version import CodePin, DatasetPin, Environment, FilePin, SelectionPin
from adapterctl.rules.bucket_urls import in_bucket
from adapterctl.rules.environments import result_bearing
from adapterctl.rules.recipes import TRAIN, recipe_digest
from adapterctl.rules.trainer_commands import command_of
from adapterctl.stores.processes import call_entry_point


def pin_data(project: Project, recipe: Recipe) -> dict[str, DatasetPin]:
    """Pins every data path; pushes what is under DVC, and checks that it arrived.

    What stays in its bucket is pinned by version id, and pushed nowhere.

    Returns:
        set name to pin; ``train`` is the training set, ``pool`` the selection's pool.
    """
    paths = data_paths(recipe)
    if recipe.data.train.selection is not None:
        paths["pool"] = recipe.data.train.selection.pool
    pins = {}
    for number, (name, path) in enumerate(paths.items(), start=1):
        rows = len(raw_rows(project, path))
        pin = project.bucket_data.current(path) if in_bucket(path) else project.dvc.pin(path)
        pins[name] = msgspec.structs.replace(pin, rows=rows)
        project.display.progress("pinning data", number, len(paths))
    kept = [pin for pin in pins.values() if pin.version_id is None]
    project.dvc.push(kept, progress=project.display.progress)
    return pins


def pin_selection(
    project: Project, recipe: Recipe, pins: dict[str, DatasetPin]
) -> SelectionPin | None:
    """Returns which rows were chosen.

    Raises:
        InvalidInput: the rule does not give row numbers of the pool.
    """
    selection = recipe.data.train.selection
    if selection is None:
        return None
    chosen = None
    if selection.rule is not None:
        chosen = chosen_rows(
            code_root(project, recipe), selection, raw_rows(project, selection.pool)
        )
    return SelectionPin(
        pool=pins["pool"],
        chosen=None if chosen is None else len(chosen),
        indices_sha256=None if chosen is None else listing_digest(f"{n:09d}" for n in chosen),
        rule=selection.rule,
        reason=selection.reason,
        labelled_by=selection.labelled_by,
    )


def chosen_rows(root: Path, selection: Selection, pool: list[Row]) -> list[int] | None:
    """Returns the row numbers of the pool that the selection's rule gives; ``None`` without one.

    ``root`` is the folder that the rule's path is relative to.

    Raises:
        InvalidInput: the rule raises, or does not give row numbers of the pool.
    """
    if selection.rule is None:
        return None
    chosen = call_entry_point(root, selection.rule, pool)
    if not isinstance(chosen, list) or not all(isinstance(n, int) for n in chosen):
        raise InvalidInput.one(
            "did not return row numbers",
            place=selection.rule,
            hint="choose(pool: list) -> list[int]",
        )
    outside = [number for number in chosen if not 0 <= number < len(pool)]
    if outside:
        raise InvalidInput.one(f"row {outside[0]} is not in the pool", place=selection.rule)
    return chosen


def pin_code(project: Project, sources: Sources) -> CodePin:
    """Returns the code by content, and where in git it stands."""
    from adapterctl.stores.git import facts

    found = facts(code_root(project, sources.recipe), [pin.path for pin in sources.code])
    recipe_path = project.registry.recipe_path(sources.recipe.adapter)
    recipe = facts(project.root, [recipe_path.relative_to(project.root).as_posix()])
    return CodePin(
        entry_point=sources.recipe.preprocessing,
        files=list(sources.code),
        digest=code_digest(sources.code),
        repo=found.remote,
        commit=found.commit,
        ref=next(iter(found.refs), None),
        committed=all(each.commit and not each.dirty for each in (found, recipe)),
    )


def code_digest(files: Sequence[FilePin]) -> str:
    """Returns the sha256 over the sorted lines ``<sha256>  <path>``."""
    return listing_digest(f"{pin.sha256}  {pin.path}" for pin in files)


def inputs_digest(
    sources: Sources, data: dict[str, DatasetPin], *, environment: Environment, origin: str | None
) -> str:
    """Returns the digest of the five: the same five again is the same version.

    Args:
        sources: base, code and recipe.
        data: pin of every set.
        environment: of which only what can change results counts.
        origin: the weights of an adapter that was trained elsewhere.
    """
    return digest(
        {
            "base": [sources.base.fingerprint, msgspec.to_builtins(sources.base.digests)],
            "data": {name: pin.sha256 for name, pin in data.items()},
            "code": [sources.recipe.preprocessing, code_digest(sources.code)],
            "recipe": recipe_digest(sources.recipe),
            "environment": result_bearing(
                environment, own_trainer=command_of(sources.recipe) is not None
            ),
            "origin": origin,
        }
    )


__all__ = ["TRAIN", "code_digest", "inputs_digest", "pin_code", "pin_data", "pin_selection"]
