"""Values put into another program's config file: YAML, JSON or TOML text in, the same text out.

Comments and everything else stay as they are, as far as the format has comments.
"""

from __future__ import annotations

import difflib
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from adapterctl.errors import InvalidInput, Problem
from adapterctl.records.yaml_text import Document, Path, parse

FORMS = {".yaml": "YAML", ".yml": "YAML", ".json": "JSON", ".toml": "TOML"}
"""File endings that `with_values` can edit."""


def form_of(file: str) -> str | None:
    """Returns ``YAML``, ``JSON`` or ``TOML`` by a file's ending, ``None`` for any other."""
    return FORMS.get(PurePosixPath(file).suffix.lower())


def leaves(text: str, *, file: str) -> dict[Path, Any]:
    """Returns path to value of every scalar; nothing of a file in no form that is known here.

    Raises:
        InvalidInput: the text is not what the file's ending says.
    """
    return dict(_leaves((), _read(text, file=file).data)) if form_of(file) else {}


def unknown_keys(text: str, keys: Mapping[str, Any], *, file: str) -> Iterator[Problem]:
    """Yields a problem for each dotted key that the text does not have.

    Raises:
        InvalidInput: the text is not what the file's ending says.
    """
    document = _read(text, file=file)
    for key in keys:
        at: Any = document.data
        for part in key.split("."):
            known = _keys(at)
            if part not in known:
                near = difflib.get_close_matches(part, known, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"add {key} to it"
                yield Problem(place=file, what=f"has no {key}", hint=hint)
                break
            at = _child(at, part)


def with_values(text: str, values: Mapping[str, Any], *, file: str) -> str:
    """Returns the text with each dotted key set to its value; all keys must be there.

    Raises:
        InvalidInput: the text is not what the file's ending says, or a key is unknown.
    """
    problems = list(unknown_keys(text, values, file=file))
    if problems:
        raise InvalidInput(problems)
    match form_of(file):
        case "YAML":
            return _yaml_with(text, values)
        case "TOML":
            return _toml_with(text, values)
    data = json.loads(text)
    _put(data, values)
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _read(text: str, *, file: str) -> Document:
    match form_of(file):
        case "YAML":
            return parse(text, file=file)
        case "JSON":
            return Document(file=file, data=_json(text, file), lines={})
        case "TOML":
            return Document(file=file, data=_toml(text, file), lines={})
    raise InvalidInput.one(
        "neither YAML, JSON nor TOML by its name", place=file, hint="call it .yaml, .json or .toml"
    )


def _json(text: str, file: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput.one(f"not JSON: {error}", place=file, hint="correct it") from None


def _toml(text: str, file: str) -> Any:
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput.one(f"not TOML: {error}", place=file, hint="correct it") from None


def _leaves(path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
    match value:
        case dict():
            for key, item in value.items():
                yield from _leaves((*path, str(key)), item)
        case list():
            for number, item in enumerate(value):
                yield from _leaves((*path, number), item)
        case _:
            yield path, value


def _keys(value: Any) -> list[str]:
    match value:
        case dict():
            return [str(key) for key in value]
        case list():
            return [str(number) for number in range(len(value))]
    return []


def _child(value: Any, part: str) -> Any:
    return value[int(part)] if isinstance(value, list) else value[part]


def _put(data: Any, values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        *way, last = key.split(".")
        place = data
        for part in way:
            place = _child(place, part)
        place[int(last) if isinstance(place, list) else last] = value


def _yaml_with(text: str, values: Mapping[str, Any]) -> str:
    from ruamel.yaml import YAML
    from ruamel.yaml.representer import RoundTripRepresenter

    class Representer(RoundTripRepresenter):
        """Writes 5e-05 as 5.0e-05: readers of YAML 1.1 (PyYAML) take the first for text."""

    def number(self: Any, value: float) -> Any:
        shown = repr(value)
        if "e" in shown and "." not in shown:
            shown = shown.replace("e", ".0e")
        return self.represent_scalar("tag:yaml.org,2002:float", shown)

    Representer.add_representer(float, number)
    yaml = YAML(typ="rt", pure=True)
    yaml.Representer = Representer
    yaml.preserve_quotes = True
    yaml.width = 4096
    data = yaml.load(text)
    _put(data, values)
    buffer = io.StringIO()
    yaml.dump(data, buffer)
    return buffer.getvalue()


def _toml_with(text: str, values: Mapping[str, Any]) -> str:
    import tomlkit

    data = tomlkit.parse(text)
    _put(data, values)
    return tomlkit.dumps(data)
