"""From plain data to nouns at the door: every error of a file at once, each with its place.

msgspec generates the JSON Schema, jsonschema finds every error, msgspec builds the noun.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any, TypeVar

import msgspec

from adapterctl.errors import InvalidInput, Problem
from adapterctl.records import yaml_fast
from adapterctl.records.yaml_text import Document, Path, dotted, parse

T = TypeVar("T", bound=msgspec.Struct)

Hints = Callable[[Path], str]

_KINDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}
_PATTERN_HINTS = {
    r"^\d{4}-(": "dates are YYYY-MM-DD",
    r"^\d{4}-\d\d-\d\d/": "a window is YYYY-MM-DD/YYYY-MM-DD",
    r"^[a-z0-9][a-z0-9._-]": "use small letters, digits, '.', '_' and '-', at most 80",
    r"^[^:]+\.(py": "write path/to/file.py:function",
    r"^fp1:": "a fingerprint is fp1: and 64 hexadecimal digits",
}


def read_yaml(text: str, kind: type[T], *, file: str) -> T:
    """Returns the noun that ``text`` describes.

    A plain text without a mistake is read fast; the slower way knows every mistake's place.

    Raises:
        InvalidInput: naming every problem with file, line, path, value and mend.
    """
    data = yaml_fast.read(text)
    if data is not yaml_fast.LEFT:
        try:
            return msgspec.convert(data, kind)
        except msgspec.ValidationError:
            pass
    return build(parse(text, file=file), kind)


def build(document: Document, kind: type[T]) -> T:
    """Returns the noun in a parsed document; see `read_yaml`."""
    problems = list(dict.fromkeys(_problems(document, kind)))
    if problems:
        raise InvalidInput(problems)
    return msgspec.convert(document.data, kind)


def read_json(raw: bytes, kind: type[T], *, file: str) -> T:
    """Returns the noun in canonical JSON; msgspec's own message, which names the path.

    Raises:
        InvalidInput: the bytes are not JSON or not such a noun.
    """
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.DecodeError as error:
        raise InvalidInput.one(
            str(error), place=file, hint="records are never edited: git checkout the file"
        ) from None


@cache
def schema_of(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Returns the JSON Schema (draft 2020-12) of a noun."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **msgspec.json.schema(kind),
    }


def _problems(document: Document, kind: type[msgspec.Struct]) -> Iterator[Problem]:
    for error in _errors(document.data, kind):
        for path, what, hint in _describe(error):
            yield Problem(place=document.place(path), what=what, hint=hint)


def _errors(data: Any, kind: type[msgspec.Struct]) -> list[Any]:
    import jsonschema

    validator = jsonschema.Draft202012Validator(schema_of(kind))
    return sorted(validator.iter_errors(data), key=lambda error: [str(p) for p in error.path])


def _describe(error: Any) -> Iterator[tuple[Path, str, str]]:
    """Yields (path, what, hint) for one error of jsonschema, descending into alternatives."""
    path: Path = tuple(error.absolute_path)
    if error.validator == "anyOf":
        yield from _describe_alternatives(error, path)
    elif error.validator == "additionalProperties":
        yield from _unknown_keys(error, path)
    elif error.validator == "required":
        for key in error.validator_value:
            if key not in error.instance:
                yield (*path, key), "missing", "add it"
    else:
        yield path, *_plain(error)


def _describe_alternatives(error: Any, path: Path) -> Iterator[tuple[Path, str, str]]:
    """Reports the alternative that the value was meant for: the one of its own JSON type."""
    deeper = [e for e in error.context if e.validator != "type" or len(e.relative_path) > 0]
    meant = {next(iter(e.relative_schema_path)) for e in deeper}
    if len(meant) == 1:
        for child in deeper:
            yield from _describe(child)
        return
    kinds = dict.fromkeys(_wanted(e) for e in error.context if not e.relative_path)
    yield path, f"not {' or '.join(kinds)}: {_shown(error.instance)}", ""


def _wanted(error: Any) -> str:
    if error.validator == "type":
        wanted = error.validator_value
        return _KINDS.get(wanted, str(wanted))
    if error.validator == "enum":
        return f"one of {', '.join(map(str, error.validator_value))}"
    return str(error.message)


def _unknown_keys(error: Any, path: Path) -> Iterator[tuple[Path, str, str]]:
    known = list(error.schema.get("properties", {}))
    for key in error.instance:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.6)
            hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(known)}"
            yield (*path, key), f"unknown key (value {_shown(error.instance[key])})", hint


def _plain(error: Any) -> tuple[str, str]:
    shown, limit = _shown(error.instance), error.validator_value
    match error.validator:
        case "type":
            return f"not {_wanted(error)}: {shown}", ""
        case "enum":
            near = difflib.get_close_matches(str(error.instance), map(str, limit), n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"one of {', '.join(map(str, limit))}"
            return f"not a known value: {shown}", hint
        case "pattern":
            hints = (hint for start, hint in _PATTERN_HINTS.items() if limit.startswith(start))
            return _not_a(limit, shown), next(hints, f"must match {limit}")
        case "minimum" | "exclusiveMinimum" | "maximum" | "exclusiveMaximum":
            return f"out of range: {shown}", f"must be {_bounds(error.schema)}"
        case "minItems" | "minLength":
            return f"empty: {shown}", "give at least one"
    return str(error.message), ""


def _not_a(pattern: str, shown: str) -> str:
    return f"not a date: {shown}" if pattern.startswith(r"^\d{4}-(") else f"not valid: {shown}"


def _bounds(schema: dict[str, Any]) -> str:
    words = {
        "exclusiveMinimum": "above",
        "minimum": "at least",
        "exclusiveMaximum": "below",
        "maximum": "at most",
    }
    return " and ".join(f"{word} {schema[key]}" for key, word in words.items() if key in schema)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def merge(problems: Iterable[Problem]) -> None:
    """Raises one `InvalidInput` with all ``problems``, if there are any."""
    found = list(problems)
    if found:
        raise InvalidInput(found)


__all__ = ["build", "dotted", "merge", "read_json", "read_yaml", "schema_of"]
