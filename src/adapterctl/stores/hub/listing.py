"""Which files a repository of the Hub holds: names, sizes and digests, without their bytes."""

from __future__ import annotations

from typing import Any, NamedTuple

from adapterctl.records.base import BaseFile
from adapterctl.stores.hub.answers import answering


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


def _file(sibling: Any) -> BaseFile:
    return BaseFile(
        path=sibling.rfilename,
        size=sibling.size or 0,
        sha256=sibling.lfs.sha256 if sibling.lfs else None,
        blob=None if sibling.lfs else sibling.blob_id,
    )
