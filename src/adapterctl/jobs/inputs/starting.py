"""What a training starts from beside the five: an old adapter's weights, or its answers.

They lie in the folder ``start`` of a build's work, and later of the version, so that whoever
reproduces the version starts from the same.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from adapterctl.errors import Mismatch
from adapterctl.jobs.inputs.sources import Row
from adapterctl.records.canonical import compact, listing_digest
from adapterctl.records.parity import Prediction
from adapterctl.records.reading import read_json
from adapterctl.rules.teaching import answered, blended
from adapterctl.stores.files import write_atomically

if TYPE_CHECKING:
    from adapterctl.training.learning.taught import Taught
    from adapterctl.training.rows.text import Example

START = "start"
_WEIGHTS, _TARGETS = "adapter_model.safetensors", "targets.jsonl"
_EXPECTED = "expected.safetensors"


def start_from_weights(work: Path, weights: Path) -> None:
    """Lets the build in ``work`` start from an adapter's file."""
    (work / START).mkdir(parents=True, exist_ok=True)
    shutil.copyfile(weights, work / START / _WEIGHTS)


def learn_from(work: Path, answers: Sequence[Prediction]) -> None:
    """Lets the build in ``work`` learn what a teacher answered, row by row."""
    lines = b"".join(compact(answer) + b"\n" for answer in answers)
    write_atomically(work / START / _TARGETS, lines)


def learn_what_is_expected(work: Path, answers: Sequence[Taught]) -> None:
    """Lets the build in ``work`` learn what a teacher expects, token by token."""
    from adapterctl.training.learning.taught import file_of

    write_atomically(work / START / _EXPECTED, file_of(answers))


def learns_tokens(work: Path) -> bool:
    """Whether the build in ``work`` learns what a teacher expects, token by token."""
    return (work / START / _EXPECTED).is_file()


def start_digest(work: Path) -> str | None:
    """Returns the digest of what a build starts from; ``None`` when that is nothing."""
    files = sorted((work / START).glob("*"))
    lines = (f"{file.name}\t{hashlib.sha256(file.read_bytes()).hexdigest()}" for file in files)
    return listing_digest(lines) if files else None


def initial_weights(work: Path) -> Path | None:
    """Returns the file of weights to start from, if there is one."""
    file = work / START / _WEIGHTS
    return file if file.is_file() else None


def targets(work: Path, *, rows: int) -> list[Prediction] | None:
    """Returns the teacher's answers in the order of the training rows, if there is a teacher.

    Raises:
        Mismatch: it answered another number of rows.
    """
    file = work / START / _TARGETS
    if not file.is_file():
        return None
    lines = enumerate(file.read_bytes().splitlines(), start=1)
    found = [read_json(line, Prediction, file=f"{file}:{number}") for number, line in lines]
    if len(found) != rows:
        raise Mismatch(f"{len(found):,} answers to {rows:,} training rows", place=str(file))
    return found


def taught_rows(rows: Sequence[Row], answers: Sequence[Prediction]) -> list[Row]:
    """Returns rows of text with the teacher's answers in the place of their own."""
    pairs = zip(rows, answers, strict=True)
    return [answered(row, answer.output) for row, answer in pairs]


def listening(work: Path, examples: Sequence[Example]) -> list[Example]:
    """Returns examples of text that are learned with what the teacher expects beside them.

    Raises:
        Mismatch: it expected tokens of other examples.
    """
    from adapterctl.training.learning.taught import answers_in, learned_tokens, packed

    file = work / START / _EXPECTED
    answers = answers_in(file.read_bytes())
    if [len(one) for one in answers] != [learned_tokens(one) for one in examples]:
        raise Mismatch("expects tokens of other training rows than these", place=str(file))
    return [
        msgspec.structs.replace(example, taught=packed(answer))
        for example, answer in zip(examples, answers, strict=True)
    ]


def softened(
    examples: Sequence[Example], answers: Sequence[Prediction], *, labels: Sequence[str]
) -> list[Example]:
    """Returns labelled examples that are learned with the teacher's probabilities beside them."""
    return [
        msgspec.structs.replace(
            example, soft=blended(labels, label=example.label, scores=answer.scores)
        )
        for example, answer in zip(examples, answers, strict=True)
    ]
