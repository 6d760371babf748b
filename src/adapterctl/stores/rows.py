"""The door to data files: JSONL, CSV and Parquet in, canonical JSONL out.

A row is a mapping of plain JSON values, whatever the format it came in. CSV values are text.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from adapterctl.errors import InvalidInput, MissingExtra, Problem
from adapterctl.records.canonical import compact
from adapterctl.records.yaml_text import parse
from adapterctl.stores.files import write_atomically

Row = dict[str, Any]

MAX_PROBLEMS = 20

# The csv module's own limit of 131,072 characters refuses long documents; this is the largest
# value that a C long holds everywhere.
_MAX_FIELD = 2**31 - 1


def read_rows(path: Path, *, place: str) -> list[Row]:
    """Returns the rows of a data file, or of all data files of a folder in order of their names.

    Args:
        path: a ``.jsonl``, ``.ndjson``, ``.csv``, ``.tsv`` or ``.parquet`` file, or a folder.
        place: how an error names the file, usually its path as the recipe writes it.

    Raises:
        InvalidInput: missing, empty, not UTF-8, not in a known format, or rows that are broken;
            these are named by line number, the first 20 and how many more there are.
        MissingExtra: a Parquet file, and pyarrow is not installed.
    """
    if path.is_dir():
        rows = _read_folder(path, place)
    elif path.is_file():
        rows = _reader(path, place)(path, place)
    else:
        raise InvalidInput.one(
            "no such file", place=place, hint=f"correct the path, or fetch it: dvc pull {place}"
        )
    if not rows:
        raise InvalidInput.one(
            "holds no rows", place=place, hint="a data set needs at least one row"
        )
    return rows


def read_numbered(path: Path, *, place: str) -> list[tuple[int, Row]]:
    """Returns the entries of a list that people write, each with its line.

    Args:
        path: a CSV or JSONL file, or a list in YAML or JSON, whose entries may be anything.
        place: how an error names the file.

    Raises:
        InvalidInput: missing, not such a file, or lines that are broken, by their numbers.
    """
    reader = _NUMBERED.get(path.suffix.lower())
    if reader is None:
        raise InvalidInput.one(
            f"not a known format: {path.suffix!r}",
            place=place,
            hint="use YAML (.yaml), JSON (.json), JSONL (.jsonl) or CSV (.csv)",
        )
    if not path.is_file():
        raise InvalidInput.one("no such file", place=place)
    return reader(path, place)


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Writes rows as canonical JSON lines, under a temporary name and renamed.

    Raises:
        AdapterctlError: the file cannot be written; nothing half-written stays.
    """
    write_atomically(path, b"".join(compact(row) + b"\n" for row in rows))


def _read_folder(folder: Path, place: str) -> list[Row]:
    files = [p for p in sorted(folder.rglob("*")) if p.is_file() and p.suffix.lower() in _READERS]
    named = ((file, f"{place}/{file.relative_to(folder).as_posix()}") for file in files)
    return [row for file, name in named for row in _reader(file, name)(file, name)]


def _reader(path: Path, place: str) -> Callable[[Path, str], list[Row]]:
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise InvalidInput.one(
            f"not a known format: {path.suffix!r}",
            place=place,
            hint="use JSONL (.jsonl), CSV (.csv) or Parquet (.parquet)",
        )
    return reader


def _bytes(path: Path, place: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput.one(f"cannot read: {error.strerror}", place=place) from None


def _text(path: Path, place: str) -> str:
    """Returns the file's text; a byte order mark, as spreadsheets write it, is dropped."""
    raw = _bytes(path, place)
    try:
        return raw.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        byte = raw[error.start]
        raise InvalidInput.one(
            f"not UTF-8: byte 0x{byte:02x} at offset {error.start}",
            place=f"{place}:{line}",
            hint="save it as UTF-8, for latin-1: iconv -f latin1 -t utf-8 OLD > NEW",
        ) from None


def _read_jsonl(path: Path, place: str) -> list[Row]:
    return [row for _, row in _numbered_jsonl(path, place)]


def _numbered_jsonl(path: Path, place: str) -> list[tuple[int, Row]]:
    rows: list[tuple[int, Row]] = []
    problems: list[Problem] = []
    for number, line in enumerate(_text(path, place).split("\n"), start=1):
        if not line.strip():
            continue
        row = _json_row(line)
        if isinstance(row, str):
            problems.append(_broken(place, number, row))
        else:
            rows.append((number, row))
    _refuse(problems, place)
    return rows


def _json_row(line: str) -> Row | str:
    """Returns the row in a line, or what is wrong with it."""
    try:
        value = msgspec.json.decode(line)
    except msgspec.DecodeError as error:
        return f"not JSON: {str(error).removeprefix('JSON is malformed: ')}"
    except RecursionError:
        return "not JSON: nested too deeply"
    return value if isinstance(value, dict) else f"not an object but {_kind(value)}"


def _numbered_yaml(path: Path, place: str) -> list[tuple[int, Row]]:
    document = parse(_text(path, place), file=place)
    if not isinstance(document.data, list):
        raise InvalidInput.one(
            f"not a list but {_kind(document.data)}", place=place, hint="write one '- ' per entry"
        )
    return [(document.lines[number,], entry) for number, entry in enumerate(document.data)]


def _kind(value: Any) -> str:
    names = {
        list: "a list",
        dict: "a mapping",
        str: "text",
        bool: "a truth value",
        type(None): "null",
    }
    return names.get(type(value), "a number")


def _broken(place: str, line: int, what: str) -> Problem:
    hint = "one JSON object per line" if what.startswith("not an object") else "mend the line"
    return Problem(place=f"{place}:{line}", what=what, hint=hint)


def _refuse(problems: list[Problem], place: str) -> None:
    if not problems:
        return
    more = len(problems) - MAX_PROBLEMS
    tail = [Problem(place=place, what=f"and {more} more broken lines")] if more > 0 else []
    raise InvalidInput([*problems[:MAX_PROBLEMS], *tail])


def _read_csv(path: Path, place: str) -> list[Row]:
    return [row for _, row in _numbered_csv(path, place)]


def _numbered_csv(path: Path, place: str) -> list[tuple[int, Row]]:
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    csv.field_size_limit(_MAX_FIELD)
    reader = csv.reader(
        io.StringIO(_text(path, place), newline=""), delimiter=delimiter, strict=True
    )
    try:
        header = next(reader, [])
        _check_header(header, place)
        return list(_csv_rows(reader, header, place))
    except csv.Error as error:
        raise InvalidInput.one(
            f"not CSV: {error}", place=f"{place}:{reader.line_num}", hint='write a quote as ""'
        ) from None


def _check_header(header: list[str], place: str) -> None:
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice or "" in header:
        what = f"columns named twice: {', '.join(map(repr, twice))}" if twice else "unnamed column"
        raise InvalidInput.one(
            what, place=f"{place}:1", hint="the first line names each column once"
        )


def _csv_rows(reader: Any, header: list[str], place: str) -> Iterator[tuple[int, Row]]:
    problems: list[Problem] = []
    for values in reader:
        if not values:
            continue
        if len(values) != len(header):
            what = f"{len(values)} values under {len(header)} columns"
            problems.append(
                Problem(place=f"{place}:{reader.line_num}", what=what, hint="quote commas in text")
            )
        yield reader.line_num, dict(zip(header, values, strict=False))
    _refuse(problems, place)


def _read_parquet(path: Path, place: str) -> list[Row]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError:
        raise MissingExtra("train", needed_for=f"reading the Parquet file {place}") from None
    try:
        table = pyarrow.parquet.read_table(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise InvalidInput.one(f"not Parquet: {error}", place=place) from None
    rows: list[Row] = msgspec.to_builtins(table.to_pylist())
    return rows


_READERS: dict[str, Callable[[Path, str], list[Row]]] = {
    ".jsonl": _read_jsonl,
    ".ndjson": _read_jsonl,
    ".csv": _read_csv,
    ".tsv": _read_csv,
    ".parquet": _read_parquet,
}

_NUMBERED: dict[str, Callable[[Path, str], list[tuple[int, Row]]]] = {
    ".jsonl": _numbered_jsonl,
    ".ndjson": _numbered_jsonl,
    ".csv": _numbered_csv,
    ".tsv": _numbered_csv,
    ".yaml": _numbered_yaml,
    ".yml": _numbered_yaml,
    ".json": _numbered_yaml,
}
