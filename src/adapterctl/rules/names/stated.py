"""What base an adapter's config means: the stated name made canonical, by its form alone.

Nothing is asked of the world, so the answer stays a statement: a repository that is named here
was not looked for, and a commit not fetched.
"""

from __future__ import annotations

import re

from adapterctl.records.adopted import BaseNameKind, StatedBase
from adapterctl.rules.names.mirrors import origin_of

_HUB_CACHE = re.compile(
    r"(?:^|/)models--(?P<repo>[^/]+?)(?:/snapshots/(?P<commit>[0-9a-f]{40}))?(?:/|$)"
)
_MODELSCOPE = re.compile(r"(?:^|/)modelscope/(?:hub/)?(?:models/)?(?P<repo>[^/]+/[^/]+)/?$")
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")
_BARE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_PAGE = re.compile(
    r"https?://(?:www\.)?(?:huggingface\.co|hf\.co)/(?P<repo>[^/]+/[^/?#]+)"
    r"(?:/(?:tree|resolve|blob)/(?P<revision>[^/?#]+)[^?#]*)?/?"
)
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")

ESCAPED_DOT = "___"
"""What ModelScope writes for a ``.`` in the name of a cache folder."""

LOCAL_FOLDERS = frozenset(
    {"base", "bases", "base_model", "base_models", "cache", "checkpoint", "checkpoints", "ckpt"}
    | {"ckpts", "content", "data", "download", "downloads", "hf", "hf_models", "hub", "llm", "llms"}
    | {"local", "mnt", "model", "models", "output", "outputs", "pretrained", "pretrained_model"}
    | {"pretrained_models", "results", "runs", "saved_models", "tmp", "weights", "workspace"}
)
"""First parts of a relative path that look like an organisation, and are none."""


def stated_base(name: object, *, revision: object = None) -> StatedBase:
    """Returns what ``base_model_name_or_path`` and ``revision`` of a config mean.

    Args:
        name: as the config has it; anything but text counts as nothing stated.
        revision: likewise; only a whole commit pins anything.
    """
    text = name.strip() if isinstance(name, str) else ""
    asked = revision if isinstance(revision, str) and revision else None
    if not text:
        return StatedBase(kind="none", revision=asked)
    path = text.replace("\\", "/")
    if found := _HUB_CACHE.search(path):
        repository = found["repo"].replace("--", "/", 1)
        return _named("hub_cache", text, repository, commit=found["commit"], revision=asked)
    if (page := _PAGE.fullmatch(text)) and _REPOSITORY.fullmatch(page["repo"]):
        asked = asked or page["revision"]
        return _named("hub", text, page["repo"], commit=_commit(asked), revision=asked)
    if repository := _modelscope(path):
        return _named("modelscope", text, repository, revision=asked)
    if _is_repository(path):
        return _named("hub", text, text, commit=_commit(asked), revision=asked)
    bare = _BARE.fullmatch(text) is not None
    return StatedBase(kind="bare" if bare else "local", stated=text, revision=asked)


def _named(
    kind: BaseNameKind,
    stated: str,
    repository: str,
    *,
    commit: str | None = None,
    revision: str | None,
) -> StatedBase:
    return StatedBase(
        kind=kind,
        stated=stated,
        revision=revision,
        repository=repository,
        commit=commit,
        origin=origin_of(repository),
    )


def _commit(revision: str | None) -> str | None:
    return revision if revision and _COMMIT.fullmatch(revision) else None


def _modelscope(path: str) -> str | None:
    """Returns the repository of a path into ModelScope's cache, or one that bears its escape."""
    tail = "/".join(path.rstrip("/").split("/")[-2:])
    escaped = ESCAPED_DOT in tail and "/" in tail
    found = _MODELSCOPE.search(path)
    if not escaped and found is None:
        return None
    repository = (tail if found is None else found["repo"]).replace(ESCAPED_DOT, ".")
    return repository if _REPOSITORY.fullmatch(repository) else None


def _is_repository(path: str) -> bool:
    if not _REPOSITORY.fullmatch(path) or _DRIVE.match(path):
        return False
    return path.partition("/")[0].lower() not in LOCAL_FOLDERS
