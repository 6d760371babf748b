"""What a tokenizer is made of: its kind, its vocabulary, the tokens that were added to it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from adapterctl.records.canonical import digest
from adapterctl.training.rows.tokenizer import load_tokenizer


def kind_of(tokenizer: Any) -> str:
    """Returns the algorithm that cuts text: ``WordPiece``, ``byte-level BPE``, ``Unigram``."""
    backend = tokenizer.backend_tokenizer
    kind = type(backend.model).__name__
    return f"byte-level {kind}" if type(backend.decoder).__name__ == "ByteLevel" else kind


def vocabulary_digest(tokenizer: Any) -> str:
    """Returns the sha256 over every token with its id; added tokens belong to them."""
    return digest(tokenizer.get_vocab())


def added_tokens(tokenizer: Any) -> list[str]:
    """Returns the tokens beside the vocabulary proper that play no named role, by their ids."""
    named = set(tokenizer.all_special_tokens)
    every = sorted(tokenizer.added_tokens_decoder.items())
    return [token.content for _, token in every if token.content not in named]


def unknown_tokens(
    base_dir: Path, tokens: Iterable[str], *, trust_remote_code: bool = False
) -> list[str]:
    """Returns those of another base's tokens that this one reads in pieces, or not at all."""
    known = load_tokenizer(base_dir, trust_remote_code=trust_remote_code).get_vocab()
    return [token for token in tokens if token not in known]
