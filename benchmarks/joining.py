"""How many bases that real adapters state are found in the feeds, by which rule, and all pairs.

A pair is a base as an adapter states it and a feed's name for it. They are written down one by
one, to be read: a false pair is worse than a missing one.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

from adapterctl.records.base import Base
from adapterctl.records.lifecycle import Naming, Observation
from adapterctl.rules.feeds.meaning import observations_of
from adapterctl.rules.feeds.rows import Feed
from adapterctl.rules.lifecycle.almanac import Almanac, subject_of
from adapterctl.rules.names.joins import Join, Subject
from adapterctl.rules.names.meanings import How
from adapterctl.rules.names.stated import stated_base
from adapterctl.stores.catalogue import entries
from adapterctl.stores.feeds import read_snapshot
from benchmarks.machine import REPOSITORY, commit, facts

DAY = date(2026, 11, 23)
"""Stands for the day of a snapshot that states none; no date is judged here."""

SNAPSHOTS: tuple[tuple[Feed, str], ...] = (
    ("litellm", "litellm/*.json"),
    ("deprecations-info", "deprecations-info/*.json"),
    ("modeldeprecations", "modeldeprecations/models"),
    ("endoflife", "endoflife/products/*.md"),
    ("hub-cases", "hub-lifecycle-cases.jsonl"),
)

CASES = frozenset({"removed", "renamed", "org-renamed", "superseded"})
"""Kinds of cases that happened; others were only proposed."""

RUNGS: tuple[tuple[str, tuple[How, ...]], ...] = (
    ("exact", ("exact",)),
    ("canonicalised", ("capitals", "spelling", "mirror")),
    ("hub cases", ("renamed",)),
    ("alias table", ("table",)),
)
"""What a base is counted under: the first rung that finds it anywhere."""

AT_LEAST = {"stated": 3, "catalogue": 85}
"""Bases found when this was last read through."""


class Told(NamedTuple):
    """What the feeds say.

    Attributes:
        cases: repositories that a case of the Hub is about: removed, renamed or superseded.
    """

    seen: list[Observation]
    names: list[Naming]
    cases: set[str]


def main(arguments: Sequence[str]) -> int:
    corpus = Path(os.environ.get("ADAPTERCTL_CORPUS", REPOSITORY.parent / "shared" / "corpus"))
    if not corpus.is_dir():
        print(f"joining: NOT RUN, no corpus at {corpus}; set ADAPTERCTL_CORPUS")
        return 1
    found = measure(stated_names(corpus), read(corpus / "eol"))
    result = {
        "what": "bases stated by real adapter configs, and the bases of the catalogue, looked up "
        "in every snapshot of every feed; each pair found, by which rule",
        "date": datetime.now(UTC).date().isoformat(),
        **commit(),
        "machine": facts(),
        **found,
        "at_least": AT_LEAST,
        "held": all(joined(found[part]["counts"]) >= AT_LEAST[part] for part in AT_LEAST),
    }
    out = REPOSITORY / "benchmarks" / "results" / "joining.json"
    out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    out.with_suffix(".md").write_text(page(result), encoding="utf-8")
    for part in AT_LEAST:
        counts = found[part]["counts"]
        print(f"joining, {part}: {', '.join(f'{count} {rung}' for rung, count in counts.items())}")
    return int(not result["held"])


def joined(counts: dict[str, int]) -> int:
    """Returns how many bases were found at all."""
    return sum(counts.values()) - counts["not joined"]


def measure(stated: Sequence[str], told: Told) -> dict[str, Any]:
    """Returns counts and pairs, of what adapters state and of the catalogue's bases."""
    feeds_of: dict[Subject, set[str]] = {}
    for one in told.seen:
        feeds_of.setdefault(subject_of(one), set()).add(one.key.partition(":")[0])
    bases = {entry.base: entry.declared() for entry in entries()}
    here = Almanac(told.seen, {}, namings=told.names)
    catalogue = Almanac(told.seen, bases, namings=told.names)
    meant = {name: stated_base(name) for name in stated}
    found = {name: here.found_under(base.canonical or name) for name, base in meant.items()}
    mirrors = {
        name: [join._replace(how="mirror") for join in joins] if meant[name].origin else joins
        for name, joins in found.items()
    }
    named = {called(base): catalogue.found_under(name) for name, base in bases.items()}
    return {
        "stated": _part(mirrors, feeds_of, told.cases),
        "catalogue": _part(named, feeds_of, told.cases),
    }


def called(base: Base) -> str:
    """Returns what the source of a base calls it."""
    source = base.source
    return source.hub or f"{source.provider}: {source.model}"


def _part(
    found: dict[str, list[Join]], feeds_of: dict[Subject, set[str]], cases: set[str]
) -> dict[str, Any]:
    counts = Counter(_rung(base, joins, cases) for base, joins in found.items())
    return {
        "bases": len(found),
        "counts": {rung: counts[rung] for rung in (*(rung for rung, _ in RUNGS), "not joined")},
        "pairs": [
            {
                "base": base,
                "name in feed": join.subject.name,
                "provider": join.subject.provider,
                "feeds": sorted(feeds_of[join.subject]),
                "rule": join.how,
            }
            for base, joins in sorted(found.items())
            for join in joins
        ],
        "cases": sorted(base for base in found if _is_case(base, cases)),
        "not joined": sorted(base for base in found if not found[base]),
    }


def _rung(base: str, joins: Sequence[Join], cases: set[str]) -> str:
    rules = {join.how for join in joins}
    found = next((rung for rung, hows in RUNGS if rules.intersection(hows)), None)
    return found or ("hub cases" if _is_case(base, cases) else "not joined")


def _is_case(base: str, cases: set[str]) -> bool:
    """Whether a case of the Hub is about a repository, or about all of its organisation's."""
    name = base.lower()
    return name in cases or f"{name.partition('/')[0]}/*" in cases


def stated_names(corpus: Path) -> list[str]:
    """Returns every base that a config of the corpus states, each once."""
    folder = corpus / "adapters" / "configs"
    configs = (json.loads(path.read_text()) for path in sorted(folder.glob("*.json")))
    stated = {config.get("base_model_name_or_path") for config in configs}
    return sorted(name for name in stated if name)


def read(folder: Path) -> Told:
    """Returns what all snapshots of all feeds say."""
    told = Told([], [], set())
    for feed, pattern in SNAPSHOTS:
        for path in sorted(folder.glob(pattern)):
            snapshot = read_snapshot(feed, path, progress=lambda *_: None)
            reading = observations_of(snapshot, seen_on=snapshot.day or DAY)
            told.seen.extend(reading.dated)
            told.names.extend(reading.named)
            if feed == "hub-cases":
                told.cases.update(r.key.lower() for r in snapshot.rows if r.data.kind in CASES)
    return told


def page(result: dict[str, Any]) -> str:
    """Returns the result as Markdown, every pair on a line."""
    lines = ["# Joining: names that adapters state, and names in the feeds", ""]
    lines.append(
        f"{result['what'][0].upper()}{result['what'][1:]}. Commit {result['commit'][:12]}."
    )
    for part in AT_LEAST:
        found = result[part]
        counts = ", ".join(f"{count} {rung}" for rung, count in found["counts"].items())
        lines += ["", f"## {part.capitalize()}: {found['bases']} bases, {counts}", ""]
        lines += ["| base | name in feed | provider | feeds | rule |", "|---|---|---|---|---|"]
        lines += [
            f"| {pair['base']} | {pair['name in feed']} | {pair['provider'] or '-'} "
            f"| {', '.join(pair['feeds'])} | {pair['rule']} |"
            for pair in found["pairs"]
        ]
        lines += ["", f"In a case of the Hub: {', '.join(found['cases']) or 'none'}."]
        lines += ["", f"Not in any feed: {', '.join(found['not joined']) or 'none'}."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
