"""DVC itself: opened quietly, its errors made ours, and what it says it tracks.

DVC is imported inside the functions, so that importing this module costs nothing.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from adapterctl.errors import AdapterctlError, InvalidInput, MissingExtra, NotFound, Unreachable
from adapterctl.stores.dvc.remotes import boto_errors, give_up_early, unanswered
from adapterctl.stores.files import unwritable

T = TypeVar("T")

REMOTE_NAME = "storage"
_LOGGERS = ("dvc", "dvc_data", "dvc_objects")


class Tracked(msgspec.Struct, frozen=True, kw_only=True):
    """What DVC says of a path.

    Attributes:
        path: the file or folder that DVC tracks: the path itself, or a folder around it.
        md5: the pinned content.
        mend: the command that pins what the workspace holds.
    """

    path: Path
    md5: str
    mend: str


@contextmanager
def opened(root: Path) -> Iterator[Any]:
    """Opens the DVC repository at ``root``; DVC's errors inside become ours.

    Raises:
        MissingExtra: DVC is not installed.
        NotFound: ``root`` is in no DVC repository.
        Unreachable: the remote does not answer.
        AdapterctlError: whatever DVC refuses, in its words; a full or read-only disk; a remote
            that lets nobody in.
    """
    _quiet()
    from dvc.exceptions import DvcException, NotDvcRepoError
    from dvc.repo import Repo

    try:
        with Repo(str(root)) as repo:
            give_up_early(repo.config)
            yield repo
    except NotDvcRepoError:
        raise NotFound(
            "not a DVC repository", place=str(root), hint="adapterctl init, or dvc init"
        ) from None
    except (DvcException, sqlite3.Error) as error:
        raise AdapterctlError(f"DVC: {_first_line(error)}", place=str(root)) from error
    except boto_errors() as error:
        raise unanswered(error) from error
    except OSError as error:
        if error.strerror is None:
            raise unanswered(error) from error
        raise unwritable(Path(error.filename or root), error) from error


def initialise(root: Path, remote: Path | str) -> None:
    """Makes ``root`` a DVC repository with a default remote, unless it is and has one."""
    _quiet()
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        made = not (root / ".dvc").is_dir()
        if made:
            _make(Repo, root)
        with Repo(str(root)) as repo:
            _configure(repo, root, remote)
            if made:
                _stage_config(repo)
    except DvcException as error:
        raise AdapterctlError(f"DVC: {_first_line(error)}", place=str(root)) from error
    except OSError as error:
        raise unwritable(Path(error.filename or root), error) from error


def _make(repo_class: Any, root: Path) -> None:
    own = (root / ".git").exists()
    around = not own and any((folder / ".git").exists() for folder in root.parents)
    repo_class.init(str(root), no_scm=not own and not around, subdir=around).close()


def _configure(repo: Any, root: Path, remote: Path | str) -> None:
    """Adds the remote; ``verify`` makes DVC's own pull hash what it brings."""
    with repo.config.edit() as config:
        config["core"].update({"analytics": False, "check_update": False})
        if "remote" not in config["core"]:
            config["core"]["remote"] = REMOTE_NAME
            config["remote"][REMOTE_NAME] = {"url": _url(root, remote), "verify": True}


def _stage_config(repo: Any) -> None:
    """Stages the config again: `dvc init` has staged it as it was, without the remote."""
    with repo.scm_context(autostage=True) as context:
        context.track_file(repo.config.files["repo"])


def _url(root: Path, remote: Path | str) -> Any:
    """Returns the remote as DVC's config takes it; a folder is made, and stays relative."""
    if isinstance(remote, str):
        return remote
    from dvc.config_schema import RelPath

    folder = root / remote
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder) if remote.is_absolute() else RelPath(str(folder))


def remote_odb(repo: Any, name: str | None) -> Any:
    """Returns the object database of a remote.

    Raises:
        Unreachable: a local remote whose folder is not there: unmounted, perhaps, not empty.
        AdapterctlError: no such remote, or one that keeps versions instead of objects.
    """
    odb = repo.cloud.get_remote_odb(name)
    if odb.fs.protocol == "local" and not _remote_folder(odb).is_dir():
        raise Unreachable(
            f"the folder of the remote is not there: {_remote_folder(odb)}",
            place=f"remote {remote_name(repo, name)}",
            hint="mount it, or correct it: dvc remote modify",
        )
    return odb


def remote_name(repo: Any, name: str | None) -> str:
    """Returns the name of a remote, or of the default one, as errors show it."""
    return repr(name or repo.config["core"].get("remote") or "default")


def _remote_folder(odb: Any) -> Path:
    # The database lies in files/md5 of the remote's own folder.
    return Path(odb.path).parent.parent


def tracked(repo: Any, target: Path) -> Tracked | None:
    """Returns what DVC says of ``target``, or ``None`` when it tracks nothing there.

    Raises:
        InvalidInput: tracked, but in a way that keeps no content to go back to.
    """
    out = _output_nearby(repo, target) or _output(repo, target)
    if out is None:
        return None
    shown = _relative(repo, out.fs_path)
    data = out.stage.is_data_source
    mend = f"dvc add {shown}" if data else f"dvc repro {_stage_name(repo, out.stage)}"
    _must_keep_content(out, shown, mend)
    return Tracked(path=Path(out.fs_path), md5=out.hash_info.value, mend=mend)


def _output_nearby(repo: Any, target: Path) -> Any:
    """Looks where an output is usually declared; reading every ``.dvc`` file takes 3 ms each."""
    from dvc.repo.index import Index

    root = Path(repo.root_dir)
    around = [folder for folder in (target, *target.parents) if root in folder.parents]
    pointers = [place.with_name(f"{place.name}.dvc") for place in around]
    stages = [place.parent / "dvc.yaml" for place in around]
    for file in (*pointers, *stages):
        for out in Index.from_file(repo, str(file)).outs if file.is_file() else ():
            if out.protocol == "local" and out.fs.isin_or_eq(str(target), out.fs_path):
                return out
    return None


def _output(repo: Any, target: Path) -> Any:
    from dvc.exceptions import OutputNotFoundError

    try:
        return repo.find_outs_by_path(str(target), strict=False)[0]
    except OutputNotFoundError:
        return None


def _relative(repo: Any, path: str) -> str:
    return Path(path).relative_to(repo.root_dir).as_posix()


def _stage_name(repo: Any, stage: Any) -> str:
    """Returns what to call a stage on the command line, from the repository's root."""
    file = _relative(repo, stage.path)
    name = getattr(stage, "name", None)
    return str(name) if file == "dvc.yaml" else f"{file}:{name}" if name else file


def _must_keep_content(out: Any, shown: str, mend: str) -> None:
    if not out.use_cache:
        what, hint = "DVC keeps no copy of it (cache: false)", "let DVC cache this output"
    elif not out.hash_info:
        what, hint = "output of a stage that never ran", mend
    elif out.hash_info.name != "md5":
        what = f"pinned by {out.hash_info.name}, a hash of DVC 2 that ignores line endings"
        hint = "dvc cache migrate --dvc-files"
    else:
        return
    raise InvalidInput.one(what, place=shown, hint=hint)


def track(repo: Any, target: Path, *, attempts: int) -> None:
    """Runs ``dvc add``; DVC's lock is asked for ``attempts`` times.

    DVC would then replace the file by a link to its cache: by way of removing it, so that a
    process killed in between loses it. With copies for links that gains nothing and is left out.

    Raises:
        InvalidInput: git tracks the file already.
        AdapterctlError: the lock stays taken.
    """
    from dvc.output import OutputAlreadyTrackedError

    relink = bool({"hardlink", "symlink"} & set(repo.cache.local.cache_types))
    try:
        _patiently(
            lambda: repo.add(str(target), relink=relink),
            place=repo.lock.lockfile,
            attempts=attempts,
        )
    except OutputAlreadyTrackedError:
        shown = _relative(repo, str(target))
        raise InvalidInput.one(
            "git tracks it, so DVC cannot", place=shown, hint=f"git rm -r --cached {shown}"
        ) from None


def _patiently(action: Callable[[], T], *, place: str, attempts: int) -> T:
    from dvc.lock import LockError

    for _ in range(attempts):
        try:
            return action()
        except LockError:
            continue
    raise AdapterctlError(
        "another DVC process holds the lock",
        place=place,
        hint="wait until it is done; if none runs, remove the file",
    )


def _quiet() -> None:
    """Keeps DVC from talking: what it has to say comes back as results and errors."""
    try:
        import dvc  # noqa: F401
    except ModuleNotFoundError:
        raise MissingExtra("dvc", needed_for="keeping data and artifacts") from None
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
