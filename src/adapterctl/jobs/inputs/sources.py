"""The sources of one adapter as they stand in a project: read, checked and prepared.

Everything that can be wrong without weights is found here, before a base is loaded.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapterctl.errors import InvalidInput, Problem
from adapterctl.jobs.inputs.base_folder import checked, pin
from adapterctl.jobs.inputs.code_root import code_root
from adapterctl.jobs.inputs.recipe_code import code_of
from adapterctl.jobs.project import Project, require
from adapterctl.records.base import Base
from adapterctl.records.canonical import rows_digest
from adapterctl.records.reading import merge
from adapterctl.records.recipe import Recipe
from adapterctl.records.version import BasePin, FilePin
from adapterctl.rules.bucket_urls import in_bucket
from adapterctl.rules.recipes import TRAIN
from adapterctl.stores.processes import call_entry_point
from adapterctl.stores.rows import read_rows

Row = dict[str, Any]

NAMED_PROBLEMS = 20

# DVC may link files of the workspace into a cache that several projects share.
_IN_A_CACHE = re.compile(r"/files/md5/[0-9a-f]{2}/[0-9a-f]{30}(\.dir)?$")


@dataclass(frozen=True, kw_only=True)
class Sources:
    """What an adapter is built from, ready for the trainer.

    Attributes:
        base: the base's identity, compared with the folder's fingerprint.
        base_dir: where its weights lie.
        code: what preprocessing and trainer need of the repository, by content.
        rows: prepared rows by set; the training set is ``train``.
        labels: sorted training labels; empty for a task without labels.
    """

    recipe: Recipe
    base: BasePin
    base_dir: Path
    code: tuple[FilePin, ...]
    rows: dict[str, list[Row]]
    labels: tuple[str, ...]

    @property
    def rows_sha256(self) -> dict[str, str]:
        """Digest of the prepared rows of each set."""
        return {name: rows_digest(rows) for name, rows in self.rows.items()}


def located(project: Project, path: Path) -> Path:
    """Returns where a recipe lies, seen from the current folder or else from the project's."""
    inside = project.root / path
    return inside if not path.exists() and inside.exists() else path.absolute()


def gather(project: Project, recipe: Recipe, *, code: Sequence[FilePin] | None = None) -> Sources:
    """Reads and checks everything that ``recipe`` names.

    Args:
        project: where.
        recipe: what to build.
        code: the files that preprocessing and trainer need, where more is known than
            `code_of` finds: what a traced run needed, or what a record holds.

    Raises:
        InvalidInput: data, code or labels are not usable; every problem is named.
        Mismatch: the base's weights changed since they were added.
    """
    require("torch", extra="train", needed_for="training and evaluation")
    base = project.registry.base(recipe.base)
    _must_have_pinned_code(recipe, base)
    static = code_of(code_root(project, recipe), recipe)
    rows = {name: prepared(project, recipe, path) for name, path in data_paths(recipe).items()}
    labels = _labels(recipe, rows)
    return Sources(
        recipe=recipe,
        base=pin(base),
        base_dir=checked(project, base),
        code=tuple(static if code is None else code),
        rows=rows,
        labels=labels,
    )


def _must_have_pinned_code(recipe: Recipe, base: Base) -> None:
    """Refuses to run code of a base that nobody could tell from other code later."""
    if recipe.trust_remote_code and base.digests.code is None:
        raise InvalidInput.one(
            f"no code beside the weights of base {base.base!r} is known that could be trusted",
            place=f"{recipe.adapter}: trust_remote_code",
            hint=f"remove it; or, where the base's folder has code of its own, declare it again: "
            f"adapterctl bases add {base.base}",
        )


def data_paths(recipe: Recipe) -> dict[str, str]:
    """Returns set name to data path, the training set first."""
    sets = {name: data.path for name, data in recipe.data.evaluation.items()}
    return {TRAIN: recipe.data.train.path, **sets}


def raw_rows(project: Project, path: str) -> list[Row]:
    """Returns the rows of a data file of the project, or of one that stays in its bucket.

    Raises:
        InvalidInput: outside the project, by its path or by a link that is not DVC's own;
            missing, empty or broken; in a bucket that does not keep versions.
        NotFound: no such bucket or object. Unreachable: S3 does not answer.
    """
    if in_bucket(path):
        return read_rows(project.bucket_data.file(path), place=path)
    place = (project.root / path).resolve()
    if not place.is_relative_to(project.root.resolve()) and not _IN_A_CACHE.search(
        place.as_posix()
    ):
        raise InvalidInput.one(
            f"not inside the project: it is {place}",
            place=path,
            hint="copy the data into the project, for DVC to keep them",
        )
    _settle(project.root / path)
    return read_rows(project.root / path, place=path)


def _settle(path: Path) -> None:
    """Waits half a second at most for a file that is away.

    DVC takes a file out of the workspace for a moment while it links it to its cache; another
    registration may be at that point.
    """
    for _ in range(10):
        if path.exists() or not path.parent.is_dir():
            return
        time.sleep(0.05)


def prepared(project: Project, recipe: Recipe, path: str) -> list[Row]:
    """Returns the rows of one set after the adapter's own preprocessing; salvaged ones had it."""
    raw = raw_rows(project, path)
    if recipe.data.train.salvaged and path == recipe.data.train.path:
        return raw
    rows = call_entry_point(code_root(project, recipe), recipe.preprocessing, raw)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InvalidInput.one(
            f"returned {type(rows).__name__}, not a list of rows, for {path}",
            place=recipe.preprocessing,
            hint="prepare(rows: list[dict]) -> list[dict]",
        )
    if not rows:
        raise InvalidInput.one(
            f"no row of {path} is left after preprocessing", place=recipe.preprocessing
        )
    return rows


def _labels(recipe: Recipe, rows: dict[str, list[Row]]) -> tuple[str, ...]:
    if recipe.task != "SEQ_CLS":
        return ()
    labels = tuple(sorted(_known_labels(recipe, rows[TRAIN])))
    if len(labels) < 2:
        raise InvalidInput.one(
            f"{len(labels)} label(s) in the training rows",
            place=recipe.data.train.path,
            hint="prepare() must give rows with text and label, of at least two labels",
        )
    merge(_unknown_labels(recipe, rows, labels=labels))
    return labels


def _known_labels(recipe: Recipe, rows: list[Row]) -> set[str]:
    """Returns the training labels; salvaged rows know them from the old adapter's scores."""
    if recipe.data.train.salvaged:
        return {name.removeprefix("p:") for row in rows for name in row["scores"]}
    return {str(row["label"]) for row in rows if "label" in row}


def _unknown_labels(
    recipe: Recipe, rows: dict[str, list[Row]], *, labels: tuple[str, ...]
) -> Iterator[Problem]:
    known = set(labels)
    for name, path in data_paths(recipe).items():
        strange = [
            (number, str(row["label"]))
            for number, row in enumerate(rows[name])
            if "label" in row and str(row["label"]) not in known
        ]
        for number, label in strange[:NAMED_PROBLEMS]:
            yield Problem(
                place=f"{path}: row {number}",
                what=f"label {label!r} never occurs in training",
                hint="correct the label, or add training rows that have it",
            )
        if len(strange) > NAMED_PROBLEMS:
            yield Problem(place=path, what=f"{len(strange):,} such rows in all")
