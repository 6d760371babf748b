"""Packages of versions' locks: yanked, or missing at the index (ENV002)."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from adapterctl.errors import AdapterctlError
from adapterctl.jobs.project import Project
from adapterctl.jobs.world.asking import Patience, answers, unanswered
from adapterctl.jobs.world.question import Question
from adapterctl.rules.audit.yanked import IndexFile, Locked, State, finding, locked, state_of
from adapterctl.rules.findings import Finding, Skipped
from adapterctl.rules.standing import Standing
from adapterctl.stores import package_index
from adapterctl.stores.package_index import Settings

PLACE = "the package index"


class Listed(NamedTuple):
    """What the indexes have of a project.

    Attributes:
        files: ``None`` when none of them knows it.
        silent: why one of them did not say; the others may have all that is needed.
    """

    files: Sequence[IndexFile] | None
    silent: AdapterctlError | None = None


def questions(project: Project, standings: Sequence[Standing]) -> Iterator[Question]:
    """Yields the question to the index, if any version has a lock; equal locks are read once."""
    by_lock: dict[str, list[Standing]] = {}
    for standing in standings:
        if standing.build.lock is not None:
            by_lock.setdefault(standing.build.lock, []).append(standing)
    if by_lock:
        yield Question(place=PLACE, kind=PLACE, ask=partial(_ask, project, by_lock))


def _ask(
    project: Project, by_lock: Mapping[str, Sequence[Standing]], patience: Patience
) -> Iterator[Finding | Skipped]:
    locks: dict[str, list[Locked]] = {}
    for sha256, standings in by_lock.items():
        read = _read(project, standings[0], sha256) if patience.left else patience.over
        if isinstance(read, AdapterctlError):
            yield unanswered(f"adapter:{standings[0].name}", [read], of=1, what="locks")
        else:
            locks[sha256] = read
    asked = package_index.settings(seconds=patience.left)
    packages = {package for lock in locks.values() for package in lock}
    listed = _listed(asked, {package.name for package in packages}, patience)
    states, skips = _states(asked, packages, listed)
    yield from skips
    elsewhere, skips = _elsewhere(asked, states.values(), patience)
    yield from skips
    wrong = {p: state.wrong for p, state in states.items() if _is_wrong(state, elsewhere)}
    for sha256, lock in locks.items():
        found = {p.shown: what for p in lock if (what := wrong.get(p)) is not None}
        for standing in by_lock[sha256]:
            yield from finding(standing, found)


def _read(project: Project, standing: Standing, sha256: str) -> list[Locked] | AdapterctlError:
    """Returns the packages of a version's lock, or why it is not the recorded one."""
    path = project.registry.lock_path(standing.adapter, standing.version)
    try:
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() == sha256:
            return locked(tomllib.loads(content.decode()))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        pass
    return AdapterctlError(
        f"{path.name} is not the lock that was recorded",
        hint=f"git checkout {path.relative_to(project.root).as_posix()}",
    )


def _listed(asked: Settings, names: set[str], patience: Patience) -> dict[str, Listed]:
    told = answers(
        {name: partial(_files, asked, name, patience) for name in sorted(names)}, patience
    )
    return {
        name: Listed(None, silent=each) if isinstance(each, AdapterctlError) else each
        for name, each in told.items()
    }


def _files(asked: Settings, name: str, patience: Patience) -> Listed:
    found: dict[str, IndexFile] = {}
    known, silent = False, None
    for index in asked.indexes:
        try:
            files = package_index.files(index, name, seconds=patience.seconds, cert=asked.cert)
        except AdapterctlError as error:
            silent = silent or error
            continue
        known = known or files is not None
        for file in files or ():
            found.setdefault(file.name, file)
    return Listed(list(found.values()) if known else None, silent)


def _states(
    asked: Settings, packages: set[Locked], listed: Mapping[str, Listed]
) -> tuple[dict[Locked, State], list[Skipped]]:
    """Returns what became of packages, and what cannot be said of them."""
    if not asked.indexes:
        reason = "pip is told to use none (no-index)"
        return {}, [Skipped(subject=PLACE, reason=reason)] if packages else []
    errors = {name: each.silent for name, each in listed.items() if each.silent is not None}
    states = {package: state_of(package, listed[package.name].files) for package in packages}
    # What one index has is there, whatever another would have said; what it lacks may be there.
    sure = {p: state for p, state in states.items() if p.name not in errors or _is_there(p, listed)}
    unsure = [errors[name] for name in sorted({p.name for p in packages - sure.keys()})]
    if unsure:
        return sure, [unanswered(PLACE, unsure, of=len(listed), what="projects")]
    if len(listed) > 1 and not any(each.files for each in listed.values()):
        reason = f"it knows none of {len(listed)} projects"
        return {}, [Skipped(subject=PLACE, reason=reason, mend="look at pip's index-url")]
    return sure, []


def _is_there(package: Locked, listed: Mapping[str, Listed]) -> bool:
    return (
        bool(listed[package.name].files)
        and state_of(package, listed[package.name].files).wrong is None
    )


def _elsewhere(
    asked: Settings, states: Iterable[State], patience: Patience
) -> tuple[dict[str, bool], list[Skipped]]:
    """Returns which addresses in locks still have what the indexes have not."""
    urls = sorted({url for state in states for url in state.elsewhere})
    requests: dict[str, Callable[[], bool]] = {
        url: partial(package_index.is_there, url, seconds=patience.seconds, cert=asked.cert)
        for url in urls
    }
    told = answers(requests, patience)
    errors = [each for each in told.values() if isinstance(each, AdapterctlError)]
    found = {url: each for url, each in told.items() if isinstance(each, bool)}
    return found, [unanswered(PLACE, errors, of=len(urls), what="files")] if errors else []


def _is_wrong(state: State, elsewhere: Mapping[str, bool]) -> bool:
    """Whether a package is to be reported: not while an address that may have it is silent."""
    if state.wrong is None or not state.elsewhere:
        return state.wrong is not None
    return any(elsewhere.get(url) is False for url in state.elsewhere)
