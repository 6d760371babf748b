"""TRL's dataset formats: what a row must hold, and the text that a base reads for it.

SEQ_CLS rows are ``text`` and ``label``. CAUSAL_LM rows are ``prompt`` and ``completion`` (both
text, or both lists of messages) or ``messages``. As in TRL's SFTTrainer, plain text is prompt,
completion and end token joined, and conversations go through the base's chat template.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from jinja2 import TemplateError

from adapterctl.records.recipe import Task

Row = dict[str, Any]

_MESSAGE = 'a message is {"role": "user", "content": "..."}'
_UNSTABLE_WHAT = (
    "the chat template renders the conversation up to here differently inside the whole"
)
_UNSTABLE_HINT = "give each answer a row of its own: prompt is all before it, completion the answer"


class Fault(NamedTuple):
    """What is wrong with one field of a row, and its mend; never shows a row's text."""

    field: str
    what: str
    hint: str


class Unrenderable(Exception):
    """A well-formed row that this base's chat template cannot render."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(fault.what)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer in a text, as character positions.

    Attributes:
        start: first learned character.
        stop: end of what is learned: the answer's words and the mark that ends them.
        words: begin and end of the words themselves.
    """

    start: int
    stop: int
    words: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Rendering:
    """A row as text.

    Attributes:
        text: all that the base reads.
        answers: what is learned of it; empty for SEQ_CLS and for a prompt alone.
        whole: the text brings its own BOS token; the tokenizer must add none.
    """

    text: str
    answers: tuple[Answer, ...] = ()
    whole: bool = False


def faults(
    row: Any, *, task: Task, labels: Sequence[str] | None, answers: bool = True
) -> Iterator[Fault]:
    """Yields everything wrong with a row's fields.

    Args:
        row: one row of a set, after preprocessing.
        task: ``SEQ_CLS`` or ``CAUSAL_LM``.
        labels: the labels known from training; ``None`` takes any.
        answers: whether a label or completion must be there.
    """
    if not isinstance(row, dict):
        yield Fault("", f"not a row of named fields: {_kind(row)}", "one JSON object per row")
    elif task == "SEQ_CLS":
        yield from text_faults(row, "text", hint="SEQ_CLS rows hold text and label")
        yield from label_faults(row, labels) if answers else ()
    elif "messages" in row:
        yield from _conversation_faults(row, answers=answers)
    else:
        yield from _pair_faults(row, answers=answers)


def text_faults(row: Row, field: str, *, hint: str) -> Iterator[Fault]:
    """Yields what is wrong with a field that must be text."""
    if row.get(field) is None:
        yield Fault(field, "missing", hint)
    elif not isinstance(row[field], str):
        yield Fault(field, f"not text: {_kind(row[field])}", hint)
    elif not _is_unicode(row[field]):
        yield Fault(field, "not valid Unicode: half of a surrogate pair", "mend the encoding")


def label_faults(row: Row, labels: Sequence[str] | None) -> Iterator[Fault]:
    """Yields what is wrong with a row's label: text or a whole number, known from training."""
    label = row.get("label")
    if label is None:
        yield Fault("label", "missing", "SEQ_CLS rows hold text and label")
    elif isinstance(label, bool) or not isinstance(label, str | int):
        yield Fault("label", f"not text: {_kind(label)}", "write labels as text")
    elif labels is not None and str(label) not in labels:
        near = difflib.get_close_matches(str(label), labels, n=1)
        yield Fault(
            "label",
            f"never occurs in training: {str(label)[:60]!r}",
            f"did you mean {near[0]!r}?" if near else "add such rows to training, or drop this one",
        )


def is_conversation(row: Row) -> bool:
    """Whether the chat template renders this row."""
    return "messages" in row or isinstance(row.get("prompt"), list)


def reference(row: Row, *, task: Task) -> str:
    """Returns what the row says is right: its label, completion or last answer."""
    if task == "SEQ_CLS":
        return str(row["label"])
    if "messages" in row:
        return str(row["messages"][-1]["content"])
    if isinstance(row["completion"], list):
        return "".join(message["content"] for message in row["completion"])
    return str(row["completion"])


def render(row: Row, *, task: Task, tokenizer: Any) -> Rendering:
    """Returns a faultless row as the base reads it in training.

    Raises:
        Unrenderable: the chat template refuses the conversation, or renders its beginning
            differently alone than inside the whole, so that no answer can be told from it.
    """
    if task == "SEQ_CLS":
        return Rendering(text=row["text"])
    if "messages" in row:
        turns = [i for i, turn in enumerate(row["messages"]) if turn["role"] == "assistant"]
        return _conversation(row, row["messages"], turns=turns, tokenizer=tokenizer)
    if is_conversation(row):
        both = [*row["prompt"], *row["completion"]]
        return _conversation(row, both, turns=[len(row["prompt"])], tokenizer=tokenizer)
    start, end = len(row["prompt"]), len(row["prompt"] + row["completion"])
    mark = "" if row["completion"].endswith(tokenizer.eos_token) else tokenizer.eos_token
    text = row["prompt"] + row["completion"] + mark
    return Rendering(text=text, answers=(Answer(start=start, stop=len(text), words=(start, end)),))


def render_prompt(row: Row, *, tokenizer: Any) -> Rendering:
    """Returns a CAUSAL_LM row as the base reads it before it answers.

    Messages lose a closing answer and gain the template's generation prompt.

    Raises:
        Unrenderable: the chat template refuses the conversation.
    """
    if not is_conversation(row):
        return Rendering(text=row["prompt"])
    turns = row["messages"] if "messages" in row else row["prompt"]
    if "messages" in row and turns[-1]["role"] == "assistant":
        turns = turns[:-1]
    return Rendering(
        text=_templated(row, turns, tokenizer=tokenizer, add_generation_prompt=True), whole=True
    )


def _conversation(
    row: Row, messages: list[Any], *, turns: Sequence[int], tokenizer: Any
) -> Rendering:
    """Renders a conversation in which an answer starts at each of ``turns``.

    An answer reaches to the end of its message; in ``prompt`` + ``completion`` to the end of all.
    """
    rendered = partial(_templated, row, tokenizer=tokenizer)
    text = rendered(messages)
    answers = []
    for turn in turns:
        after = turn + 1 if "messages" in row else len(messages)
        before, whole = rendered(messages[:turn], add_generation_prompt=True), text
        if after < len(messages):
            whole = rendered(messages[:after])
        if not (text.startswith(before) and text.startswith(whole)):
            raise Unrenderable(Fault(_field(row, turn), _UNSTABLE_WHAT, _UNSTABLE_HINT))
        words = "".join(message["content"] for message in messages[turn:after])
        answers.append(_answer(text, (len(before), len(whole)), words=words.strip()))
    return Rendering(text=text, answers=tuple(answers), whole=True)


def _answer(text: str, span: tuple[int, int], *, words: str) -> Answer:
    """Finds an answer's words behind its generation prompt (a template may strip or precede)."""
    at = max(text.find(words, *span), span[0])
    return Answer(start=span[0], stop=span[1], words=(at, min(at + len(words), span[1])))


def _templated(row: Row, messages: list[Any], *, tokenizer: Any, **options: Any) -> str:
    try:
        return str(
            tokenizer.apply_chat_template(
                messages,
                tokenize=False,
                tools=row.get("tools") or None,
                **row.get("chat_template_kwargs", {}),
                **options,
            )
        )
    except (TemplateError, TypeError) as error:
        raise Unrenderable(
            Fault(_field(row, len(messages) - 1), f"the chat template refuses it: {error}", "")
        ) from error


def _field(row: Row, turn: int) -> str:
    if "messages" in row:
        return f"messages[{turn}]"
    before = len(row["prompt"])
    return f"prompt[{turn}]" if turn < before else f"completion[{turn - before}]"


def _conversation_faults(row: Row, *, answers: bool) -> Iterator[Fault]:
    found = list(_message_faults(row["messages"], "messages"))
    yield from found
    if "prompt" in row or "completion" in row:
        yield Fault("messages", "given beside prompt and completion", "keep one of the two")
    if answers and not found and row["messages"][-1]["role"] != "assistant":
        yield Fault(
            f"messages[{len(row['messages']) - 1}].role",
            "the conversation does not end with an answer",
            "end it with a message of role assistant",
        )
    yield from _option_faults(row)


def _pair_faults(row: Row, *, answers: bool) -> Iterator[Fault]:
    hint = "CAUSAL_LM rows hold prompt and completion, or messages"
    for field in ("prompt", "completion") if answers else ("prompt",):
        if isinstance(row.get("prompt"), list) and isinstance(row.get(field), list):
            yield from _message_faults(row[field], field)
        elif isinstance(row.get("prompt"), list) and row.get(field) is not None:
            what = f"not a list of messages as the prompt is: {_kind(row[field])}"
            yield Fault(field, what, "write both as text or both as messages")
        else:
            yield from text_faults(row, field, hint=hint)
    if isinstance(row.get("prompt"), list):
        yield from _option_faults(row)


def _option_faults(row: Row) -> Iterator[Fault]:
    """The row's own words to the template, under TRL's names."""
    for field, kind, name in (
        ("tools", list, "a list"),
        ("chat_template_kwargs", dict, "an object"),
    ):
        if not isinstance(row.get(field, kind()), kind | None):
            yield Fault(field, f"not {name}: {_kind(row[field])}", "")


def _message_faults(messages: Any, field: str) -> Iterator[Fault]:
    if not isinstance(messages, list) or not messages:
        what = "empty" if messages == [] else f"not a list of messages: {_kind(messages)}"
        yield Fault(field, what, _MESSAGE)
        return
    for number, message in enumerate(messages):
        if not isinstance(message, dict):
            yield Fault(f"{field}[{number}]", f"not a message: {_kind(message)}", _MESSAGE)
            continue
        for name in ("role", "content"):
            for fault in text_faults(message, name, hint=_MESSAGE):
                yield fault._replace(field=f"{field}[{number}].{fault.field}")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _kind(value: Any) -> str:
    """Names a value's type as JSON would; the value itself may be personal."""
    names = {dict: "an object", list: "a list", str: "text", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
