"""Objects sent to a remote, and brought back with proof: sha256 against the record."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from adapterctl.errors import AdapterctlError, InvalidInput, Mismatch
from adapterctl.records.version import FilePin
from adapterctl.stores.dvc.digests import Progress, hash_files
from adapterctl.stores.dvc.objects import Source, damaged, existing, first_listing, lost
from adapterctl.stores.files import unwritable


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """One file to bring: where to, which object, and what must come out."""

    path: str
    md5: str
    sha256: str


# sending


def send(cache: Source, remote: Source, md5s: Iterable[str], *, progress: Progress | None) -> None:
    """Uploads what the remote lacks; folder objects go last, so that none is there in part.

    Raises:
        NotFound: an object is neither in the cache nor in the remote.
        Mismatch: an object in the cache has other bytes than its name says.
    """
    wanted = _with_files(cache, remote, set(md5s))
    absent = wanted - existing(remote.odb, wanted)
    gone = sorted(absent - existing(cache.odb, absent))
    if gone:
        raise lost(cache, gone[0], place="", more=len(gone) - 1)
    files = sorted(md5 for md5 in absent if not md5.endswith(".dir"))
    _upload(cache, remote, files, progress=progress)
    _upload(cache, remote, sorted(absent.difference(files)), progress=progress)
    _must_have_arrived(remote, absent)


def _with_files(cache: Source, remote: Source, md5s: set[str]) -> set[str]:
    folders = [md5 for md5 in md5s if md5.endswith(".dir")]
    return md5s.union(*(first_listing([cache, remote], md5, place="").values() for md5 in folders))


def _upload(
    cache: Source, remote: Source, md5s: Sequence[str], *, progress: Progress | None
) -> None:
    """Uploads objects of the cache after hashing them once more."""
    if not md5s:
        return
    paths = {cache.odb.oid_to_path(md5): md5 for md5 in md5s}
    for file in hash_files(Path("/"), paths):
        if file.md5 != paths[file.path].removesuffix(".dir"):
            raise Mismatch(
                f"object {paths[file.path]} in the cache has other bytes than its name says",
                place=file.path,
                hint="remove that file and run dvc commit, or dvc add what it holds",
            )
    callback = _callback(f"pushing to {remote.name}", progress, total=len(md5s))
    if remote.odb.fs.protocol == "local":
        for path, md5 in callback.wrap(paths.items()):
            _copy_whole(Path(path), Path(remote.odb.oid_to_path(md5)))
        return
    remote.odb.add(list(paths), cache.odb.fs, md5s, callback=callback, verify=False)


def _copy_whole(source: Path, target: Path) -> None:
    """Copies under a temporary name and renames: DVC itself writes in place, and a process killed
    meanwhile would leave half an object that every later check takes for the whole one."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, temporary)
        temporary.chmod(0o444)
        temporary.replace(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise unwritable(target, error) from None


def _must_have_arrived(remote: Source, md5s: set[str]) -> None:
    lacking = sorted(md5s - existing(remote.odb, md5s))
    if lacking:
        raise lost(remote, lacking[0], place="", more=len(lacking) - 1)


# bringing


def pieces(files: Sequence[FilePin], md5s: Mapping[str, str], *, place: str) -> list[Piece]:
    """Returns what to bring for the files of a record, matched with DVC's listing.

    Raises:
        Mismatch: the listing names other files than the record.
        InvalidInput: a path that leads out of the folder.
    """
    lacking = sorted(file.path for file in files if file.path not in md5s)
    if lacking:
        raise Mismatch(
            f"the folder object does not list {lacking[0]}, the record does", place=place
        )
    for file in files:
        must_stay_inside(file.path, place=place)
    return [Piece(path=f.path, md5=md5s[f.path], sha256=f.sha256) for f in files]


def must_stay_inside(path: str, *, place: str) -> None:
    """Refuses a recorded path that leads out of the folder it is brought to."""
    parts = PurePosixPath(path)
    if parts.is_absolute() or ".." in parts.parts:
        raise InvalidInput.one(f"leads out of its folder: {path}", place=place)


def bring_file(
    piece: Piece, sources: Sequence[Source], target: Path, *, progress: Progress | None
) -> None:
    """Brings one file to ``target``, replacing what is there.

    Raises:
        NotFound: no source holds it.
        Mismatch: those that hold it hold other bytes.
    """
    with _beside(target) as temporary:
        _collect([piece], sources, temporary, progress=progress)
        (temporary / piece.path).replace(target)


def bring_folder(
    wanted: Sequence[Piece], sources: Sequence[Source], target: Path, *, progress: Progress | None
) -> None:
    """Brings files to the folder ``target``, all or none.

    Raises:
        InvalidInput: ``target`` is not empty.
        NotFound: no source holds one of them.
        Mismatch: those that hold one hold other bytes.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InvalidInput.one("not empty", place=str(target), hint="name a new folder")
    with _beside(target) as temporary:
        _collect(wanted, sources, temporary, progress=progress)
        if target.exists():
            target.rmdir()
        temporary.rename(target)


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """Yields a new folder on the file system of ``target``, removed if it is still there."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        holder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise AdapterctlError(f"cannot write: {error.strerror}", place=str(target)) from None
    try:
        # mkdtemp's own folder is closed to others; the one inside has the usual mode.
        folder = holder / "content"
        folder.mkdir()
        yield folder
    finally:
        shutil.rmtree(holder, ignore_errors=True)


def _collect(
    wanted: Sequence[Piece], sources: Sequence[Source], folder: Path, *, progress: Progress | None
) -> None:
    """Brings every piece from the first source that holds it as the record says."""
    left = list(wanted)
    damage: dict[str, AdapterctlError] = {}
    for source in sources:
        held = existing(source.odb, (piece.md5 for piece in left))
        here = [piece for piece in left if piece.md5 in held]
        bad = _bring(here, source, folder, progress=progress)
        damage.update({piece.path: damaged(source, piece.md5, place=piece.path) for piece in bad})
        left = [piece for piece in left if piece.md5 not in held or piece in bad]
    for piece in left:
        raise damage.get(piece.path) or lost(sources[-1], piece.md5, place=piece.path)


def _bring(
    wanted: Sequence[Piece], source: Source, folder: Path, *, progress: Progress | None
) -> list[Piece]:
    """Downloads pieces and returns those whose bytes are not what the record says."""
    if not wanted:
        return []
    from dvc.fs import localfs
    from dvc_objects.fs import generic

    froms = [source.odb.oid_to_path(piece.md5) for piece in wanted]
    tos = [str(folder / piece.path) for piece in wanted]
    callback = _callback(f"fetching from {source.name}", progress, total=len(wanted))
    try:
        generic.copy(source.odb.fs, froms, localfs, tos, callback=callback)
    except OSError as error:
        what = f"cannot bring it from {source.name}: {error.strerror or error}"
        raise AdapterctlError(what, place=wanted[0].path) from error
    found = {d.path: d.sha256 for d in hash_files(folder, (piece.path for piece in wanted))}
    return [piece for piece in wanted if found[piece.path] != piece.sha256]


def _callback(label: str, progress: Progress | None, *, total: int) -> Any:
    """Returns fsspec's callback that counts files, its count passed on."""
    from fsspec.callbacks import Callback

    def report(_size: int | None, value: int, **_: Any) -> None:
        if progress is not None and value:
            progress(label, value, total)

    return Callback(size=total, hooks={"report": report})
