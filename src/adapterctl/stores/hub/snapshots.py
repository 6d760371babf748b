"""A branch to its commit, a commit to its folder in the Hub's cache."""

from __future__ import annotations

import glob
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from adapterctl.errors import InvalidInput, NotFound
from adapterctl.stores.hub.answers import answering

Progress = Callable[[str, int, int], None]

# What stands beside the weights at the top of a repository; other folders hold other formats.
BESIDE = ("*.json", "*.txt", "*.model", "*.jinja", "*.tiktoken")
BELOW = ("*/*",)
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"


def resolve(repo: str, revision: str, *, cache: Path | None = None) -> str:
    """Returns the commit that a branch, tag or commit of a repository is.

    The Hub is asked; without it, what it last said, as its cache remembers.

    Args:
        repo: ``org/name``.
        revision: a branch, a tag or a commit.
        cache: the Hub's cache; ``None`` is the one huggingface_hub uses.

    Raises:
        NotFound: no such repository or revision.
        Unreachable: the Hub does not answer, and the cache does not know the revision.
        InvalidInput: ``repo`` is not a repository's name.
        MissingExtra: huggingface_hub is not installed.
    """
    with answering(repo, revision):
        return _snapshot(repo, revision, only=["config.json"], cache=cache).name


def locate(
    repo: str,
    commit: str,
    *,
    download: bool,
    progress: Progress | None = None,
    cache: Path | None = None,
) -> Path:
    """Returns the folder in the Hub's cache with a base's safetensors, config and tokenizer.

    Args:
        repo: ``org/name``.
        commit: the full commit.
        download: fetch what the cache lacks.
        progress: called with a label, bytes fetched and bytes in all.
        cache: the Hub's cache; ``None`` is the one huggingface_hub uses.

    Raises:
        NotFound: no such repository or commit, or not in the cache and ``download`` is off.
        Unreachable: not in the cache, and the Hub does not answer.
        InvalidInput: ``repo`` is not a repository's name.
        MissingExtra: huggingface_hub is not installed.
    """
    with answering(repo, commit):
        folder = cached(repo, commit, cache=cache)
        if folder is not None:
            return folder
        if not download:
            raise NotFound(
                f"{repo} at {commit} is not in the Hub's cache",
                place=f"hub:{repo}",
                hint=f"hf download {repo} --revision {commit}",
            )
        bars = _bars(f"fetching {repo}", progress)
        folder = _snapshot(repo, commit, only=BESIDE, cache=cache, bars=bars)
        return _snapshot(repo, commit, only=_weights(folder), cache=cache, bars=bars)


def cached(repo: str, commit: str, *, cache: Path | None = None) -> Path | None:
    """Returns the folder in the Hub's cache when config and weights are all in it, else ``None``.

    Raises:
        InvalidInput: ``repo`` is not a repository's name.
        MissingExtra: huggingface_hub is not installed.
    """
    with answering(repo, commit):
        from huggingface_hub.errors import LocalEntryNotFoundError

        try:
            folder = _snapshot(repo, commit, only=BESIDE, cache=cache, local=True)
        except LocalEntryNotFoundError:
            return None
        return folder if all((folder / name).is_file() for name in _weights(folder)) else None


def fetch(
    repo: str,
    revision: str,
    names: Sequence[str],
    *,
    anywhere: bool = False,
    progress: Progress | None = None,
    cache: Path | None = None,
) -> Path:
    """Returns the snapshot in the Hub's cache with the named files, as far as they exist.

    Its name is the commit. Without the Hub, what its cache holds of the revision.

    Args:
        repo: ``org/name``.
        revision: a branch, a tag or a commit.
        names: paths of files in the repository.
        anywhere: files of these names in any folder of it.
        progress: called with a label, bytes fetched and bytes in all.
        cache: the Hub's cache; ``None`` is the one huggingface_hub uses.

    Raises:
        AdapterctlError: see `answering`.
    """
    exact = [glob.escape(name) for name in names]
    only = [*exact, *(f"*/{name}" for name in exact if anywhere)]
    with answering(repo, revision):
        bars = _bars(f"fetching {repo}", progress)
        return _snapshot(repo, revision, only=only, but=(), cache=cache, bars=bars)


def _weights(folder: Path) -> list[str]:
    """Returns the names of the weight files: those the index names, else the single one."""
    index = folder / INDEX
    if not index.is_file():
        return [WEIGHTS]
    try:
        content = msgspec.json.decode(index.read_bytes(), type=dict[str, Any])
        return sorted({str(name) for name in content["weight_map"].values()})
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, AttributeError):
        raise InvalidInput.one("names no shards (weight_map)", place=str(index)) from None


def _snapshot(
    repo: str,
    revision: str,
    *,
    only: Sequence[str],
    but: Sequence[str] = BELOW,
    cache: Path | None,
    local: bool = False,
    bars: type | None = None,
) -> Path:
    from huggingface_hub import snapshot_download

    folder = snapshot_download(
        repo,
        revision=revision,
        allow_patterns=list(only),
        ignore_patterns=list(but),
        cache_dir=cache,
        local_files_only=local,
        tqdm_class=bars or _bars("", None),
    )
    return Path(folder)


def _bars(label: str, progress: Progress | None) -> type:
    """Returns a tqdm that shows nothing and passes on the count of the newest bar in bytes.

    huggingface_hub makes one bar or two of them; the newest counts what has reached the disk.
    """
    from tqdm import tqdm  # type: ignore[import-untyped]

    newest: list[object] = []

    class Bar(tqdm):  # type: ignore[misc]
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **{**options, "disable": True})
            if options.get("unit") == "B":
                newest[:] = [self]

        def update(self, n: float | None = 1) -> None:
            self.n += n or 0
            if progress is not None and self.total and any(bar is self for bar in newest):
                progress(label, int(self.n), int(self.total))

    return Bar
