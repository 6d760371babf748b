"""The lock of a version's environment: the project's own, else resolved, else a mere list.

Its bytes are kept in the version's folder under DVC and, once the version has its number, beside
its record in ``registry/``.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

from adapterctl.errors import InvalidInput, Mismatch, Unreachable
from adapterctl.jobs.project import Project
from adapterctl.records.noun import Noun
from adapterctl.records.version import Environment, LockPin, VersionRecord
from adapterctl.rules.environments import lock_gaps
from adapterctl.rules.redaction import redacted
from adapterctl.stores import pylock
from adapterctl.stores.distributions import canonical, record_digests, without_index
from adapterctl.stores.files import write_atomically
from adapterctl.stores.pip import resolve

LOCK = "pylock.toml"

_NO_LOCK = "no pylock.toml at the project's root (uv export, pip lock and pdm export write one)"


RESOLVE_SECONDS = 300.0
"""After so long, pip is not waited for: 200 distributions took it 43 s."""


class _Lock(Noun, frozen=True, kw_only=True):
    """A lock, and why it would not give what is installed."""

    kind: Literal["project", "resolved", "installed"]
    text: str
    gaps: list[str]
    source: str | None = None


def keep(project: Project, environment: Environment, *, folder: Path) -> LockPin:
    """Writes the lock of ``environment`` into a version's folder; tells what is not locked.

    The project's own lock is taken as it is, credentials apart. Without one, an index is asked
    when params.yaml says so; else what is installed is listed, and the network left alone.
    """
    found = _own(project.root, environment)
    if isinstance(found, list) and project.policy.lock == "resolve":
        found = _resolved(project, environment)
    if isinstance(found, list):
        found = _listed(environment, gaps=found or [_NO_LOCK])
    content = redacted(found.text).encode()
    write_atomically(folder / LOCK, content)
    for gap in found.gaps:
        project.display.say(f"ENV001 the environment is not locked: {gap}")
    return LockPin(
        kind=found.kind,
        sha256=hashlib.sha256(content).hexdigest(),
        source=found.source,
        gaps=found.gaps,
    )


def file(project: Project, record: VersionRecord, *, folder: Path) -> None:
    """Puts the lock that a version's folder keeps beside the version's record.

    Raises:
        Mismatch: it is not the lock that the record names.
    """
    kept = folder / LOCK
    content = kept.read_bytes() if kept.is_file() else b""
    if record.lock is None or hashlib.sha256(content).hexdigest() != record.lock.sha256:
        raise Mismatch(
            "not the lock that the record names",
            place=str(kept),
            hint=f"adapterctl verify {record.adapter}@{record.version}",
        )
    write_atomically(project.registry.lock_path(record.adapter, record.version), content)


def is_filed(project: Project, record: VersionRecord) -> bool:
    """Whether the version's lock lies beside its record, or it has none."""
    path = project.registry.lock_path(record.adapter, record.version)
    if record.lock is None:
        return True
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == record.lock.sha256


def _own(root: Path, environment: Environment) -> _Lock | list[str]:
    """Returns the project's own lock, the one that agrees best; or why there is none to use."""
    usable, unusable = [], []
    for path in pylock.own_locks(root):
        try:
            # With line endings as git will keep them in registry/, or its digest would not hold.
            text = path.read_text(encoding="utf-8")
            locked = pylock.selected(text, place=path.name)
        except UnicodeDecodeError as error:
            unusable.append(f"{path.name}: not UTF-8 at byte {error.start}")
        except InvalidInput as error:
            unusable.append(str(error).partition("\n")[0])
        else:
            gaps = lock_gaps(locked, environment.distributions)
            usable.append(_Lock(kind="project", text=text, gaps=gaps, source=path.name))
    # The less there is to tell of a lock, the better it agrees.
    return min(usable, key=lambda own: sum(map(len, own.gaps)), default=unusable)


def _resolved(project: Project, environment: Environment) -> _Lock | list[str]:
    """Returns the lock of exactly what is installed, as an index has it; or why there is none."""
    installed = environment.distributions
    beside = without_index()
    wanted = {name: version for name, version in installed.items() if name not in beside}
    project.display.say(f"looking for {len(wanted)} distributions at the index (lock: resolve)")
    try:
        files = resolve(wanted, timeout=RESOLVE_SECONDS)
    except Unreachable as error:
        return [f"not resolved: {redacted(error.problems[0].what)}"]
    held = [file for file in files if not file.url.startswith("file:")]
    text = pylock.resolved(held, python=environment.python)
    left = sorted(installed.keys() - {canonical(file.name) for file in held})
    gaps = [f"not from an index: {', '.join(f'{name} {installed[name]}' for name in left)}"]
    return _Lock(kind="resolved", text=text, gaps=gaps if left else [])


def _listed(environment: Environment, *, gaps: list[str]) -> _Lock:
    text = pylock.listed(
        environment.distributions, digests=record_digests(), python=environment.python
    )
    return _Lock(kind="installed", text=text, gaps=gaps)
