"""Whether what a version pins is where it was put: DATA001, and DATA002 as far as sizes tell.

Presence is asked without bringing the bytes: that they are the pinned ones is `verify`'s to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from adapterctl.records.adopted import AnyRecord
from adapterctl.records.noun import Noun
from adapterctl.records.version import DatasetPin, FilePin
from adapterctl.rules.audit.judged import about
from adapterctl.rules.data_pins import data_pins
from adapterctl.rules.findings import Finding
from adapterctl.rules.standing import Standing

NAMED = 3
"""So many paths are named; their number is always said."""

ARTIFACTS = "its folder of weights, code and predictions"

FOLDER = ".dir"
"""How the md5 of a folder's listing ends."""


class Pinned(NamedTuple):
    """A file or folder that DVC keeps for a version; ``files`` are a folder's."""

    path: str
    md5: str
    size: int
    files: Sequence[FilePin] = ()


class Held(Noun, frozen=True, kw_only=True):
    """What a remote holds of what it was asked for.

    Attributes:
        sizes: bytes by md5, of every object that is there; ``None`` where the remote does not tell.
        listings: md5 of a folder to its files, path to md5.
        damaged: folders whose listing is not the one that its md5 names.
        unknown: objects that the remote did not answer for.
    """

    sizes: Mapping[str, int | None]
    listings: Mapping[str, Mapping[str, str]] = {}
    damaged: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()


class Verdict(NamedTuple):
    """Paths that are gone, and paths with what is wrong about what is there."""

    gone: list[str]
    wrong: list[str]


class Kept(NamedTuple):
    """What has to be there for a version: in DVC's remote, and in buckets of its data."""

    standing: Standing
    in_dvc: list[Pinned]
    in_buckets: list[DatasetPin]


def kept(standing: Standing, record: AnyRecord) -> Kept:
    """Returns what has to be there for a version; data that were removed on purpose have not."""
    data = [] if standing.data_removed else data_pins(record)
    in_buckets = [pin for pin in data if pin.version_id is not None]
    return Kept(standing, _pinned(data, record), in_buckets)


def _pinned(data: Iterable[DatasetPin], record: AnyRecord) -> list[Pinned]:
    in_dvc = (pin for pin in data if pin.version_id is None)
    found = [Pinned(pin.path, pin.md5, pin.size, pin.files) for pin in in_dvc]
    folder = record.artifacts
    if folder is not None:
        found.append(Pinned(ARTIFACTS, folder.md5, folder.size, folder.files))
    return found


def folders(pins: Iterable[Pinned]) -> set[str]:
    """Returns the md5s of the folders among pins."""
    return {pin.md5 for pin in pins if pin.md5.endswith(FOLDER)}


def objects(pin: Pinned, listings: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, str]]:
    """Yields (path, md5) of all that a pin is lost without, as far as listings are known."""
    yield pin.path, pin.md5
    listed = listings.get(pin.md5, {})
    for file in pin.files:
        if file.path in listed:
            yield _below(pin, file), listed[file.path]


def judge_pins(pins: Iterable[Pinned], held: Held) -> Verdict:
    """Returns what a version lacks in the remote; what it did not answer for is left out."""
    gone: list[str] = []
    wrong: list[str] = []
    for pin in pins:
        if pin.md5 in held.unknown:
            continue
        if pin.md5 not in held.sizes:
            gone.append(pin.path)
        elif pin.md5 in held.damaged:
            wrong.append(f"the list of files of {pin.path} has other bytes")
        elif not pin.md5.endswith(FOLDER):
            wrong += compared(pin.path, pin.size, held.sizes[pin.md5])
        _judge_files(pin, held, Verdict(gone, wrong))
    return Verdict(gone, wrong)


def _judge_files(pin: Pinned, held: Held, into: Verdict) -> None:
    listed = held.listings.get(pin.md5)
    if listed is None:
        return
    for file in pin.files:
        md5 = listed.get(file.path)
        if md5 is None:
            into.wrong.append(f"{_below(pin, file)} is not in the list of its folder's files")
        elif md5 in held.sizes:
            into.wrong.extend(compared(_below(pin, file), file.size, held.sizes[md5]))
        elif md5 not in held.unknown:
            into.gone.append(_below(pin, file))


def _below(pin: Pinned, file: FilePin) -> str:
    return str(PurePosixPath(pin.path) / file.path) if pin.path != ARTIFACTS else file.path


def compared(path: str, pinned: int, found: int | None) -> list[str]:
    """Returns what is wrong with the size of a file that is there, if it is known."""
    if found is None or found == pinned:
        return []
    return [f"{path} has {found:,} B, pinned were {pinned:,} B"]


def findings(standing: Standing, verdict: Verdict, *, place: str, mend: str) -> Iterator[Finding]:
    """Yields DATA001 for what is gone and DATA002 for what is there and cannot be right.

    Args:
        standing: whose pins.
        verdict: what is amiss.
        place: where was looked, as ``remote 'storage'``.
        mend: what brings back what is gone.
    """
    if verdict.gone:
        yield about(
            standing,
            "DATA001",
            "critical",
            message=f"not in {place} any more: {_some(verdict.gone, ', ')}",
            mend=mend,
        )
    if verdict.wrong:
        yield about(
            standing,
            "DATA002",
            "critical",
            message=f"in {place}: {_some(verdict.wrong, '; ')}",
            mend=f"adapterctl verify {standing.name}, and restore it from a copy",
        )


def _some(what: Sequence[str], between: str) -> str:
    more = f" and {len(what) - NAMED} more" if len(what) > NAMED else ""
    return between.join(what[:NAMED]) + more
