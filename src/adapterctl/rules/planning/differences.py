"""What is different on a successor, said side by side."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from adapterctl.records.base import Base, BaseShape
from adapterctl.records.noun import Noun
from adapterctl.records.version import VersionRecord
from adapterctl.rules.planning.estimates import TextLengths

_SHOWN = 6
"""As many added tokens are named."""

UNKNOWN = "not known here"


class Change(Noun, frozen=True, kw_only=True):
    """One thing that a rebuild changes."""

    what: str
    old: str
    new: str


def base_changes(
    record: VersionRecord, new_base: Base, *, old: BaseShape | None, new: BaseShape
) -> Iterator[Change]:
    """Yields what is different between the bases themselves; equal things are left out."""
    yield Change(what="base", old=record.base.base, new=new_base.base)
    before = _known(old) if old else {}
    for what, text in _known(new).items():
        if before.get(what) != text:
            yield Change(what=what, old=before.get(what, UNKNOWN), new=text)
    if old is not None:
        yield from _special_tokens(old, new)
        yield from _added(old, new)
    if record.recipe.task == "SEQ_CLS":
        labels = len(record.training.labels) if record.training else None
        count = f"{labels} labels" if labels else "the same labels"
        yield Change(what="label head", old=count, new=f"{count}, a new head from scratch")


def _known(shape: BaseShape) -> dict[str, str]:
    limit = f"{shape.context_length:,} tokens" if shape.context_length else "no limit"
    return {
        "architecture": shape.architecture,
        "size": f"{shape.layers} x {shape.hidden_size:,}, {_short(shape.parameters)} parameters",
        "context": limit,
        "tokenizer": f"{shape.tokenizer_class} ({shape.tokenizer_kind})",
        "vocabulary": _vocabulary(shape),
        "chat template": _template(shape.chat_template),
    }


def _vocabulary(shape: BaseShape) -> str:
    return f"{shape.vocabulary:,} tokens, sha256 {shape.vocabulary_sha256[:12]}"


def _added(old: BaseShape, new: BaseShape) -> Iterator[Change]:
    """Yields added tokens that only one of the two has."""
    only_old = [one for one in old.added_tokens if one not in new.added_tokens]
    only_new = [one for one in new.added_tokens if one not in old.added_tokens]
    if only_old or only_new:
        yield Change(what="added tokens", old=_few(only_old), new=_few(only_new))


def _few(tokens: Sequence[str]) -> str:
    more = len(tokens) - _SHOWN
    shown = ", ".join(tokens[:_SHOWN]) or "none"
    return f"{shown} and {more:,} more" if more > 0 else shown


def _short(count: int) -> str:
    if count >= 1e9:
        return f"{count / 1e9:.1f}B"
    return f"{count / 1e6:.1f}M" if count >= 1e5 else f"{count:,}"


def _template(text: str | None) -> str:
    return f"sha256 {hashlib.sha256(text.encode()).hexdigest()[:12]}" if text else "none"


def _special_tokens(old: BaseShape, new: BaseShape) -> Iterator[Change]:
    for role in sorted(old.special_tokens.keys() | new.special_tokens.keys()):
        before, after = old.special_tokens.get(role), new.special_tokens.get(role)
        if before != after:
            yield Change(what=role, old=before or "none", new=after or "none")


def notes_on_texts(
    lengths: TextLengths, before: TextLengths | None, *, same_template: bool
) -> Iterator[str]:
    """Yields what the successor does to the training texts.

    Args:
        lengths: the rows in the successor's tokens.
        before: the rows in the old base's tokens, as far as it is here.
        same_template: both bases render conversations alike.
    """
    if lengths.cut:
        then = f"; on the old base {before.cut or 'none'} did" if before else ""
        yield (
            f"{lengths.cut:,} of {lengths.rows:,} training rows are longer than "
            f"{lengths.limit:,} tokens and lose their end{then}"
        )
    if lengths.lost:
        yield (
            f"{lengths.lost:,} of them lose their whole answer and teach nothing: they are left out"
        )
    if lengths.conversations and not same_template:
        yield (
            f"{lengths.conversations:,} of {lengths.rows:,} rows are conversations: the "
            "successor's own chat template renders them"
        )
