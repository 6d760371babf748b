"""What a trainer command is handed: its code, the base, prepared rows, its config, a JSON of all.

Everything but the base lies in one folder, made anew for each run; the command runs in ``code/``
there, where nothing lies that is not pinned.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from adapterctl.jobs.inputs.code_root import code_root
from adapterctl.jobs.inputs.sources import Sources
from adapterctl.jobs.project import Project
from adapterctl.records.canonical import compact, pretty
from adapterctl.records.config_text import with_values
from adapterctl.records.recipe import Command
from adapterctl.rules.recipes import TRAIN
from adapterctl.rules.trainer_commands import FIELDS, as_set, command_line
from adapterctl.stores.code import bundle
from adapterctl.stores.files import write_atomically


@dataclass(frozen=True, kw_only=True)
class Handed:
    """What a trainer command runs with.

    Attributes:
        words: the command line, placeholders filled in.
        root: its working directory: the pinned code, and nothing else.
        out: the empty folder for the adapter.
        targets: the modules that the recipe's LoRA settings choose on the base.
    """

    words: list[str]
    root: Path
    out: Path
    targets: list[str]


def hand_over(project: Project, sources: Sources, command: Command, *, place: Path) -> Handed:
    """Lays everything out in the new folder ``place``.

    Raises:
        InvalidInput: the config has no such key, or PEFT refuses the LoRA settings on this base.
        Mismatch: a file of the code changed since it was pinned.
    """
    shutil.rmtree(place, ignore_errors=True)
    root, out = place / "code", place / "out"
    root.mkdir(parents=True)
    out.mkdir()
    bundle(code_root(project, sources.recipe), sources.code, root)
    targets = _targets(sources)
    paths = {"base": sources.base_dir.resolve(), "data": place / "train.jsonl", "out": out}
    paths["recipe"] = place / "recipe.json"
    if command.config is not None:
        paths["config"] = place / Path(command.config).name
    values = _values(sources, paths)
    rows = b"".join(compact(row) + b"\n" for row in sources.rows[TRAIN])
    write_atomically(paths["data"], rows)
    write_atomically(paths["recipe"], pretty(_resolved(sources, paths, targets=targets)))
    if command.config is not None:
        content = _configured(root, command, command.config, values=values)
        write_atomically(paths["config"], content)
    return Handed(words=command_line(command, values), root=root, out=out, targets=targets)


def _targets(sources: Sources) -> list[str]:
    from adapterctl.training.inspect import given_lora

    recipe = sources.recipe
    return given_lora(
        sources.base_dir,
        recipe,
        labels=len(sources.labels),
    )


def _values(sources: Sources, paths: dict[str, Path]) -> dict[str, Any]:
    recipe = msgspec.to_builtins(sources.recipe)
    fields = {}
    for field in FIELDS:
        section, _, name = field.partition(".")
        fields[field] = recipe[section][name]
    training = sources.recipe.training
    return {
        **{name: str(path) for name, path in paths.items()},
        **fields,
        "seed": training.seed,
        "learning_rate": training.learning_rate,
    }


def _resolved(sources: Sources, paths: dict[str, Path], *, targets: list[str]) -> dict[str, Any]:
    """Returns ``{recipe}``: the recipe, and what follows from it on this base."""
    base = sources.base
    return {
        "schema_version": 1,
        "recipe": sources.recipe,
        "labels": list(sources.labels),
        "target_modules": targets,
        "base": {
            "name": base.base,
            "fingerprint": base.fingerprint,
            "revision": base.revision,
            "family": base.family,
            "architecture": base.architecture,
        },
        "paths": {name: str(path) for name, path in paths.items()},
        "rows": len(sources.rows[TRAIN]),
    }


def _configured(root: Path, command: Command, config: str, *, values: dict[str, Any]) -> bytes:
    """Returns the pinned config with ``set`` applied; to the byte without it."""
    content = (root / config).read_bytes()
    if not command.set:
        return content
    wanted = {key: as_set(template, values) for key, template in command.set.items()}
    return with_values(content.decode(), wanted, file=config).encode()
