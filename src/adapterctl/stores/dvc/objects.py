"""Objects of DVC's databases: which are there, what a folder lists, what the cache keeps.

An object database (``odb``) is a cache or a remote, local or not. Its own ``oids_exist`` and
``check`` remove a damaged object from a local remote, so presence is asked of the file system.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from adapterctl.errors import Mismatch, NotFound
from adapterctl.stores.dvc.digests import FileDigests, hash_file


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A place that objects come from; ``name`` as errors show it."""

    name: str
    odb: Any


# looking


def existing(odb: Any, md5s: Iterable[str]) -> set[str]:
    """Returns those of ``md5s`` that a database holds, whatever their bytes."""
    wanted = sorted(set(md5s))
    if odb.fs.protocol == "local":
        return {md5 for md5 in wanted if odb.exists(md5)}
    return set(odb.oids_exist(wanted))


def missing(odb: Any, md5s: Iterable[str]) -> list[str]:
    """Returns the sorted md5s that a database lacks, the files of its folders included."""
    wanted = set(md5s)
    for md5 in [md5 for md5 in wanted if md5.endswith(".dir") and odb.exists(md5)]:
        wanted |= set(listing(Source(name="the remote", odb=odb), md5).values())
    return sorted(wanted - existing(odb, wanted))


def listing(source: Source, md5: str) -> dict[str, str]:
    """Returns path to md5 of a folder object, its own bytes checked.

    Raises:
        Mismatch: the listing is not the one that ``md5`` names.
    """
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "listing"
        source.odb.fs.get_file(source.odb.oid_to_path(md5), str(file))
        if hash_file(file, path="").md5 != md5.removesuffix(".dir"):
            raise damaged(source, md5, place="")
        entries = msgspec.json.decode(file.read_bytes(), type=list[dict[str, Any]])
    return {entry["relpath"]: entry["md5"] for entry in entries}


def first_listing(sources: Sequence[Source], md5: str, *, place: str) -> dict[str, str]:
    """Returns a folder's listing from the first source that holds it undamaged.

    Raises:
        NotFound: no source holds it.
        Mismatch: those that hold it hold other bytes.
    """
    found = [source for source in sources if source.odb.exists(md5)]
    if not found:
        raise lost(sources[-1], md5, place=place)
    for source in found[:-1]:
        try:
            return listing(source, md5)
        except Mismatch:
            continue
    return listing(found[-1], md5)


# keeping


def keep_files(cache: Any, folder: Path, files: Sequence[FileDigests]) -> None:
    """Copies files that were just hashed into the cache."""
    from dvc.fs import localfs

    paths = [str(folder / file.path) for file in files]
    cache.add(paths, localfs, [file.md5 for file in files])


def keep_tree(cache: Any, files: Sequence[FileDigests]) -> str:
    """Writes the folder object for ``files`` into the cache and returns its md5."""
    tree = _tree(files)
    cache.add(tree.path, tree.fs, tree.oid)
    return str(tree.oid)


def tree_md5(files: Sequence[FileDigests]) -> str:
    """Returns the md5 that DVC gives a folder of ``files``."""
    return str(_tree(files).oid)


def _tree(files: Sequence[FileDigests]) -> Any:
    from dvc_data.hashfile.hash_info import HashInfo
    from dvc_data.hashfile.meta import Meta
    from dvc_data.hashfile.tree import Tree

    tree = Tree()
    for file in files:
        tree.add(tuple(file.path.split("/")), Meta(size=file.size), HashInfo("md5", file.md5))
    tree.digest()
    return tree


# what went wrong


def damaged(source: Source, md5: str, *, place: str) -> Mismatch:
    """Returns the error for an object whose bytes are not the recorded ones."""
    return Mismatch(
        f"object {md5} in {source.name} has other bytes than were recorded",
        place=place,
        hint=f"{source.odb.oid_to_path(md5)}: restore it from a copy",
    )


def lost(source: Source, md5: str, *, place: str, more: int = 0) -> NotFound:
    """Returns the error for an object that is not there, and ``more`` of its kind."""
    others = f", nor {more} more" if more else ""
    return NotFound(
        f"object {md5} is not in {source.name}{others}",
        place=place,
        hint="dvc push it from a machine that still has it, or restore the remote from a copy",
    )
