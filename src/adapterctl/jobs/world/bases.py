"""Bases in use: can they still be fetched from their source, or from their mirror (BASE003)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, TypeAlias

from adapterctl.errors import AdapterctlError, NotFound, Unreachable
from adapterctl.jobs.project import Project
from adapterctl.jobs.survey import Survey
from adapterctl.jobs.world import expiry
from adapterctl.jobs.world.asking import Patience, answers, unanswered
from adapterctl.jobs.world.question import Question
from adapterctl.records.base import Base
from adapterctl.rules.audit.fetchable import Whereabouts, judge_places
from adapterctl.rules.bucket_urls import in_bucket, split
from adapterctl.rules.findings import Finding, Skipped
from adapterctl.rules.standing import Standing
from adapterctl.stores.hub import ABOUT_ONE, must_be_there
from adapterctl.stores.s3 import Access, S3Store

HUB = "the Hugging Face Hub"
FOLDERS = "folders of bases"

WEIGHTS = ".safetensors"

Key: TypeAlias = tuple[Literal["source", "mirror"], str]
Ask: TypeAlias = Callable[[], object]
Used: TypeAlias = Sequence[tuple[Base, Sequence[Standing]]]


def questions(project: Project, found: Survey) -> Iterator[Question]:
    """Yields the question where the bases in use lie, if any lie somewhere."""
    by_base: dict[str, list[Standing]] = {}
    for standing in found.standings:
        by_base.setdefault(standing.base, []).append(standing)
    known = found.almanac.bases
    used = [(known[name], by_base[name]) for name in sorted(by_base.keys() & known.keys())]
    fetched = [(base, each) for base, each in used if _comes_from_somewhere(base)]
    if fetched:
        number = "1 base" if len(fetched) == 1 else f"{len(fetched):,} bases"
        kind = f"the sources and mirrors of {number}"
        yield Question(place="bases", kind=kind, ask=partial(_ask, project, fetched))


def _comes_from_somewhere(base: Base) -> bool:
    """Whether a base is fetched: not at a provider, and not built on the spot by a stage."""
    return base.source.provider is None and base.fingerprint_file is None


def _ask(project: Project, used: Used, patience: Patience) -> Iterator[Finding | Skipped]:
    requests: dict[Key, Ask] = {}
    for base, _ in used:
        requests["source", base.base] = _at_source(project.root, base, patience)
        if base.mirror is not None and not in_bucket(base.mirror):
            requests["mirror", base.base] = partial(_must_be_here, project.root, base.mirror)
    copies = {base.base: base.mirror for base, _ in used if base.mirror and in_bucket(base.mirror)}
    told = answers(requests, patience) | _in_buckets(copies, patience)
    yield from _silent(used, told)
    for base, standings in used:
        source = _whereabouts(_place(base), told["source", base.base])
        mirror = None
        if base.mirror is not None:
            mirror = _whereabouts(base.mirror, told["mirror", base.base])
        yield from judge_places(base, standings, source=source, mirror=mirror)


def _place(base: Base) -> str:
    return f"hub:{base.source.hub}" if base.source.hub else str(base.source.path)


def _at_source(root: Path, base: Base, patience: Patience) -> Ask:
    if base.source.hub is None:
        return partial(_must_be_here, root, str(base.source.path))
    revision = base.revision or "main"
    return partial(must_be_there, base.source.hub, revision, seconds=patience.seconds)


def _must_be_here(root: Path, path: str) -> None:
    """Looks for a folder; where it cannot tell gone from elsewhere, it says so.

    Raises:
        NotFound: the folder around it is there, and it is not.
        Unreachable: it may be on another machine, not mounted, or not checked out.
    """
    folder = root / path
    if folder.is_dir():
        return
    if folder.with_name(f"{folder.name}.dvc").is_file():
        raise Unreachable(
            "under DVC, and not checked out here", place=path, hint=f"dvc pull {path}"
        )
    if not folder.parent.is_dir():
        raise Unreachable(
            "not on this machine: the folder around it is not here either",
            place=path,
            hint="run the audit where it lies, mount it, or mirror it: adapterctl bases mirror",
        )
    raise NotFound("the folder is not there", place=path)


def _in_buckets(
    copies: Mapping[str, str], patience: Patience
) -> dict[Key, object | AdapterctlError]:
    if not copies:
        return {}
    try:
        store = expiry.enter("mirrors", Access(), patience).store
    except AdapterctlError as error:
        return {("mirror", name): error for name in copies}
    requests: dict[Key, Ask] = {
        ("mirror", name): partial(_must_hold_weights, store, url) for name, url in copies.items()
    }
    return {**answers(requests, patience)}


def _must_hold_weights(store: S3Store, url: str) -> None:
    if not any(head.url.endswith(WEIGHTS) for head in store.below(url)):
        raise NotFound(f"no {WEIGHTS} lies below it", place=url)


def _whereabouts(place: str, told: object) -> Whereabouts:
    if isinstance(told, NotFound):
        return Whereabouts(place, gone=told.problems[0].what)
    return Whereabouts(place, known=not isinstance(told, AdapterctlError))


def _silent(used: Used, told: Mapping[Key, object]) -> Iterator[Skipped]:
    """Yields what is not known: once for a place that says nothing of several bases."""
    bases = {base.base: base for base, _ in used}
    asked: dict[str, int] = {}
    errors: dict[str, list[AdapterctlError]] = {}
    for (which, name), error in told.items():
        place = _asked_at(which, bases[name])
        asked[place] = asked.get(place, 0) + 1
        if isinstance(error, AdapterctlError) and not isinstance(error, NotFound):
            about_one = error.problems[0].what in ABOUT_ONE
            errors.setdefault(f"base:{name}" if about_one else place, []).append(error)
    for place, each in errors.items():
        what = "folders" if place == FOLDERS else "bases"
        yield unanswered(place, each, of=asked.get(place, 1), what=what)


def _asked_at(which: str, base: Base) -> str:
    """Returns who was asked, as a `Skipped` names it."""
    if which == "source" and base.source.hub:
        return HUB
    if which == "mirror" and base.mirror and in_bucket(base.mirror):
        return f"s3://{split(base.mirror).bucket}"
    return FOLDERS
