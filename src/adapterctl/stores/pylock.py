"""The door to lock files (PEP 751), read, checked and written through ``packaging``."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from adapterctl.errors import InvalidInput

if TYPE_CHECKING:
    from packaging.pylock import Package, Pylock

TOOL = "adapterctl"
"""Names the tables of a lock that are ours: ``[packages.tool.adapterctl]``."""

_HINT = "write it again with the tool that made it (uv export, pip lock, pdm export)"


def own_locks(root: Path) -> list[Path]:
    """Returns the lock files at a project's root: ``pylock.toml`` first, then by name."""
    from packaging.pylock import is_valid_pylock_path

    found = [path for path in sorted(root.glob("pylock*.toml")) if is_valid_pylock_path(path)]
    return sorted(found, key=lambda path: path.name != "pylock.toml")


def selected(text: str, *, place: str) -> dict[str, str | None]:
    """Returns what an installer would install here from a lock: name to version.

    A version is ``None`` where the lock leaves it to the source (a folder, a commit).

    Raises:
        InvalidInput: it is no lock, or not one for this interpreter and platform.
    """
    from packaging.pylock import PylockSelectError

    try:
        chosen = [package for package, _ in parsed(text, place=place).select()]
    except PylockSelectError as error:
        raise InvalidInput.one(f"not for this environment: {error}", place=place) from error
    return {str(p.name): None if p.version is None else str(p.version) for p in chosen}


def parsed(text: str, *, place: str) -> Pylock:
    """Returns a lock as ``packaging`` reads it.

    Raises:
        InvalidInput: it is not TOML, or breaks a rule of PEP 751.
    """
    from packaging.pylock import Pylock, PylockValidationError

    try:
        return Pylock.from_dict(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, PylockValidationError) as error:
        raise InvalidInput.one(f"not a lock file: {error}", place=place, hint=_HINT) from error


def listed(versions: Mapping[str, str], *, digests: Mapping[str, str | None], python: str) -> str:
    """Returns a lock's form for what is installed where no index can be asked.

    An installer refuses it, as it must: there is no source to install from. What it keeps is
    each version, and the sha256 of the ``RECORD`` of what was installed.

    Args:
        versions: distribution to version.
        digests: distribution to the sha256 of its ``RECORD``, where it has one.
        python: the interpreter's version.
    """
    import tomlkit
    from packaging.pylock import Pylock
    from packaging.specifiers import SpecifierSet
    from packaging.version import Version

    lock = Pylock(
        lock_version=Version("1.0"),
        created_by=TOOL,
        # Interpreters built from a checkout end in "+", which no specifier may.
        requires_python=SpecifierSet(f"=={python.rstrip('+')}"),
        packages=[
            _package(name, version, digest=digests.get(name))
            for name, version in sorted(versions.items())
        ],
        tool={TOOL: {"installable": False}},
    )
    return tomlkit.dumps(lock.to_dict())


def resolved(files: Iterable[tuple[str, str, str, str]], *, python: str) -> str:
    """Returns the lock that installs files found at an index.

    Args:
        files: name, version, URL and sha256 of each.
        python: the interpreter's version; the files are for its minor version.
    """
    import tomlkit
    from packaging.pylock import Pylock
    from packaging.specifiers import SpecifierSet
    from packaging.version import Version

    lock = Pylock(
        lock_version=Version("1.0"),
        created_by=TOOL,
        requires_python=SpecifierSet(f"=={python.rpartition('.')[0]}.*"),
        packages=sorted(map(_found, files), key=lambda package: package.name),
    )
    lock.validate()
    return tomlkit.dumps(lock.to_dict())


def _found(file: tuple[str, str, str, str]) -> Package:
    from packaging.pylock import Package, PackageSdist, PackageWheel
    from packaging.utils import canonicalize_name
    from packaging.version import Version

    name, version, url, sha256 = file
    key, hashes = canonicalize_name(name), {"sha256": sha256}
    if urlsplit(url).path.endswith(".whl"):
        wheel = PackageWheel(url=url, hashes=hashes)
        return Package(name=key, version=Version(version), wheels=[wheel])
    return Package(name=key, version=Version(version), sdist=PackageSdist(url=url, hashes=hashes))


def _package(name: str, version: str, *, digest: str | None) -> Package:
    """Returns a package without a source; a version unknown to PEP 440 goes to our table."""
    from packaging.pylock import Package
    from packaging.utils import canonicalize_name
    from packaging.version import InvalidVersion, Version

    ours = {} if digest is None else {"record-sha256": digest}
    try:
        known = Version(version)
    except InvalidVersion:
        known, ours = None, ours | {"version": version}
    return Package(name=canonicalize_name(name), version=known, tool={TOOL: ours} if ours else None)
