"""From a path of the workspace to its pin: DVC's md5 and our sha256 of the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from adapterctl.errors import InvalidInput, Mismatch
from adapterctl.records.version import DatasetPin
from adapterctl.stores.dvc.digests import FileDigests, Progress, folder_digest, hash_files
from adapterctl.stores.dvc.objects import existing, keep_files, keep_tree, tree_md5
from adapterctl.stores.dvc.repository import Tracked, track, tracked


def pin_path(
    repo: Any, root: Path, path: str, *, progress: Progress | None, attempts: int
) -> DatasetPin:
    """Returns the pin of ``path``, which DVC tracks from now on; see `DvcStore.pin`."""
    target = _inside(root, path)
    known = tracked(repo, target)
    _must_exist(target, path, known)
    if known is None:
        track(repo, target, attempts=attempts)
        known = tracked(repo, target)
        assert known is not None, f"DVC has just added {path}"
    files = _hash(repo, known.path, progress)
    _must_agree(files, known, path)
    _keep(repo.cache.local, files, known)
    return _pin(files, known, target=target, path=path)


def _inside(root: Path, path: str) -> Path:
    parts = PurePosixPath(path)
    if parts.is_absolute() or ".." in parts.parts or parts == PurePosixPath("."):
        raise InvalidInput.one(
            "not a path inside the project", place=path, hint="copy the data into the project"
        )
    return root / parts


def _must_exist(target: Path, path: str, known: Tracked | None) -> None:
    if target.is_file() or (target.is_dir() and any(target.iterdir())):
        return
    if known is not None and not target.exists():
        raise InvalidInput.one(
            "DVC tracks it, and it is not in the workspace", place=path, hint=f"dvc pull {path}"
        )
    what = "an empty folder" if target.is_dir() else "no such file or folder"
    raise InvalidInput.one(what, place=path, hint="correct the path, or put the data there")


def _hash(repo: Any, tracked_path: Path, progress: Progress | None) -> list[FileDigests]:
    """Returns the digests of the tracked file, or of the folder's files that DVC would track."""
    if tracked_path.is_file():
        return hash_files(tracked_path.parent, [tracked_path.name], progress=progress)
    from dvc.fs import localfs

    walk = repo.dvcignore.walk(localfs, str(tracked_path))
    found = (Path(folder, name) for folder, _, names in walk for name in names)
    names = [file.relative_to(tracked_path).as_posix() for file in found]
    return hash_files(tracked_path, names, progress=progress)


def _must_agree(files: Sequence[FileDigests], known: Tracked, path: str) -> None:
    md5 = _md5(files, known)
    if md5 != known.md5:
        raise Mismatch(
            f"the workspace has md5 {md5}, DVC has pinned {known.md5}",
            place=path,
            hint=f"{known.mend} to pin what is there, or dvc checkout to go back",
        )


def _md5(files: Sequence[FileDigests], known: Tracked) -> str:
    return files[0].md5 if known.path.is_file() else tree_md5(files)


def _keep(cache: Any, files: Sequence[FileDigests], known: Tracked) -> None:
    """Puts into the cache what it lacks: a cleared cache is no reason not to push."""
    held = existing(cache, [known.md5, *(file.md5 for file in files)])
    lacking = [file for file in files if file.md5 not in held]
    if lacking:
        folder = known.path if known.path.is_dir() else known.path.parent
        keep_files(cache, folder, lacking)
    if known.path.is_dir() and known.md5 not in held:
        keep_tree(cache, files)


def _pin(files: Sequence[FileDigests], known: Tracked, *, target: Path, path: str) -> DatasetPin:
    shown = PurePosixPath(path).as_posix()
    if known.path != target:
        return _pin_of_part(files, target.relative_to(known.path).as_posix(), shown)
    if target.is_file():
        file = files[0]
        return DatasetPin(path=shown, md5=file.md5, sha256=file.sha256, size=file.size)
    pins = [file.pin for file in files]
    size = sum(file.size for file in files)
    return DatasetPin(path=shown, md5=known.md5, sha256=folder_digest(pins), size=size, files=pins)


def _pin_of_part(files: Sequence[FileDigests], part: str, shown: str) -> DatasetPin:
    """Returns the pin of one file of a tracked folder; its object is there with the folder's."""
    for file in files:
        if file.path == part:
            return DatasetPin(path=shown, md5=file.md5, sha256=file.sha256, size=file.size)
    raise InvalidInput.one(
        "a folder inside a folder that DVC tracks whole",
        place=shown,
        hint="name the tracked folder, or one file of it",
    )
