"""The catalogue that comes with the package: bases to start from, and dates that are known of them.

``bases.yaml`` is written by hand, each entry with its page. ``lifecycle/<feed>.jsonl`` holds lines
as `lifecycle import` writes them, of a feed's snapshot and as far as they are about these bases.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from adapterctl.records.catalogue import Catalogue, CatalogueEntry
from adapterctl.records.lifecycle import Naming, Observation
from adapterctl.records.reading import read_json, read_yaml

_HERE = files(__name__)


@cache
def entries() -> tuple[CatalogueEntry, ...]:
    """Returns every entry, in order of name."""
    text = _HERE.joinpath("bases.yaml").read_text(encoding="utf-8")
    read = read_yaml(text, Catalogue, file="the catalogue's bases.yaml").bases
    return tuple(sorted(read, key=lambda entry: entry.base))


def entry(base: str) -> CatalogueEntry | None:
    """Returns the entry of that name, if there is one."""
    return next((each for each in entries() if each.base == base), None)


def observations() -> dict[str, list[Observation]]:
    """Returns feed to the lines that its ledger begins with."""
    return {
        name.removesuffix(".jsonl"): [
            read_json(line, Observation, file=name) for line in text.splitlines()
        ]
        for name, text in _ledgers("lifecycle")
    }


def namings() -> dict[str, list[Naming]]:
    """Returns feed to the other names of bases that it states."""
    return {
        name.removesuffix(".jsonl"): [
            read_json(line, Naming, file=name) for line in text.splitlines()
        ]
        for name, text in _ledgers("names")
    }


def _ledgers(folder: str) -> list[tuple[str, bytes]]:
    found = [each for each in _HERE.joinpath(folder).iterdir() if each.name.endswith(".jsonl")]
    return sorted((each.name, each.read_bytes()) for each in found)
