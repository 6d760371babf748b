"""What a base, bare or with an adapter, answers to the rows of a set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from adapterctl.records.parity import Prediction
from adapterctl.records.recipe import Generation, Recipe, Task, TrainingSettings
from adapterctl.training.adapted import adapted
from adapterctl.training.asking.classification import Answered, classify
from adapterctl.training.asking.generation import Writer, check_generation, end_tokens
from adapterctl.training.asking.likelihood import likelihoods
from adapterctl.training.learning.batches import Progress, unseen
from adapterctl.training.loading import LoadedBase, reset_head
from adapterctl.training.rows.faulty_rows import named, refuse, row_id
from adapterctl.training.rows.formats import Fault, Row, faults, is_conversation, reference
from adapterctl.training.rows.text import Example, Log, encode_all, encode_prompts

GREEDY = Generation()
"""How answers are written where a recipe does not say."""


@dataclass(frozen=True, kw_only=True)
class Questions:
    """Prepared rows of one set, and how they are to be answered.

    Attributes:
        task: ``SEQ_CLS`` or ``CAUSAL_LM``.
        rows: prepared rows, with what is right.
        labels: the training labels in the order of their ids; empty for CAUSAL_LM.
        settings: ``max_length`` and ``per_device_eval_batch_size`` are read.
        seed: keys the untrained head and the draws of a temperature.
        generation: how answers are written.
        slice_by: field whose value, as text, becomes the prediction's slice.
        place: the set's name, for messages.
    """

    task: Task
    rows: Sequence[Row]
    labels: Sequence[str]
    settings: TrainingSettings
    seed: int
    generation: Generation = GREEDY
    slice_by: str | None = None
    place: str = "rows"


def questions(
    recipe: Recipe,
    rows: Sequence[Row],
    *,
    labels: Sequence[str],
    place: str,
    slice_by: str | None = None,
) -> Questions:
    """Returns what is asked of rows by a recipe's settings."""
    return Questions(
        task=recipe.task,
        rows=rows,
        labels=labels,
        settings=recipe.training,
        seed=recipe.training.seed,
        generation=recipe.generation or GREEDY,
        slice_by=slice_by,
        place=place,
    )


def predict(
    base: LoadedBase,
    asked: Questions,
    *,
    adapter_dir: Path | None,
    log: Log,
    progress: Progress = unseen,
) -> list[Prediction]:
    """Returns one prediction per row, in the order of the rows.

    The same rows in another order, in another process or on another number of threads give the
    same predictions.

    Args:
        base: loaded for the task and its labels; it is left bare.
        asked: the rows.
        adapter_dir: the adapter's folder; ``None`` asks the bare base, for SEQ_CLS with an
            untrained head.
        log: hears what is cut.
        progress: called after each batch.

    Raises:
        InvalidInput: rows that are not in the task's format, or share an id.
        Mismatch: the adapter does not fit the base.
    """
    _refuse_rows(asked)
    check_generation(asked.generation)
    side = Side(base=base, asked=asked, log=log, progress=progress)
    with _wearing(base, adapter_dir, head_seed=asked.seed):
        answered = side.classify() if asked.task == "SEQ_CLS" else side.write()
    return [
        _prediction(asked, row, answer, id=row_id(row, number))
        for number, (row, answer) in enumerate(zip(asked.rows, answered, strict=True))
    ]


def likelihood_scores(
    base: LoadedBase,
    asked: Questions,
    *,
    adapter_dir: Path,
    log: Log,
    progress: Progress = unseen,
) -> list[dict[str, float]]:
    """Returns how likely an adapter finds the rows' own answers, as `predict` would, unwritten."""
    _refuse_rows(asked)
    side = Side(base=base, asked=asked, log=log, progress=progress)
    with adapted(base, adapter_dir):
        return side.judge()


@dataclass(frozen=True, kw_only=True)
class Side:
    """One side of a comparison, ready to be asked: a base, with or without an adapter on it."""

    base: LoadedBase
    asked: Questions
    log: Log
    progress: Progress

    def classify(self) -> list[Answered]:
        """Returns label and probabilities for SEQ_CLS rows."""
        return classify(
            self.base,
            self._examples(),
            labels=self.asked.labels,
            batch_size=self.asked.settings.per_device_eval_batch_size,
            progress=self.progress,
        )

    def write(self) -> list[Answered]:
        """Returns the text written to CAUSAL_LM rows, and how likely their own answer is."""
        asked, examples = self.asked, self._examples()
        prompts = encode_prompts(asked.rows, tokenizer=self.base.tokenizer, place=asked.place)
        writer = Writer(
            base=self.base,
            generation=asked.generation,
            seed=asked.seed,
            stops=end_tokens(self.base, chat=any(map(is_conversation, asked.rows))),
        )
        if cut := writer.cut(prompts):
            self.log(f"{asked.place}: {named(cut)} fill the base's context: their beginning is cut")
        size = asked.settings.per_device_eval_batch_size
        texts = writer.write(prompts, batch_size=size, progress=self.progress)
        return list(zip(texts, self._likelihoods(examples), strict=True))

    def judge(self) -> list[dict[str, float]]:
        """Returns how likely the own answers of CAUSAL_LM rows are."""
        return self._likelihoods(self._examples())

    def _likelihoods(self, examples: list[Example]) -> list[dict[str, float]]:
        size = self.asked.settings.per_device_eval_batch_size
        nats = likelihoods(self.base, examples, batch_size=size, progress=self.progress)
        return [_scores(example, nll=nll) for example, nll in zip(examples, nats, strict=True)]

    def _examples(self) -> list[Example]:
        asked, limit = self.asked, self.base.longest(self.asked.settings.max_length)
        examples = encode_all(
            asked.rows,
            task=asked.task,
            tokenizer=self.base.tokenizer,
            labels=asked.labels,
            max_length=limit,
            place=asked.place,
        )
        full = [example.id for example in examples if len(example.input_ids) == limit]
        if full and limit < asked.settings.max_length:
            self.log(f"{asked.place}: {named(full)} reach the base's context of {limit} tokens")
        lost = [example.id for example in examples if not any(example.loss_mask[1:])]
        if lost and asked.task == "CAUSAL_LM":
            left = f"no token of the answer is left within {limit} in {named(lost)}"
            self.log(f"{asked.place}: {left}")
        return examples


def _prediction(asked: Questions, row: Row, answer: Answered, *, id: str) -> Prediction:
    output, scores = answer
    return Prediction(
        id=id,
        output=output,
        reference=reference(row, task=asked.task),
        scores=scores,
        slice=None if asked.slice_by is None else str(row[asked.slice_by]),
    )


def _scores(example: Example, *, nll: float) -> dict[str, float]:
    tokens = sum(example.loss_mask[1:])
    return {"nll": nll, "tokens": float(tokens), "bytes": float(example.answer_bytes)}


@contextmanager
def _wearing(base: LoadedBase, adapter_dir: Path | None, *, head_seed: int) -> Iterator[None]:
    """The base with the adapter on it, or bare with the head that the seed draws."""
    if adapter_dir is None:
        reset_head(base, seed=head_seed)
        yield
    else:
        with adapted(base, adapter_dir):
            yield


def _refuse_rows(asked: Questions) -> None:
    first: dict[str, int] = {}
    by = asked.slice_by

    def find(number: int, row: Row) -> Iterator[Fault]:
        yield from faults(row, task=asked.task, labels=asked.labels)
        if by is not None and isinstance(row, dict) and row.get(by) is None:
            yield Fault(by, "missing", "slice_by names a field that every prepared row has")
        other = first.setdefault(row_id(row, number), number)
        if other != number:
            yield Fault("id", f"is also the id of row {other}", "give every row an id of its own")

    refuse(asked.rows, find, place=asked.place)
