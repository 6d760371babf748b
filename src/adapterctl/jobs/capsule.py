"""A capsule: the folder that a training run elsewhere leaves, written and read back."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from adapterctl.errors import InvalidInput, Mismatch, NotFound, Problem
from adapterctl.jobs.inputs.sources import Sources
from adapterctl.records.canonical import pretty
from adapterctl.records.capsule import Capsule
from adapterctl.records.reading import read_json
from adapterctl.rules.recipes import TRAIN
from adapterctl.stores.files import write_atomically
from adapterctl.stores.safetensors import config_digest, weights_digest

FACTS, RECIPE, ADAPTER = "capsule.json", "recipe.yaml", "adapter"


def write_capsule(folder: Path, fill: Callable[[Path], Capsule]) -> Capsule:
    """Writes a capsule, whole or not at all; replaces one that is there.

    Args:
        folder: where.
        fill: puts everything but ``capsule.json`` into a new folder, and returns that.
    """
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    capsule = fill(partial)
    write_atomically(partial / FACTS, pretty(capsule))
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
    return capsule


def read_capsule(folder: Path) -> Capsule:
    """Returns what a capsule says of itself, its adapter compared with that.

    Raises:
        NotFound: not a capsule.
        Mismatch: the adapter in it is not the one that the run left.
    """
    facts = folder / FACTS
    if not facts.is_file():
        raise NotFound(
            f"no {FACTS} here: not a capsule, or a run was killed while it wrote it",
            place=str(folder),
            hint="RegisterCallback(recipe, capsule=DIR) writes one",
        )
    capsule = read_json(facts.read_bytes(), Capsule, file=str(facts))
    adapter = folder / ADAPTER
    found = (
        weights_digest(adapter / "adapter_model.safetensors"),
        config_digest(adapter / "adapter_config.json"),
    )
    if found != (capsule.weights_sha256, capsule.adapter_config_sha256):
        raise Mismatch(
            "not the adapter that the run left", place=str(adapter), hint="copy the capsule again"
        )
    return capsule


def must_agree(capsule: Capsule, sources: Sources) -> None:
    """Compares the five here with the five where the run was.

    Raises:
        InvalidInput: every one that differs.
    """
    problems = list(_differences(capsule, sources))
    if problems:
        raise InvalidInput(problems)


def _differences(capsule: Capsule, sources: Sources) -> Iterator[Problem]:
    recipe = sources.recipe
    if capsule.base != sources.base.fingerprint:
        yield Problem(
            place=f"registry/bases/{recipe.base}.yaml",
            what=f"the run was on {capsule.base}, and {recipe.base} is {sources.base.fingerprint}",
            hint="write the base that it was on into the recipe, or train again",
        )
    there = {pin.path: pin.sha256 for pin in capsule.code}
    for pin in sources.code:
        if there.get(pin.path, pin.sha256) != pin.sha256:
            yield Problem(
                place=pin.path,
                what="not what it was where the run was",
                hint=f"the run's is in the capsule: code/{pin.path}",
            )
    if sources.rows_sha256[TRAIN] != capsule.prepared.rows_sha256:
        count = f"{len(sources.rows[TRAIN]):,} rows, and the run had {capsule.prepared.rows:,}"
        yield Problem(
            place=recipe.data.train.path,
            what=f"prepared, it gives other rows than where the run was: here {count}",
            hint="put the data here that the run was given",
        )
