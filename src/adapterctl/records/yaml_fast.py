"""Plain YAML, a hundred times faster: read by yaml-rs where it means what YAML 1.2 does.

yaml-rs takes more for numbers than the core schema does, drops tags and ignores the limits that
`records.yaml_text` sets on aliases. A text with any of that, or with anything it refuses, is left
to that slower reader, which also knows lines and places; so this one has no errors of its own.
"""

from __future__ import annotations

import re
from typing import Any

MAX_CHARACTERS = 100_000

LEFT = object()
"""What `read` gives for a text that is none of its own."""

_PRINTABLE = re.compile(
    r"[\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]*"
)
_BEYOND = re.compile(
    r"\n(?:---|\.\.\.|%)"  # documents and directives
    r"|[!&*?|>](?<=[\s\[{,:-].)"  # tags, anchors, aliases, complex keys, blocks of text
    r"|<<"
    r"|:[,:\[\]{}\"']|:(?<=[\"']:)\S|:(?<=[\s\[{,]:)"  # colons that only some take for a key's
    r"|0[bBoOxX](?<=[\s\[{,]..)|0[bBoOxX](?<=[\s\[{,][-+]..)|\.N"
)
"""Searched for after a line break; each part begins with a rare character, and then looks back."""

_LONG_NUMBER = re.compile(r"[\s\[{,][-+.0-9eE]*_")
"""``1_000``, which is text in YAML 1.2."""


def read(text: str) -> Any:
    """Returns the plain data of a YAML text, or `LEFT`."""
    if len(text) > MAX_CHARACTERS or not _PRINTABLE.fullmatch(text):
        return LEFT
    after_a_break = f"\n{text}"
    if _BEYOND.search(after_a_break) or _LONG_NUMBER.search(after_a_break):
        return LEFT
    if not all(map(_closed, text.split("\n"))):
        return LEFT
    import yaml_rs

    try:
        data = yaml_rs.loads(text, parse_datetime=False)
    except (yaml_rs.YAMLDecodeError, TypeError):  # the latter for a key that is a list
        return LEFT
    return data if _has_text_keys(data) else LEFT


def _closed(line: str) -> bool:
    """Whether no list or mapping in brackets goes on in the next line."""
    if "{" not in line and "[" not in line and "}" not in line and "]" not in line:
        return True
    return line.count("{") == line.count("}") and line.count("[") == line.count("]")


def _has_text_keys(value: Any) -> bool:
    kind = type(value)
    if kind is dict:
        for key, each in value.items():
            if type(key) is not str or (type(each) in _NESTED and not _has_text_keys(each)):
                return False
        return True
    return kind is not list or all(map(_has_text_keys, value))


_NESTED = (dict, list)
