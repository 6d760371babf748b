"""A PEFT folder as it lies on disk: which weights, which config, and whether they are whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapterctl.errors import InvalidInput, NotFound
from adapterctl.records.canonical import digest, listing_digest
from adapterctl.rules.adoption.adapter_configs import peft_type_of
from adapterctl.rules.adoption.adopted import PICKLE, SAFETENSORS
from adapterctl.stores.files import LFS_POINTER
from adapterctl.stores.pickles import pickle_digest
from adapterctl.stores.safetensors import config_digest, tensor_digests
from adapterctl.stores.safetensors.folder import json_object

CONFIG = "adapter_config.json"
LARGEST_CONFIG = 1_000_000

COMPANIONS = (
    "README.md",
    "added_tokens.json",
    "chat_template.jinja",
    "merges.txt",
    "special_tokens_map.json",
    "spiece.model",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "trainer_state.json",
    "training_args.bin",
    "vocab.json",
    "vocab.txt",
)
"""What is kept beside weights and config: what serving needs, and traces of how it was trained."""


@dataclass(frozen=True, kw_only=True)
class AdapterFolder:
    """What a folder holds.

    Attributes:
        path: the folder, absolute.
        files: names of the files that a version of it keeps.
        weights: name of the file with the weights, or ``None`` without one.
        weights_sha256: over the tensors; ``None`` without safetensors weights.
        content_sha256: over weights and config, whatever else lies there.
    """

    path: Path
    config: dict[str, Any]
    peft_type: str
    files: tuple[str, ...]
    weights: str | None
    weights_sha256: str | None
    config_sha256: str
    content_sha256: str


def adapter_folders(source: Path, *, called: str | None = None) -> list[Path]:
    """Returns the folders at or below ``source`` that hold an ``adapter_config.json``, sorted.

    Below such a folder no other is looked for.

    Args:
        source: a folder.
        called: what an error calls it, when it was fetched from elsewhere.

    Raises:
        NotFound: no such folder, or none in it.
    """
    if not source.is_dir():
        raise NotFound(
            "no such folder", place=str(source), hint="name a folder that PEFT has saved"
        )
    if (source / CONFIG).is_file():
        return [source.resolve()]
    found = sorted(_below(source.resolve()))
    if not found:
        raise NotFound(
            f"no {CONFIG} in it or below",
            place=called or str(source),
            hint="name a folder that PEFT has saved, or one that holds such folders",
        )
    return found


def _below(source: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(source):
        folders[:] = [name for name in folders if not name.startswith(".")]
        if CONFIG in files:
            # What lies below is of the same training: its checkpoints.
            folders.clear()
            yield Path(folder)


def examine(folder: Path, *, cache: Path | None, either: bool = False) -> AdapterFolder:
    """Reads a folder; pickled weights are not opened.

    Args:
        folder: holds an ``adapter_config.json``.
        cache: folder in which digests of weights are kept by file identity, or ``None``.
        either: of two files of weights take the one that PEFT loads, instead of refusing both.

    Raises:
        InvalidInput: no PEFT config, two files of weights, or weights that are not whole.
    """
    config = _config(folder / CONFIG)
    peft_type = peft_type_of(config, place=str(folder / CONFIG))
    weights = _weights(folder, either=either)
    tensors = _tensors_digest(folder, cache) if weights == SAFETENSORS else None
    pickled = pickle_digest(folder / PICKLE) if weights == PICKLE else None
    config_sha256 = config_digest(folder / CONFIG)
    names = [CONFIG, *([weights] if weights else []), *COMPANIONS]
    return AdapterFolder(
        path=folder,
        config=config,
        peft_type=peft_type,
        files=tuple(name for name in names if (folder / name).is_file()),
        weights=weights,
        weights_sha256=tensors,
        config_sha256=config_sha256,
        content_sha256=content_digest(config_sha256, tensors or pickled),
    )


def content_digest(config_sha256: str, weights_sha256: str | None) -> str:
    """Returns the digest by which the same adapter is known again."""
    return digest({"config": config_sha256, "weights": weights_sha256})


def _config(path: Path) -> dict[str, Any]:
    size = path.stat().st_size
    if size > LARGEST_CONFIG:
        raise InvalidInput.one(f"{size:,} bytes are too many for a config", place=str(path))
    with path.open("rb") as file:
        if file.read(len(LFS_POINTER)) == LFS_POINTER:
            raise InvalidInput.one(
                "a Git LFS pointer, not the config", place=str(path), hint="git lfs pull"
            )
    return json_object(path) or {}


def _weights(folder: Path, *, either: bool) -> str | None:
    found = [name for name in (SAFETENSORS, PICKLE) if (folder / name).is_file()]
    if len(found) > 1 and not either:
        raise InvalidInput.one(
            f"holds both {SAFETENSORS} and {PICKLE}",
            place=str(folder),
            hint=f"keep the one that is served: PEFT loads {SAFETENSORS} and ignores the other",
        )
    return next(iter(found), None)


def _tensors_digest(folder: Path, cache: Path | None) -> str:
    tensors = tensor_digests(folder / SAFETENSORS, cache=cache)
    return listing_digest(tensor.line for tensor in tensors)
