"""What a base, bare or with an adapter, answers to the rows of a set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from adapterctl.records.parity import Prediction
from adapterctl.records.recipe import Generation, Task, TrainingSettings
from adapterctl.training.adapted import adapted
from adapterctl.training.asking.classification import Answered, classify
from adapterctl.training.asking.generation import Writer, check_generation, end_tokens
from adapterctl.training.asking.likelihood import likelihoods
from adapterctl.training.learning.batches import Progress, unseen
from adapterctl.training.loading import LoadedBase, load_base, reset_head
from adapterctl.training.rows.faulty_rows import named, refuse, row_id
from adapterctl.training.rows.formats import Fault, Row, faults, is_conversation, reference
from adapterctl.training.rows.text import Example, Log, encode_all, encode_prompts


def predict(
    base: Path | LoadedBase,
    *,
    adapter_dir: Path | None,
    task: Task,
    rows: Sequence[Row],
    labels: Sequence[str],
    settings: TrainingSettings,
    generation: Generation | None,
    device: str,
    head_seed: int,
    slice_by: str | None,
    log: Log,
    place: str = "rows",
    progress: Progress = unseen,
) -> list[Prediction]:
    """Returns one prediction per row, in the order of the rows.

    The same rows in another order, in another process or on another number of threads give the
    same predictions.

    Args:
        base: a base's folder, or one that is loaded already, so that several sides share a load;
            it is left bare.
        adapter_dir: the adapter's folder; ``None`` asks the bare base, for SEQ_CLS with an
            untrained head.
        task: ``SEQ_CLS`` or ``CAUSAL_LM``.
        rows: prepared rows of an evaluation set, with what is right.
        labels: the training labels in the order of their ids; empty for CAUSAL_LM.
        settings: ``max_length`` and ``per_device_eval_batch_size`` are read.
        generation: how answers are written; ``None`` takes the defaults of `Generation`.
        device: a torch device; a loaded base stays where it is.
        head_seed: keys the untrained head and the draws of a temperature.
        slice_by: field whose value, as text, becomes the prediction's slice.
        log: hears what is cut.
        place: the set's name, for messages.
        progress: called after each batch.

    Raises:
        InvalidInput: rows that are not in the task's format, or share an id.
        Mismatch: the adapter does not fit the base.
    """
    generation = generation or Generation()
    _refuse_rows(rows, task=task, labels=labels, slice_by=slice_by, place=place)
    check_generation(generation)
    if not isinstance(base, LoadedBase):
        base = load_base(
            base,
            task=task,
            head_seed=head_seed,
            device=device,
            num_labels=len(labels) if task == "SEQ_CLS" else None,
        )
    side = Side(base=base, labels=labels, settings=settings, place=place, progress=progress)
    with _wearing(base, adapter_dir, head_seed=head_seed):
        if task == "SEQ_CLS":
            answered = side.classify(rows, log=log)
        else:
            answered = side.write(rows, generation=generation, seed=head_seed, log=log)
    return [
        _prediction(row_id(row, number), row, answer, task=task, slice_by=slice_by)
        for number, (row, answer) in enumerate(zip(rows, answered, strict=True))
    ]


@dataclass(frozen=True, kw_only=True)
class Side:
    """One side of a comparison, ready to be asked: a base, with or without an adapter on it."""

    base: LoadedBase
    labels: Sequence[str]
    settings: TrainingSettings
    place: str
    progress: Progress

    def classify(self, rows: Sequence[Row], *, log: Log) -> list[Answered]:
        """Returns label and probabilities for SEQ_CLS rows."""
        return classify(
            self.base,
            self._examples(rows, task="SEQ_CLS", log=log),
            labels=self.labels,
            batch_size=self.settings.per_device_eval_batch_size,
            progress=self.progress,
        )

    def write(
        self, rows: Sequence[Row], *, generation: Generation, seed: int, log: Log
    ) -> list[Answered]:
        """Returns the text written to CAUSAL_LM rows, and how likely their own answer is."""
        examples = self._examples(rows, task="CAUSAL_LM", log=log)
        prompts = encode_prompts(rows, tokenizer=self.base.tokenizer, place=self.place)
        writer = Writer(
            base=self.base,
            generation=generation,
            seed=seed,
            stops=end_tokens(self.base, chat=any(map(is_conversation, rows))),
        )
        if cut := writer.cut(prompts):
            log(f"{self.place}: {named(cut)} fill the base's context: their beginning is cut")
        size = self.settings.per_device_eval_batch_size
        texts = writer.write(prompts, batch_size=size, progress=self.progress)
        nats = likelihoods(self.base, examples, batch_size=size, progress=self.progress)
        return [
            (text, _scores(example, nll=nll))
            for text, example, nll in zip(texts, examples, nats, strict=True)
        ]

    def _examples(self, rows: Sequence[Row], *, task: Task, log: Log) -> list[Example]:
        limit = self.base.longest(self.settings.max_length)
        examples = encode_all(
            rows,
            task=task,
            tokenizer=self.base.tokenizer,
            labels=self.labels,
            max_length=limit,
            place=self.place,
        )
        full = [example.id for example in examples if len(example.input_ids) == limit]
        if full and limit < self.settings.max_length:
            log(f"{self.place}: {named(full)} reach the base's context of {limit} tokens")
        lost = [example.id for example in examples if not any(example.loss_mask[1:])]
        if lost and task == "CAUSAL_LM":
            log(f"{self.place}: no token of the answer is left within {limit} in {named(lost)}")
        return examples


def _prediction(
    id: str, row: Row, answer: Answered, *, task: Task, slice_by: str | None
) -> Prediction:
    output, scores = answer
    return Prediction(
        id=id,
        output=output,
        reference=reference(row, task=task),
        scores=scores,
        slice=None if slice_by is None else str(row[slice_by]),
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


def _refuse_rows(
    rows: Sequence[Row], *, task: Task, labels: Sequence[str], slice_by: str | None, place: str
) -> None:
    first: dict[str, int] = {}

    def find(number: int, row: Row) -> Iterator[Fault]:
        yield from faults(row, task=task, labels=labels)
        if slice_by is not None and isinstance(row, dict) and row.get(slice_by) is None:
            yield Fault(slice_by, "missing", "slice_by names a field that every prepared row has")
        other = first.setdefault(row_id(row, number), number)
        if other != number:
            yield Fault("id", f"is also the id of row {other}", "give every row an id of its own")

    refuse(rows, find, place=place)
