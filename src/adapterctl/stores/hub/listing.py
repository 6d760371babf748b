"""Which files a repository of the Hub holds: names, sizes and digests, without their bytes."""

from __future__ import annotations

from typing import Any, NamedTuple

from adapterctl.errors import NotFound
from adapterctl.records.base import BaseFile
from adapterctl.stores.hub.answers import DISABLED, answering

CONFIG = "config.json"


class Listing(NamedTuple):
    """The files of a repository at a commit, sorted by path, and what the Hub says of its base."""

    commit: str
    files: list[BaseFile]
    family: str | None
    architecture: str | None
    parameters: int | None


def listing(repo: str, revision: str) -> Listing:
    """Returns the files that the Hub lists: a sha256 of large ones, git's blob id of small ones.

    Args:
        repo: ``org/name``.
        revision: a branch, a tag or a commit.

    Raises:
        AdapterctlError: see `answering`; the cache cannot stand in.
    """
    with answering(repo, revision):
        from huggingface_hub import HfApi

        info = HfApi().model_info(repo, revision=revision, files_metadata=True)
    config = info.config or {}
    return Listing(
        commit=info.sha or "",
        files=sorted(map(_file, info.siblings or ()), key=lambda file: file.path),
        family=config.get("model_type"),
        architecture=next(iter(config.get("architectures") or ()), None),
        parameters=info.safetensors.total if info.safetensors else None,
    )


def must_be_there(repo: str, revision: str, *, seconds: float) -> None:
    """Asks the Hub whether a revision could still be fetched, without fetching it.

    What it describes it may still refuse to give: so the head of one file is asked for, too.

    Args:
        repo: ``org/name``.
        revision: a branch, a tag or a commit.
        seconds: the longest that one answer is waited for.

    Raises:
        NotFound: the repository, or the revision, is gone, or disabled for everybody.
        Unreachable: the Hub does not answer, or does not tell (401, gated, too many requests).
        InvalidInput: ``repo`` is not a repository's name.
        MissingExtra: huggingface_hub is not installed.
    """
    with answering(repo, revision, cached=False):
        from huggingface_hub import HfApi, get_hf_file_metadata, hf_hub_url

        info = HfApi().model_info(repo, revision=revision, timeout=seconds)
        if info.disabled:
            raise NotFound(DISABLED.what, place=f"hub:{repo}", hint=DISABLED.hint.format(repo=repo))
        names = sorted(each.rfilename for each in info.siblings or ())
        if names:
            name = CONFIG if CONFIG in names else names[0]
            url = hf_hub_url(repo, name, revision=info.sha)
            get_hf_file_metadata(url, timeout=seconds)


def _file(sibling: Any) -> BaseFile:
    return BaseFile(
        path=sibling.rfilename,
        size=sibling.size or 0,
        sha256=sibling.lfs.sha256 if sibling.lfs else None,
        blob=None if sibling.lfs else sibling.blob_id,
    )
