"""What an adopted adapter is called: after its folder, as a name that every store takes."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import PurePath

from adapterctl.records.noun import NAME_PATTERN

LONGEST = 80
MARK_LENGTH = 8

_GENERIC = re.compile(
    r"(?:lora[_-]?)?(?:adapters?|ckpts?|checkpoints?|final|best|last|latest|lora|models?|outputs?"
    r"|peft|results?|runs?|weights)(?:[._-]?\d+)?"
)
"""Folder names that say nothing of an adapter: they are told apart by the folder above."""

_SNAPSHOT = re.compile(r"(?:^|/)models--(?:[^/]+?--)?(?P<name>[^/]+)/snapshots/[^/]+$")


def name_for(folder: PurePath) -> str:
    """Returns a valid adapter name for what lies in ``folder``, an absolute path.

    ``runs/Support Router`` is ``support-router``; ``runs/router/checkpoint-500`` is
    ``router-checkpoint-500``; a snapshot in the Hub's cache is called after its repository.
    """
    path = folder.as_posix()
    if found := _SNAPSHOT.search(path):
        return valid(found["name"])
    parts = [part for part in folder.parts[1:] if re.search("[A-Za-z0-9]", part)]
    name = parts.pop() if parts else NAMELESS
    while parts and _GENERIC.fullmatch(valid(name.partition("/")[0])):
        name = f"{parts.pop()}/{name}"
    return valid(name)


NAMELESS = "adapter"


def valid(text: str) -> str:
    """Returns ``text`` in small letters, digits, ``.``, ``_`` and ``-``; at most 80."""
    name = re.sub(r"[^a-z0-9._-]+", "-", text.lower()).lstrip("._-")[:LONGEST].rstrip("._-")
    return name if re.match(NAME_PATTERN, name) else NAMELESS


def free_name(wanted: str, taken: Collection[str], *, mark: str) -> str:
    """Returns ``wanted``, or when it is taken, that and the start of ``mark``.

    Args:
        wanted: a valid name.
        taken: names of other adapters.
        mark: a digest of the content, so that the same folder is called the same every time.
    """
    if wanted not in taken:
        return wanted
    suffix = f"-{mark[:MARK_LENGTH]}"
    return f"{wanted[: LONGEST - len(suffix)]}{suffix}"
