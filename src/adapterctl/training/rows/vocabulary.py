"""What a tokenizer is made of: its kind, its vocabulary, the tokens that were added to it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from adapterctl.records.canonical import digest
from adapterctl.training.rows.tokenizer import load_tokenizer

_BYTE = re.compile(r"<0x[0-9A-F]{2}>")
"""What byte fallback spells unknown characters with."""


def kind_of(tokenizer: Any) -> str:
    """Returns the algorithm that cuts text: ``WordPiece``, ``byte-level BPE``, ``Unigram``."""
    backend = tokenizer.backend_tokenizer
    kind = type(backend.model).__name__
    return f"byte-level {kind}" if type(backend.decoder).__name__ == "ByteLevel" else kind


def vocabulary_digest(tokenizer: Any) -> str:
    """Returns the sha256 over every token with its id; added tokens belong to them."""
    return digest(tokenizer.get_vocab())


def added_tokens(tokenizer: Any) -> list[str]:
    """Returns the tokens beside the vocabulary proper that play no named role, by their ids.

    Those that stand for single bytes are no words that anybody added.
    """
    named = set(tokenizer.all_special_tokens)
    every = [token.content for _, token in sorted(tokenizer.added_tokens_decoder.items())]
    return [token for token in every if token not in named and not _BYTE.fullmatch(token)]


def unknown_tokens(
    base_dir: Path, tokens: Iterable[str], *, trust_remote_code: bool = False
) -> list[str]:
    """Returns those of another base's tokens that this one reads in pieces, or not at all."""
    known = load_tokenizer(base_dir, trust_remote_code=trust_remote_code).get_vocab()
    return [token for token in tokens if token not in known]
