"""A base's tokenizer as both training and prediction use it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from adapterctl.errors import InvalidInput
from adapterctl.training.quiet import quiet
from adapterctl.training.rows.formats import Rendering

_CHUNK = 1000


class Tokens(NamedTuple):
    """A text's tokens: their ids, and where in the text each ends.

    ``ends`` is 0 for a token that the tokenizer adds (BOS, ``[SEP]``).
    """

    ids: tuple[int, ...]
    ends: tuple[int, ...]


def load_tokenizer(base_dir: Path, *, trust_remote_code: bool = False) -> Any:
    """Returns the tokenizer in a base's folder, with a padding token, cutting on the right.

    A base without a padding token (GPT-2, Llama) pads with its end token: padding is always
    masked, so which token it is changes nothing.

    Raises:
        InvalidInput: the folder has no tokenizer, or one that cannot say which characters a
            token covers, or one without any token to pad with.
    """
    from transformers import AutoTokenizer

    try:
        with quiet():
            tokenizer = AutoTokenizer.from_pretrained(
                str(base_dir), local_files_only=True, trust_remote_code=trust_remote_code
            )
    except (OSError, ValueError) as error:
        raise _refused(base_dir, f"no tokenizer can be loaded: {error}") from error
    if not tokenizer.is_fast:
        raise _refused(base_dir, "its tokenizer cannot say which characters a token covers")
    if tokenizer.pad_token is None:
        if tokenizer.eos_token is None:
            raise _refused(base_dir, "its tokenizer has neither a padding nor an end token")
        tokenizer.pad_token = tokenizer.eos_token
    tokenizer.truncation_side = "right"
    return tokenizer


def tokenize(
    renderings: Sequence[Rendering], tokenizer: Any, *, cut_inside: int | None = None
) -> Iterator[Tokens]:
    """Yields each text's tokens, in order.

    Length and padding limits stored in ``tokenizer.json`` are not followed.

    Args:
        renderings: texts; a ``whole`` one gets no special tokens.
        tokenizer: from `load_tokenizer`.
        cut_inside: longest result, special tokens included and kept; ``None`` cuts nothing.
    """
    for start in range(0, len(renderings), _CHUNK):
        chunk = renderings[start : start + _CHUNK]
        by_kind = {
            whole: _tokenized(
                [rendering.text for rendering in chunk if rendering.whole is whole],
                tokenizer,
                whole=whole,
                cut_inside=cut_inside,
            )
            for whole in (False, True)
        }
        for rendering in chunk:
            yield next(by_kind[rendering.whole])


def _tokenized(
    texts: list[str], tokenizer: Any, *, whole: bool, cut_inside: int | None
) -> Iterator[Tokens]:
    if not texts:
        return
    with quiet():
        encoded = tokenizer(
            texts,
            add_special_tokens=not whole,
            truncation=cut_inside is not None,
            max_length=cut_inside,
            padding=False,
            return_offsets_mapping=True,
        )
    for ids, offsets in zip(encoded["input_ids"], encoded["offset_mapping"], strict=True):
        yield Tokens(ids=tuple(ids), ends=tuple(end for _, end in offsets))


def _refused(base_dir: Path, what: str) -> InvalidInput:
    return InvalidInput.one(
        what, place=str(base_dir), hint="save a fast tokenizer (tokenizer.json) beside the weights"
    )
