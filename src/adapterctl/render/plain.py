"""Text that no terminal, table or parser trips over.

Findings quote files, URLs and names that others wrote: a line feed would end a row, an escape
sequence would colour a terminal, a control character makes an XML file unreadable, and marks of
direction show text in another order than it has.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec

T = TypeVar("T", bound=msgspec.Struct)

_SPACES = re.compile("[\t\n\x0b\x0c\r\x1c-\x1f\x85\u2028\u2029]+")
_BROKEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
_SUSPECT = re.compile(
    rb"\\[bfnrtu]|\x7f|\xc2[\x80-\x9f]|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]|\xef\xbf[\xbe\xbf]"
)
"""What JSON has in the place of any of those characters; a backslash before a letter, too."""

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def plain_text(text: str) -> str:
    """Returns a text on one line, each character that is not for reading replaced."""
    return _BROKEN.sub(REPLACEMENT, _SPACES.sub(" ", text))


def plain(noun: T) -> T:
    """Returns the same noun with `plain_text` throughout; itself, as is usual, if it has no other.

    Looking through the JSON of ten thousand findings takes a hundredth of the time that looking
    at each of their texts does.
    """
    raw = _as_json(noun)
    if raw is not None and _SUSPECT.search(raw) is None:
        return noun
    return msgspec.convert(_plain(msgspec.to_builtins(noun)), type(noun))


def _as_json(noun: msgspec.Struct) -> bytes | None:
    """Returns the noun's JSON; ``None`` for half of a surrogate pair: a file name in no UTF-8."""
    try:
        return msgspec.json.encode(noun)
    except UnicodeEncodeError:
        return None


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return plain_text(value)
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return value
