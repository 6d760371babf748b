"""What jobs see of DVC: pin, push, look for, fetch, and hash again."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from adapterctl.errors import InvalidInput, NotFound
from adapterctl.records.version import ArtifactPin, DatasetPin
from adapterctl.rules.audit.presence import Held
from adapterctl.stores.dvc.digests import FileDigests, Progress, hash_files
from adapterctl.stores.dvc.objects import Source, first_listing, keep_files, keep_tree, missing
from adapterctl.stores.dvc.pinning import pin_path
from adapterctl.stores.dvc.presence import held_in_folder, held_through_dvc, is_local
from adapterctl.stores.dvc.remotes import Remote, configured
from adapterctl.stores.dvc.repository import initialise, opened, remote_name, remote_odb
from adapterctl.stores.dvc.transfer import (
    Piece,
    bring_file,
    bring_folder,
    must_stay_inside,
    pieces,
    send,
)
from adapterctl.stores.files import write_atomically

Pin: TypeAlias = DatasetPin | ArtifactPin


class DvcStore:
    """The DVC repository at ``root`` and one remote of it."""

    def __init__(self, root: Path, *, remote: str | None = None, lock_attempts: int = 10) -> None:
        """Opens nothing yet.

        Args:
            root: the project's folder, absolute or relative to the working directory.
            remote: a remote's name; ``None`` is DVC's default remote.
            lock_attempts: how often DVC's lock is asked for, each time for about three seconds.
        """
        self.root = Path(root).absolute()
        self.remote = remote
        self.lock_attempts = lock_attempts

    def init(self, remote: Path | str) -> None:
        """Makes ``root`` a DVC repository with ``remote`` as its default, unless it has one.

        Args:
            remote: a folder (created; relative to ``root``), or a URL that DVC knows.

        Raises:
            AdapterctlError: DVC refuses; its reason is passed on.
        """
        initialise(self.root, remote)

    def configured(self) -> Remote | None:
        """Returns what is configured of the remote; nothing is asked of it.

        Raises:
            AdapterctlError: DVC cannot read its configuration.
        """
        return configured(self.root, self.remote)

    def pin(self, path: str, *, progress: Progress | None = None) -> DatasetPin:
        """Returns the pin of a file or folder of the workspace, tracking it if nothing does yet.

        Args:
            path: relative to ``root``, with forward slashes.
            progress: called with a label, files hashed and files in all.

        Raises:
            InvalidInput: missing, outside ``root``, empty, or tracked in a way that keeps no
                content (``cache: false``, DVC 2's line-ending hashes, a stage that never ran).
            Mismatch: DVC has pinned other bytes than the workspace holds.
            AdapterctlError: DVC refuses to track it, or its lock stays taken.
        """
        with opened(self.root) as repo:
            return pin_path(repo, self.root, path, progress=progress, attempts=self.lock_attempts)

    def push(self, pins: Iterable[Pin], *, progress: Progress | None = None) -> None:
        """Uploads what the remote lacks of ``pins`` and looks whether it has arrived.

        Raises:
            NotFound: an object is neither in the cache nor in the remote.
            Mismatch: an object in the cache is damaged.
            Unreachable: the remote does not answer.
        """
        with opened(self.root) as repo:
            cache, remote = _cache(repo), self._remote(repo)
            send(cache, remote, [pin.md5 for pin in pins], progress=progress)

    def present(self, md5: str) -> bool:
        """Returns whether the remote holds an object and, of a folder, every file in it.

        Nothing is downloaded but a folder's listing. Presence says nothing about the bytes.

        Raises:
            Unreachable: the remote does not answer.
        """
        return not self.missing([md5])

    def missing(self, md5s: Iterable[str]) -> list[str]:
        """Returns the sorted md5s that the remote lacks, folders' files included.

        Raises:
            Unreachable: the remote does not answer.
        """
        with opened(self.root) as repo:
            return missing(self._remote(repo).odb, md5s)

    def held(self, remote: Remote, md5s: Iterable[str]) -> Held:
        """Returns what ``remote`` holds of objects, and of the files of folders among them.

        Nothing is brought but listings of folders. Presence says nothing about the bytes.

        Raises:
            Unreachable: the remote does not answer.
            AdapterctlError: it lets nobody in, or DVC cannot talk to it.
        """
        if is_local(remote):
            return held_in_folder(remote, md5s)
        return held_through_dvc(self.root, remote, md5s)

    def fetch(
        self,
        pin: DatasetPin,
        into: Path,
        *,
        from_remote: bool = True,
        progress: Progress | None = None,
    ) -> Path:
        """Brings a data set to ``into / pin.path`` and returns that path.

        Args:
            pin: what to bring.
            into: a folder; what it holds at ``pin.path`` is replaced when that is a file.
            from_remote: take the bytes from the remote and leave the cache alone, so that the
                remote is proven; ``False`` looks into the cache first.
            progress: called with a label, files brought and files in all.

        Raises:
            NotFound: an object is not there any more.
            Mismatch: an object has other bytes than the pin says.
            Unreachable: the remote does not answer.
            InvalidInput: ``into`` already holds a folder there.
        """
        must_stay_inside(pin.path, place=str(into))
        target = into / pin.path
        with opened(self.root) as repo:
            sources = self._sources(repo, from_remote)
            if pin.md5.endswith(".dir"):
                md5s = first_listing(sources, pin.md5, place=pin.path)
                wanted = pieces(pin.files, md5s, place=pin.path)
                bring_folder(wanted, sources, target, progress=progress)
            else:
                piece = Piece(path=pin.path, md5=pin.md5, sha256=pin.sha256)
                bring_file(piece, sources, target, progress=progress)
        return target

    def add_folder(self, folder: Path, *, progress: Progress | None = None) -> ArtifactPin:
        """Puts a folder into DVC's cache as one object and returns its pin.

        Neither the workspace nor any ``.dvc`` file is touched.

        Raises:
            InvalidInput: no such folder, or no file in it.
            AdapterctlError: the cache cannot be written.
        """
        files = hash_files(folder, _files(folder), progress=progress)
        with opened(self.root) as repo:
            keep_files(repo.cache.local, folder, files)
            return _keep_artifact(repo.cache.local, files)

    def add_parts(
        self, parts: Iterable[tuple[Path, Sequence[str]]], *, under: str
    ) -> list[ArtifactPin]:
        """Puts chosen files of many folders into DVC's cache, each folder as one object.

        Args:
            parts: folder, and the names of its files to keep.
            under: the folder inside the object that they are put into.

        Raises:
            AdapterctlError: a file cannot be read, or the cache cannot be written.
        """
        pins = []
        with opened(self.root) as repo:
            for folder, names in parts:
                files = hash_files(folder, names)
                keep_files(repo.cache.local, folder.resolve(), files)
                placed = [
                    msgspec.structs.replace(file, path=f"{under}/{file.path}") for file in files
                ]
                pins.append(_keep_artifact(repo.cache.local, placed))
        return pins

    def fetch_folder(
        self,
        pin: ArtifactPin,
        out: Path,
        *,
        only: str | None = None,
        from_remote: bool = True,
        progress: Progress | None = None,
    ) -> Path:
        """Brings an artifact folder to ``out``, whole or not at all, and returns ``out``.

        Args:
            pin: what to bring.
            out: the folder to make; it may exist when it is empty.
            only: a file or folder inside the artifact; ``out`` keeps the paths from its top.
            from_remote: see `fetch`.
            progress: called with a label, files brought and files in all.

        Raises:
            NotFound: an object is not there any more, or nothing in the artifact matches ``only``.
            Mismatch: a file has other bytes than the pin says.
            Unreachable: the remote does not answer.
            InvalidInput: ``out`` is not empty.
        """
        files = [file for file in pin.files if only is None or _within(file.path, only)]
        if not files:
            raise NotFound(f"nothing in the artifact matches {only!r}", place=str(out))
        with opened(self.root) as repo:
            sources = self._sources(repo, from_remote)
            md5s = first_listing(sources, pin.md5, place=str(out))
            bring_folder(pieces(files, md5s, place=str(out)), sources, out, progress=progress)
        return out

    def write_pointer(self, path: Path, pin: ArtifactPin, *, out_name: str) -> None:
        """Writes a ``.dvc`` file for an artifact, so that ``dvc pull`` and ``dvc gc`` know it.

        Args:
            path: the ``.dvc`` file; equal pins give equal bytes.
            pin: the artifact.
            out_name: the folder beside ``path`` into which ``dvc pull`` would check it out.

        Raises:
            AdapterctlError: the file cannot be written.
        """
        write_atomically(path, _pointer(pin, out_name))

    def _remote(self, repo: Any) -> Source:
        odb = remote_odb(repo, self.remote)
        return Source(name=f"remote {remote_name(repo, self.remote)}", odb=odb)

    def _sources(self, repo: Any, from_remote: bool) -> list[Source]:
        return [self._remote(repo)] if from_remote else [_cache(repo), self._remote(repo)]


def _cache(repo: Any) -> Source:
    return Source(name="the cache", odb=repo.cache.local)


def _keep_artifact(cache: Any, files: Sequence[FileDigests]) -> ArtifactPin:
    """Lists files that the cache holds as one folder object."""
    md5 = keep_tree(cache, files)
    size = sum(file.size for file in files)
    return ArtifactPin(md5=md5, size=size, files=[file.pin for file in files])


def _files(folder: Path) -> Sequence[str]:
    if not folder.is_dir():
        raise InvalidInput.one("no such folder", place=str(folder))
    files = [p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()]
    if not files:
        raise InvalidInput.one("holds no files", place=str(folder))
    return files


def _within(path: str, only: str) -> bool:
    top = only.rstrip("/")
    return path == top or path.startswith(f"{top}/")


def _pointer(pin: ArtifactPin, out_name: str) -> bytes:
    from ruamel.yaml import YAML

    out = {
        "md5": pin.md5,
        "size": pin.size,
        "nfiles": len(pin.files),
        "hash": "md5",
        "path": out_name,
    }
    buffer = io.BytesIO()
    YAML(typ="rt", pure=True).dump({"outs": [out]}, buffer)
    return buffer.getvalue()
