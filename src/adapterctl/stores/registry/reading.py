"""The files of a project by name relative to it: plain strings, for ten thousand are read."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import msgspec

from adapterctl.errors import InvalidInput
from adapterctl.records.reading import read_json, read_yaml

T = TypeVar("T", bound=msgspec.Struct)

_NOT_THERE = (FileNotFoundError, NotADirectoryError, IsADirectoryError)


class ProjectFiles:
    """Reads below ``root``; errors name files relative to it, with ``/``."""

    def __init__(self, root: Path) -> None:
        self._prefix = f"{root}{os.sep}"

    def read(self, file: str) -> bytes | None:
        """Returns the content of a file, ``None`` where there is none."""
        try:
            return Path(f"{self._prefix}{file}").read_bytes()
        except _NOT_THERE:
            return None

    def yaml(self, file: str, kind: type[T]) -> T | None:
        """Returns the noun in a YAML file, ``None`` where there is none."""
        raw = self.read(file)
        return None if raw is None else read_yaml(text_of(raw, file), kind, file=file)

    def ledger(self, file: str, kind: type[T]) -> list[T]:
        """Returns the nouns of a ledger; line by line only where a line has to be named."""
        raw = self.read(file)
        if not raw:
            return []
        try:
            return msgspec.json.Decoder(kind).decode_lines(raw)
        except msgspec.DecodeError:
            lines = enumerate(raw.splitlines(), start=1)
            return [read_json(line, kind, file=f"{file}:{n}") for n, line in lines if line.strip()]

    def names(self, folder: str) -> list[str]:
        """Returns the names of what a folder holds; none without a folder."""
        try:
            with os.scandir(f"{self._prefix}{folder}") as entries:
                return [entry.name for entry in entries]
        except _NOT_THERE:
            return []

    def folders(self, folder: str) -> list[str]:
        """Returns the names of a folder's folders, sorted; none without a folder."""
        try:
            with os.scandir(f"{self._prefix}{folder}") as entries:
                return sorted(entry.name for entry in entries if entry.is_dir())
        except _NOT_THERE:
            return []


def text_of(raw: bytes, file: str) -> str:
    """Returns a file's text with the line ends of this project.

    Raises:
        InvalidInput: it is not UTF-8.
    """
    try:
        return raw.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise InvalidInput.one(
            f"not UTF-8 at byte {error.start}", place=file, hint="save it as UTF-8"
        ) from None


def versions_in(names: Iterable[str]) -> list[int]:
    """Returns the version numbers among the names of an adapter's files, ascending."""
    stems = (name.removesuffix(".json") for name in names if name.endswith(".json"))
    return sorted(int(stem) for stem in stems if stem.isdigit())
