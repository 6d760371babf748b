"""YAML written: a noun as a new file, or entries into a list of a file that people edit, too."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

_NARROW, _WIDE = 100, 4096
"""New files are folded; in files of others lines stay as long as they are."""

_DASH = re.compile(r"(?m)^( *)- ")

Entry = Mapping[str, Any]


def put_entries(text: str, into: str, entries: Sequence[Entry], *, same: Sequence[str]) -> str:
    """Returns the YAML text with ``entries`` in the list under the key ``into``.

    Args:
        text: a mapping, or nothing.
        into: key of the list; made when it is missing.
        entries: plain values, keys in the order they are written.
        same: an entry that agrees with a new one in these keys is superseded, at its place.
    """
    from ruamel.yaml import YAML

    yaml = YAML(typ="rt", pure=True)
    yaml.width = _WIDE
    yaml.preserve_quotes = True
    indent = _DASH.search(text)
    offset = len(indent.group(1)) if indent else 0
    yaml.indent(mapping=2, sequence=offset + 2, offset=offset)
    data = yaml.load(text) or {}
    items = data.get(into)
    if not items:
        items = data[into] = []
    for entry in entries:
        _put(items, entry, same)
    buffer = io.StringIO()
    yaml.dump(data, buffer)
    return buffer.getvalue()


def _put(items: list[Any], entry: Entry, same: Sequence[str]) -> None:
    wanted = [entry[key] for key in same]
    places = [n for n, item in enumerate(items) if [item.get(key) for key in same] == wanted]
    if not places:
        items.append(dict(entry))
        return
    items[places[0]].update(entry)
    for place in reversed(places[1:]):
        del items[place]


def dump_yaml(value: msgspec.Struct) -> str:
    """Returns a noun as YAML text, in the order of its fields."""
    from ruamel.yaml import YAML

    yaml = YAML(typ="rt", pure=True)
    yaml.width = _NARROW
    buffer = io.StringIO()
    yaml.dump(msgspec.to_builtins(value), buffer)
    return buffer.getvalue()
