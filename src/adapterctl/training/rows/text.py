"""From prepared rows to what a base is trained and judged on (B1): token ids and loss mask.

A pure function of rows and tokenizer: no randomness, no clock, no settings from elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from adapterctl.errors import InvalidInput
from adapterctl.records.canonical import compact
from adapterctl.records.noun import Noun
from adapterctl.records.recipe import Task
from adapterctl.training.rows.faulty_rows import named, refuse, row_id
from adapterctl.training.rows.formats import (
    Answer,
    Fault,
    Rendering,
    Row,
    Unrenderable,
    faults,
    is_conversation,
    label_faults,
    render,
    render_prompt,
)
from adapterctl.training.rows.tokenizer import Tokens, load_tokenizer, tokenize

Log = Callable[[str], None]
"""Takes one sentence that a person should read."""


class Example(Noun, frozen=True):
    """One row as the base will see it.

    Attributes:
        id: the row's own ``id`` field as text, or else its number in the set, from 0.
        text: the rendered text that was tokenized.
        input_ids: token ids, at most ``max_length`` of them, never padded.
        loss_mask: as long as ``input_ids``; 1 where a token is learned. A token is learned when
            its last character belongs to an answer; SEQ_CLS has none.
        label: index into the sorted training labels, or ``None``.
        answer_bytes: UTF-8 bytes of the answers' own words that ``input_ids`` reach, without
            the marks that end them: the same for every tokenizer, unless cut.
        soft: a share for every label, to learn instead of ``label`` alone; they add up to 1.
        taught: what a teacher expects at each learned token; see `learning.taught.packed`.
    """

    id: str
    text: str
    input_ids: tuple[int, ...]
    loss_mask: tuple[int, ...]
    label: int | None
    answer_bytes: int = 0
    soft: tuple[float, ...] = ()
    taught: bytes = b""


def encode(
    rows: Sequence[Row],
    *,
    task: Task,
    tokenizer: Any,
    labels: Sequence[str],
    max_length: int,
    place: str = "rows",
    log: Log | None = None,
) -> list[Example]:
    """Returns the examples to train on, in the order of their rows.

    Rows longer than ``max_length`` tokens lose their end. A CAUSAL_LM row that loses its whole
    answer that way teaches nothing: it is left out and named to ``log``; without one it is refused.

    Args:
        rows: prepared rows.
        task: ``SEQ_CLS`` or ``CAUSAL_LM``.
        tokenizer: from `load_tokenizer`.
        labels: the training labels, from `label_names`; empty for CAUSAL_LM.
        max_length: in tokens.
        place: the set's name, for messages.
        log: hears which rows are left out, and where a prompt and its answer share a token.

    Raises:
        InvalidInput: rows that are not in the task's format, or none that teaches anything.
    """
    examples = encode_all(
        rows, task=task, tokenizer=tokenizer, labels=labels, max_length=max_length, place=place
    )
    if task == "SEQ_CLS":
        return examples
    if log is not None:
        prompts = encode_prompts(rows, tokenizer=tokenizer, place=place)
        _tell_merged(examples, prompts, place=place, log=log)
    return _learnable(examples, max_length=max_length, place=place, log=log)


def encode_all(
    rows: Sequence[Row],
    *,
    task: Task,
    tokenizer: Any,
    labels: Sequence[str] | None,
    max_length: int,
    place: str = "rows",
) -> list[Example]:
    """Returns one example per row, also where the answer is cut away; see `encode`.

    SEQ_CLS rows need no label where ``labels`` is ``None``.
    """
    answers = task == "CAUSAL_LM" or labels is not None
    refuse(rows, lambda _, row: faults(row, task=task, labels=labels, answers=answers), place=place)
    _refuse_base(rows, task=task, tokenizer=tokenizer, place=place)
    renderings = _each(rows, lambda row: render(row, task=task, tokenizer=tokenizer), place=place)
    cut_inside = max_length if task == "SEQ_CLS" else None
    known = {label: number for number, label in enumerate(labels or ())}
    examples = [
        _example(
            rendering,
            Tokens(ids=tokens.ids[:max_length], ends=tokens.ends[:max_length]),
            id=row_id(row, number),
            label=known.get(str(row.get("label"))),
        )
        for number, (row, rendering, tokens) in enumerate(
            zip(
                rows,
                renderings,
                tokenize(renderings, tokenizer, cut_inside=cut_inside),
                strict=True,
            )
        )
    ]
    _refuse_empty(rows, examples, place=place)
    return examples


def encode_prompts(rows: Sequence[Row], *, tokenizer: Any, place: str = "rows") -> list[Example]:
    """Returns what the base reads before it answers each CAUSAL_LM row, uncut.

    Raises:
        InvalidInput: rows that hold no prompt.
    """
    refuse(
        rows,
        lambda _, row: faults(row, task="CAUSAL_LM", labels=None, answers=False),
        place=place,
    )
    _refuse_base(rows, task="CAUSAL_LM", tokenizer=tokenizer, place=place)
    renderings = _each(rows, lambda row: render_prompt(row, tokenizer=tokenizer), place=place)
    examples = [
        _example(rendering, _open_ended(tokens, tokenizer), id=row_id(row, number), label=None)
        for number, (row, rendering, tokens) in enumerate(
            zip(rows, renderings, tokenize(renderings, tokenizer), strict=True)
        )
    ]
    _refuse_empty(rows, examples, place=place)
    return examples


def label_names(rows: Sequence[Row], *, place: str = "rows") -> list[str]:
    """Returns the distinct labels of a training set, sorted: their positions are the label ids.

    Raises:
        InvalidInput: rows without a usable label.
    """
    refuse(rows, lambda _, row: label_faults(row, None), place=place)
    return sorted({str(row["label"]) for row in rows})


def encoded_digest(examples: Iterable[Example]) -> str:
    """Returns the sha256 over text, token ids, loss mask and label of each example, in order."""
    hasher = hashlib.sha256()
    for example in examples:
        seen = (example.text, example.input_ids, example.loss_mask, example.label)
        beside = [each for each in (example.soft, example.taught) if each]
        hasher.update(compact((*seen, *beside)) + b"\n")
    return hasher.hexdigest()


def _example(rendering: Rendering, tokens: Tokens, *, id: str, label: int | None) -> Example:
    reach = max(tokens.ends, default=0)
    return Example(
        id=id,
        text=rendering.text,
        input_ids=tokens.ids,
        loss_mask=tuple(int(_is_learned(end, rendering.answers)) for end in tokens.ends),
        label=label,
        answer_bytes=sum(
            len(rendering.text[begin : min(end, reach)].encode())
            for begin, end in (answer.words for answer in rendering.answers)
        ),
    )


def _is_learned(end: int, answers: Sequence[Answer]) -> bool:
    return any(answer.start < end <= answer.stop for answer in answers)


def _open_ended(tokens: Tokens, tokenizer: Any) -> Tokens:
    """Takes off an end token that the tokenizer added: the answer comes there."""
    ids, ends = tokens
    if len(ids) > 1 and ids[-1] == tokenizer.eos_token_id and ends[-1] == 0:
        return Tokens(ids=ids[:-1], ends=ends[:-1])
    return tokens


def _each(rows: Sequence[Row], make: Callable[[Row], Rendering], *, place: str) -> list[Rendering]:
    """Renders every row, refusing at once all that the chat template cannot render."""
    made: dict[int, Rendering] = {}

    def find(number: int, row: Row) -> Iterable[Fault]:
        try:
            made[number] = make(row)
        except Unrenderable as error:
            return [error.fault]
        return []

    refuse(rows, find, place=place)
    return list(made.values())


def _refuse_base(rows: Sequence[Row], *, task: Task, tokenizer: Any, place: str) -> None:
    """Refuses rows that this base has no words for: no chat template, no end token."""
    if task == "SEQ_CLS":
        return
    chat = [is_conversation(row) for row in rows]
    if any(chat) and not tokenizer.chat_template:
        raise InvalidInput.one(
            "rows hold messages, and the base has no chat template",
            place=place,
            hint="give prompt and completion as text, or choose a base with a chat template",
        )
    if not all(chat) and not tokenizer.eos_token:
        raise InvalidInput.one(
            "the base has no end token, so it could never learn to stop",
            place=place,
            hint="set eos_token in its tokenizer_config.json",
        )


def _refuse_empty(rows: Sequence[Row], examples: Sequence[Example], *, place: str) -> None:
    fault = Fault("", "gives no tokens: there is nothing to read", "drop the row")
    refuse(rows, lambda number, _: [] if examples[number].input_ids else [fault], place=place)


def _learnable(
    examples: list[Example], *, max_length: int, place: str, log: Log | None
) -> list[Example]:
    # Nothing comes before the first token, so nothing predicts it.
    kept = [example for example in examples if any(example.loss_mask[1:])]
    lost = [example.id for example in examples if not any(example.loss_mask[1:])]
    if not lost:
        return kept
    what = f"{named(lost)} of {len(examples)}: no token of the answer is left at max_length"
    if log is None or not kept:
        raise InvalidInput.one(
            f"{what} {max_length}", place=place, hint="raise training.max_length, or drop them"
        )
    log(f"{place}: left out {what} {max_length}")
    return kept


def _tell_merged(
    examples: Sequence[Example], prompts: Sequence[Example], *, place: str, log: Log
) -> None:
    """Tells where the prompt alone has other tokens than at the head of its row."""
    merged = [
        prompt.id
        for example, prompt in zip(examples, prompts, strict=True)
        for length in (min(len(prompt.input_ids), len(example.input_ids)),)
        if example.input_ids[:length] != prompt.input_ids[:length]
    ]
    if merged:
        log(
            f"{place}: in {named(merged)} the end of the prompt and the start of the answer "
            "share a token that the base never reads when it answers; "
            "move the space from the prompt's end to the completion's start"
        )


__all__ = [
    "Example",
    "Log",
    "encode",
    "encode_all",
    "encode_prompts",
    "encoded_digest",
    "label_names",
    "load_tokenizer",
    "render_prompt",
]
