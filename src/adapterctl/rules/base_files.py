"""A base's identity at the level of files: which of a repository's files count, and who agrees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from adapterctl.records.base import BaseFile

WEIGHTS = ".safetensors"
KEPT = (WEIGHTS, ".bin", ".json", ".txt", ".model", ".jinja", ".tiktoken")
"""Weights, config and tokenizer; what is above these in a repository, or in folders, is not."""


def of_the_base(files: Iterable[BaseFile]) -> list[BaseFile]:
    """Returns the files of a repository that make out a base."""
    return [file for file in files if "/" not in file.path and file.path.endswith(KEPT)]


def disagreements(known: Sequence[BaseFile], found: Sequence[BaseFile]) -> Iterator[str]:
    """Yields what in a folder cannot be from a listing: other content, or weights of other names.

    A file beside the weights may be missing in the folder, or be there in addition.
    """
    listed = {file.path: file for file in known}
    for file in found:
        other = listed.get(file.path)
        if other is None and file.path.endswith(WEIGHTS):
            yield f"{file.path} is not in the list"
        elif other is not None and not _same(other, file):
            yield f"{file.path} is another file"


def _same(one: BaseFile, other: BaseFile) -> bool:
    if one.size != other.size:
        return False
    if one.sha256 and other.sha256:
        return one.sha256 == other.sha256
    return one.blob is not None and one.blob == other.blob
