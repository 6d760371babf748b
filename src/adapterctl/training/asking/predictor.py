"""An adapter as something to call: raw rows in, outputs and scores out (MLflow's pyfunc)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from adapterctl.errors import InvalidInput
from adapterctl.records.recipe import Generation, Task
from adapterctl.training.adapted import load_adapted
from adapterctl.training.asking.classification import Answered, classify
from adapterctl.training.asking.generation import Writer, check_generation, end_tokens
from adapterctl.training.learning.batches import unseen
from adapterctl.training.rows.formats import Row, is_conversation
from adapterctl.training.rows.text import encode_all, encode_prompts

Prepare = Callable[[list[Row]], list[Row]]


class Predictor:
    """Holds a base with its adapter; answers rows as they come, before any preprocessing.

    Args:
        base_dir: the base's folder.
        adapter_dir: the adapter's folder.
        task: ``SEQ_CLS`` or ``CAUSAL_LM``.
        labels: the training labels in the order of their ids; empty for CAUSAL_LM.
        max_length: in tokens; longer texts lose their end (SEQ_CLS).
        generation: how answers are written; ``None`` takes the defaults of `Generation`.
        prepare: the adapter's own preprocessing; ``None`` when rows are prepared already.
        device: a torch device.
        batch_size: rows at a time.
        seed: of the draws of a temperature.
        trust_remote_code: whether code in the base's folder may run.
    """

    def __init__(
        self,
        base_dir: Path,
        adapter_dir: Path,
        *,
        task: Task,
        labels: Sequence[str],
        max_length: int,
        generation: Generation | None,
        prepare: Prepare | None = None,
        device: str = "cpu",
        batch_size: int = 8,
        seed: int = 0,
        trust_remote_code: bool = False,
    ) -> None:
        check_generation(generation or Generation())
        self._task = task
        self._labels = tuple(labels)
        self._max_length = max_length
        self._generation = generation or Generation()
        self._prepare = prepare
        self._batch_size = batch_size
        self._seed = seed
        self._base = load_adapted(
            base_dir,
            adapter_dir,
            task=task,
            device=device,
            num_labels=len(labels) if task == "SEQ_CLS" else None,
            trust_remote_code=trust_remote_code,
        )

    def predict(self, rows: Any) -> list[dict[str, Any]]:
        """Returns ``{"output": ..., "scores": {...}}`` per row, in order.

        Args:
            rows: a list of raw rows, or a table whose ``to_dict("records")`` gives one (pandas).
                They need no label and no completion.

        Raises:
            InvalidInput: rows that preprocessing or the task cannot use.
        """
        prepared = self._prepared(_listed(rows))
        answered = self._classify(prepared) if self._task == "SEQ_CLS" else self._write(prepared)
        return [{"output": output, "scores": scores} for output, scores in answered]

    def _prepared(self, raw: list[Row]) -> list[Row]:
        if self._prepare is None:
            return raw
        prepared = self._prepare(raw)
        if len(prepared) != len(raw):
            raise InvalidInput.one(
                f"preprocessing made {len(prepared)} rows out of {len(raw)}",
                place="rows",
                hint="to answer single rows, prepare must keep every row it is given",
            )
        return prepared

    def _classify(self, rows: list[Row]) -> list[Answered]:
        examples = encode_all(
            rows,
            task="SEQ_CLS",
            tokenizer=self._base.tokenizer,
            labels=None,
            max_length=self._base.longest(self._max_length),
        )
        return classify(
            self._base,
            examples,
            labels=self._labels,
            batch_size=self._batch_size,
            progress=unseen,
        )

    def _write(self, rows: list[Row]) -> list[Answered]:
        prompts = encode_prompts(rows, tokenizer=self._base.tokenizer)
        writer = Writer(
            base=self._base,
            generation=self._generation,
            seed=self._seed,
            stops=end_tokens(self._base, chat=any(map(is_conversation, rows))),
        )
        texts = writer.write(prompts, batch_size=self._batch_size, progress=unseen)
        return [(text, {}) for text in texts]


def _listed(rows: Any) -> list[Row]:
    if hasattr(rows, "to_dict"):
        return list(rows.to_dict("records"))
    return list(rows)
