"""Locked packages that an index has yanked, or has no more (ENV002)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from adapterctl.records.noun import Noun
from adapterctl.rules.audit.judged import about
from adapterctl.rules.findings import Finding
from adapterctl.rules.standing import Standing

NAMED = 5
"""So many packages are named; their number is always said."""

_ENDINGS = re.compile(r"\.(tar\.(gz|bz2|xz|Z)|tgz|tar|zip|whl)$")
_RELEASE = re.compile(r"^v?(?:(?P<epoch>\d+)!)?(?P<release>\d+(?:\.\d+)*)(?P<rest>.*)$")


class IndexFile(NamedTuple):
    """A file as an index lists it; ``yanked`` is the reason, empty without one."""

    name: str
    sha256: str | None = None
    yanked: str | None = None


class LockedFile(NamedTuple):
    """A file that a lock would install."""

    name: str
    url: str | None = None
    sha256: str | None = None


class Locked(Noun, frozen=True, kw_only=True):
    """A package of a lock that comes from an index; ``files`` is empty where none is named."""

    name: str
    version: str
    files: tuple[LockedFile, ...] = ()

    @property
    def shown(self) -> str:
        """As people write it."""
        return f"{self.name} {self.version}"


def locked(lock: Mapping[str, Any]) -> list[Locked]:
    """Returns the packages of a lock (PEP 751) that an index can be asked about.

    A folder, a commit of a repository and an archive by its address come from no index.
    """
    found = []
    for package in lock.get("packages", ()):
        ours = package.get("tool", {}).get("adapterctl", {})
        version = package.get("version") or ours.get("version")
        if version is None or any(key in package for key in ("vcs", "directory", "archive")):
            continue
        told = [*package.get("wheels", ()), *filter(None, [package.get("sdist")])]
        files = tuple(_file(each) for each in told)
        found.append(Locked(name=normalised(package["name"]), version=version, files=files))
    return found


def _file(told: Mapping[str, Any]) -> LockedFile:
    url = told.get("url")
    name = told.get("name") or str(url or told.get("path", "")).partition("#")[0].rpartition("/")[2]
    return LockedFile(name=name, url=url, sha256=told.get("hashes", {}).get("sha256"))


def normalised(name: str) -> str:
    """Returns a distribution's name as indexes write it in addresses (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def same_version(one: str) -> tuple[str, ...]:
    """Returns what equal versions have in common (PEP 440): ``1.0`` and ``v1.0.0`` are equal."""
    told = one.strip().lower()
    found = _RELEASE.match(told)
    if found is None:
        return (told,)
    numbers = [str(int(each)) for each in found["release"].split(".")]
    while numbers and numbers[-1] == "0":
        numbers.pop()
    rest = re.sub(r"[-_.]", "", found["rest"].partition("+")[0])
    rest = rest.replace("alpha", "a").replace("beta", "b").replace("preview", "rc")
    local = re.sub(r"[-_]", ".", found["rest"].partition("+")[2])
    return (found["epoch"] or "0", ".".join(numbers), rest, local)


def version_of(file: str, name: str) -> str | None:
    """Returns the version that a file's name states; ``None`` of a file that is no package."""
    stem = _ENDINGS.sub("", file)
    if stem == file:
        return None
    if file.endswith(".whl"):
        parts = stem.split("-")
        return parts[1] if len(parts) >= 5 else None
    # A source's name may hold hyphens as its version does not: it ends where the name does.
    for at in range(len(stem)):
        if stem[at] == "-" and normalised(stem[:at]) == name:
            return stem[at + 1 :]
    return None


class State(NamedTuple):
    """What became of a locked package; ``wrong`` is ``None`` where nothing did.

    Attributes:
        wrong: what is wrong with it.
        elsewhere: addresses in the lock that may have what the index has not.
    """

    wrong: str | None = None
    elsewhere: tuple[str, ...] = ()


def state_of(package: Locked, listed: Sequence[IndexFile] | None) -> State:
    """Returns what indexes say of a locked package.

    Args:
        package: with its files, or without any.
        listed: the files that the indexes have of the project; ``None`` when none has it.
    """
    if not package.files:
        return _by_version(package, listed)
    here = {file.name: file for file in listed or ()}
    missing = [file for file in package.files if file.name not in here]
    yanked = [each.yanked for file in package.files if (each := here.get(file.name)) is not None]
    if missing:
        which = "" if len(missing) == len(package.files) else f"({missing[0].name}) "
        urls = [file.url for file in missing if file.url is not None]
        return State(
            wrong=f"{which}missing at the index",
            elsewhere=tuple(urls) if len(urls) == len(missing) else (),
        )
    changed = [file for file in package.files if _differs(file, here[file.name])]
    if changed:
        return State(wrong=f"another file is now {changed[0].name}")
    return State(wrong=_yanked(yanked))


def _by_version(package: Locked, listed: Sequence[IndexFile] | None) -> State:
    """Judges a package of which only the version is known, as a list of what is installed has it.

    A project that no index knows, and a build with a local version, may never have been at one:
    that such a list installs nothing is ENV001.
    """
    if listed is None:
        return State()
    wanted = same_version(package.version)
    stated = [(version_of(file.name, package.name), file) for file in listed]
    same = [file for version, file in stated if version and same_version(version) == wanted]
    if not same:
        return State() if "+" in package.version else State(wrong="missing at the index")
    return State(wrong=_yanked([file.yanked for file in same]))


def _yanked(reasons: Sequence[str | None]) -> str | None:
    """Returns words for a release of which every file is yanked."""
    if not reasons or None in reasons:
        return None
    why = next(filter(None, reasons), "")
    return f"yanked ({why})" if why else "yanked"


def _differs(locked_file: LockedFile, file: IndexFile) -> bool:
    known = locked_file.sha256 and file.sha256
    return bool(known) and locked_file.sha256 != file.sha256


def finding(standing: Standing, wrong: Mapping[str, str]) -> Iterator[Finding]:
    """Yields ENV002 about a version, with what is wrong with packages of its lock."""
    if not wrong:
        return
    told = [f"{name} {what}" for name, what in wrong.items()]
    more = f", and {len(told) - NAMED} more" if len(told) > NAMED else ""
    number = "1 locked package" if len(told) == 1 else f"{len(told)} locked packages"
    yield about(
        standing,
        "ENV002",
        "medium",
        message=f"{number} may not be installed again: {', '.join(told[:NAMED])}{more}",
        mend=f"keep the files, or lock other versions and adapterctl register "
        f"registry/adapters/{standing.adapter}/recipe.yaml",
    )
