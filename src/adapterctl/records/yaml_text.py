"""YAML 1.2 text to plain data, with the line of every key kept.

The document is composed into nodes (ruamel.yaml) and the scalars are resolved by the YAML 1.2
core schema, so that ``5e-4`` is a number, ``no`` a word and ``2026-01-01`` text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from adapterctl.errors import InvalidInput, Problem

Path = tuple[str | int, ...]

MAX_BYTES = 1_000_000
MAX_NODES = 100_000

_NULL = re.compile(r"^(null|Null|NULL|~|)$")
_TRUE = re.compile(r"^(true|True|TRUE)$")
_FALSE = re.compile(r"^(false|False|FALSE)$")
_INT = re.compile(r"^[-+]?[0-9]+$")
_OCTAL = re.compile(r"^0o[0-7]+$")
_HEX = re.compile(r"^0x[0-9a-fA-F]+$")
_FLOAT = re.compile(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$")
_INF = re.compile(r"^[-+]?\.(inf|Inf|INF)$")
_NAN = re.compile(r"^\.(nan|NaN|NAN)$")


@dataclass(frozen=True, kw_only=True)
class Document:
    """Plain data and, for every path in it, the line (from 1) where it stands."""

    file: str
    data: Any
    lines: Mapping[Path, int]

    def place(self, path: Path) -> str:
        """Returns ``file:line: dotted.path`` for the deepest known part of ``path``."""
        known = path
        while known and known not in self.lines:
            known = known[:-1]
        line = self.lines.get(known)
        where = f"{self.file}:{line}" if line else self.file
        return f"{where}: {dotted(path)}" if path else where


def dotted(path: Path) -> str:
    """Returns ``data.evaluation[0].path`` for a path of keys and numbers."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def parse(text: str, *, file: str) -> Document:
    """Parses one YAML document.

    Raises:
        InvalidInput: not YAML, too large, a duplicate key, a key that is not text, or aliases
            that expand beyond ``MAX_NODES`` nodes; every duplicate is named.
    """
    if len(text.encode()) > MAX_BYTES:
        raise InvalidInput.one(
            f"larger than {MAX_BYTES:,} bytes", place=file, hint="data belongs under DVC"
        )
    builder = _Builder(file)
    root = _compose(text, file)
    data = builder.build(root, ()) if root is not None else None
    if builder.problems:
        raise InvalidInput(builder.problems)
    return Document(file=file, data=data, lines=builder.lines)


def _compose(text: str, file: str) -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        return YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{file}:{mark.line + 1}" if mark else file
        raise InvalidInput.one(f"not YAML: {error.problem or error.context}", place=place) from None
    except YAMLError as error:
        raise InvalidInput.one(f"not YAML: {str(error).strip()}", place=file) from None


class _Builder:
    """Turns nodes into data, counting them so that aliases cannot explode."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[Path, int] = {}
        self.problems: list[Problem] = []
        self.count = 0

    def build(self, node: Any, path: Path) -> Any:
        self.count += 1
        if self.count > MAX_NODES:
            raise InvalidInput.one(
                f"expands to more than {MAX_NODES:,} values",
                place=self.file,
                hint="write the values out instead of nesting aliases",
            )
        self.lines.setdefault(path, node.start_mark.line + 1)
        if node.id == "mapping":
            return dict(self._items(node, path))
        if node.id == "sequence":
            return [self.build(child, (*path, i)) for i, child in enumerate(node.value)]
        return _scalar(node)

    def _items(self, node: Any, path: Path) -> Iterator[tuple[str, Any]]:
        seen: dict[str, int] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = _key(key_node)
            if key is None:
                self._problem(line, "a key must be text")
            elif key in seen:
                here = dotted((*path, key))
                self._problem(line, f"{here}: duplicate key, first on line {seen[key]}")
            else:
                seen[key] = line
                self.lines[(*path, key)] = line
                yield key, self.build(value_node, (*path, key))

    def _problem(self, line: int, what: str) -> None:
        self.problems.append(Problem(place=f"{self.file}:{line}", what=what))


def _key(node: Any) -> str | None:
    return str(node.value) if node.id == "scalar" else None


def _scalar(node: Any) -> Any:
    return node.value if node.style in {"'", '"', "|", ">"} else plain(node.value)


def plain(text: str) -> bool | int | float | str | None:
    """Returns what the unquoted scalar ``text`` means in YAML 1.2."""
    if _NULL.match(text):
        return None
    if _TRUE.match(text) or _FALSE.match(text):
        return bool(_TRUE.match(text))
    return _number(text)


def _number(text: str) -> int | float | str:
    if _INT.match(text):
        return int(text)
    if _OCTAL.match(text):
        return int(text[2:], 8)
    if _HEX.match(text):
        return int(text, 16)
    if _FLOAT.match(text) or _INF.match(text) or _NAN.match(text):
        return float(
            text.replace(".inf", "inf")
            .replace(".Inf", "inf")
            .replace(".INF", "inf")
            .replace(".nan", "nan")
            .replace(".NaN", "nan")
            .replace(".NAN", "nan")
        )
    return text
