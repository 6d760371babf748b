"""A base's fingerprint and the digests beside it; an adapter's weights and config digest."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from adapterctl.errors import InvalidInput
from adapterctl.records.base import BaseDigests, BaseIdentity
from adapterctl.records.canonical import compact, digest, listing_digest
from adapterctl.stores.safetensors.folder import (
    ADAPTER_CONFIG,
    ADAPTER_WEIGHTS,
    json_object,
    weight_files,
)
from adapterctl.stores.safetensors.hashing import Progress, TensorDigest, hash_files

TOKENIZER_FILES = (
    "added_tokens.json",
    "merges.txt",
    "sentencepiece.bpe.model",
    "special_tokens_map.json",
    "spiece.model",
    "tekken.json",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "vocab.json",
    "vocab.txt",
)

# A copy of a base changes these, and nothing that it computes.
_COPY_KEYS = frozenset({"_name_or_path", "transformers_version"})

# PEFT holds these as sets, or means them as sets: their order is chance.
_SET_KEYS = frozenset({"target_modules", "exclude_modules", "modules_to_save", "target_parameters"})


def identify(
    folder: Path, *, cache: Path | None = None, progress: Progress | None = None
) -> BaseIdentity:
    """Returns the identity of the base in ``folder``.

    The fingerprint is ``fp1:`` and the sha256 over the sorted lines of all tensors
    (`TensorDigest.line`), each ended by a newline (DESIGN.md, section 3).

    Args:
        folder: a base as ``save_pretrained`` or a Hub snapshot leaves it.
        cache: folder in which digests are kept by file identity; ``None`` hashes every time.
        progress: called with a label, bytes hashed and bytes in all.

    Raises:
        InvalidInput: no safetensors, a shard missing, truncated or a Git LFS pointer, a tensor in
            two shards, or offsets that cannot be true; the message names the file.
    """
    tensors = hash_files(weight_files(folder), cache=cache, progress=progress)
    config = json_object(folder / "config.json")
    return BaseIdentity(
        fingerprint=f"fp1:{listing_digest(tensor.line for tensor in tensors)}",
        digests=_digests_beside(folder, config),
        family=_text(config, "model_type"),
        architecture=_text(config, "architectures"),
        parameters=sum(math.prod(tensor.shape) for tensor in tensors),
        bytes=sum(tensor.size for tensor in tensors),
        tensors=len(tensors),
        float_digests=float_digests(tensors),
    )


def tensor_digests(
    path: Path, *, cache: Path | None = None, progress: Progress | None = None
) -> list[TensorDigest]:
    """Returns the digest of every tensor of a base's folder or of one file, sorted by line.

    Raises:
        InvalidInput: see `identify`.
    """
    files = weight_files(path) if path.is_dir() else [path]
    return hash_files(files, cache=cache, progress=progress)


def float_digests(tensors: Iterable[TensorDigest]) -> list[str]:
    """Returns the digests of the floating-point tensors, 16 digits of each, once and sorted.

    Whatever the tensors are called and however they are sharded, the same weights have them in
    common (DESIGN.md, section 3, Fingerprint).
    """
    return sorted({t.sha256[:16] for t in tensors if t.dtype.startswith(("F", "BF"))})


def tensor_lines(path: Path) -> list[str]:
    """Returns the sorted fingerprint lines of one safetensors file or of a base's folder.

    Raises:
        InvalidInput: see `identify`.
    """
    return [tensor.line for tensor in tensor_digests(path)]


def weights_digest(path: Path) -> str:
    """Returns the sha256 over the sorted tensor lines of an adapter's weights.

    Args:
        path: the safetensors file, or the adapter's folder.

    Raises:
        InvalidInput: missing, truncated, a Git LFS pointer, or offsets that cannot be true.
    """
    return listing_digest(tensor_lines(path / ADAPTER_WEIGHTS if path.is_dir() else path))


def config_digest(path: Path) -> str:
    """Returns the sha256 of ``adapter_config.json`` in canonical form.

    Keys are sorted, and so are the lists that PEFT writes in set order; nothing is left out.

    Args:
        path: the JSON file, or the adapter's folder.

    Raises:
        InvalidInput: missing, or not a JSON object.
    """
    file = path / ADAPTER_CONFIG if path.is_dir() else path
    config = json_object(file)
    if config is None:
        raise InvalidInput.one("no such file", place=str(file), hint="name an adapter's folder")
    return digest({key: _sorted_set(key, value) for key, value in config.items()})


def _sorted_set(key: str, value: Any) -> Any:
    return sorted(value, key=compact) if key in _SET_KEYS and isinstance(value, list) else value


def _digests_beside(folder: Path, config: dict[str, Any] | None) -> BaseDigests:
    kept = {k: v for k, v in config.items() if k not in _COPY_KEYS} if config is not None else None
    template = _chat_template(folder)
    return BaseDigests(
        config=digest(kept) if kept is not None else None,
        tokenizer=_files_digest(folder, TOKENIZER_FILES),
        code=_files_digest(folder, sorted(path.name for path in folder.glob("*.py"))),
        chat_template=hashlib.sha256(template).hexdigest() if template is not None else None,
    )


def _files_digest(folder: Path, names: Sequence[str]) -> str | None:
    files = [folder / name for name in names if (folder / name).is_file()]
    lines = [f"{f.name}\t{hashlib.sha256(f.read_bytes()).hexdigest()}" for f in files]
    return listing_digest(lines) if lines else None


def _chat_template(folder: Path) -> bytes | None:
    """Returns the template's text; of several in one file, their canonical JSON."""
    file = folder / "chat_template.jinja"
    if file.is_file():
        return file.read_bytes()
    template = (json_object(folder / "tokenizer_config.json") or {}).get("chat_template")
    if template is None:
        return None
    return template.encode() if isinstance(template, str) else compact(template)


def _text(config: dict[str, Any] | None, key: str) -> str | None:
    """Returns a text of ``config.json``, or the first of a list of texts."""
    value = (config or {}).get(key)
    first = value[0] if isinstance(value, list) and value else value
    return first if isinstance(first, str) else None
