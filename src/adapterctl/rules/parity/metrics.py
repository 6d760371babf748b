"""Metrics of one side on one evaluation set, each a function of sums over its rows.

Every metric turns each row into a few numbers (its features) and the sums of those into its
value. So one definition serves the value itself, a slice of it, and thousands of resamples at
once, which are nothing but other weights in the sums.

- A *proportion* is a mean of 0 and 1, a *mean* one of any numbers: one score per row.
- A *ratio* divides one sum by another; a *set* metric has no meaning for a single row.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from adapterctl.errors import InvalidInput
from adapterctl.records.parity import Prediction
from adapterctl.records.recipe import Task
from adapterctl.rules.parity import row_scores

if TYPE_CHECKING:
    from numpy.typing import NDArray

Kind = Literal["proportion", "mean", "ratio", "set"]

SCORER = "scorer"
"""The metric, and the score of a row, that the team's own function gives."""

EVALUATOR = "evaluator"
"""The metric, and the score of a row, that the recipe's evaluator gives to two answers."""

ECE_BINS = 15
"""Bins of equal width, as in C. Guo et al., "On Calibration of Modern Neural Networks" (2017)."""


def _reads_nothing(row: Prediction) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric.

    Attributes:
        features: rows to an array of shape (rows, k).
        value: sums of features, shape (..., k), to values, shape (...).
        reads: the scores that a row must carry.
        unit: the score that counts a ratio's units; sides that count differently cannot be
            compared by it.
        bounded: the value lies in 0 to 1.
    """

    name: str
    kind: Kind
    tasks: tuple[Task, ...]
    features: Callable[[Sequence[Prediction]], NDArray]
    value: Callable[[NDArray], NDArray]
    reads: Callable[[Prediction], tuple[str, ...]] = _reads_nothing
    unit: str | None = None
    lower_is_better: bool = False
    bounded: bool = True

    def gain(self, difference: float) -> float:
        """Returns a difference, new minus old, counted so that more is better."""
        return -difference if self.lower_is_better else difference


def score(metric: str, predictions: Sequence[Prediction]) -> float:
    """Returns the value of a metric on one evaluation set.

    Raises:
        InvalidInput: an unknown metric, no rows, or a row without a score that it reads.
    """
    chosen = named(metric)
    if not predictions:
        raise InvalidInput.one("no rows", place=metric, hint="evaluate on at least one row")
    lack = lacks(chosen, predictions)
    if lack:
        raise InvalidInput.one(lack, place=metric, hint="evaluate again, so that it is recorded")
    return float(chosen.value(chosen.features(predictions).sum(axis=0)))


def named(metric: str) -> Metric:
    """Returns the metric of that name.

    Raises:
        InvalidInput: there is none; the hint gives the nearest name, else all of them.
    """
    if metric in _METRICS:
        return _METRICS[metric]
    near = difflib.get_close_matches(metric, _METRICS, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known metrics: {', '.join(_METRICS)}"
    raise InvalidInput.one(f"unknown metric: {metric!r}", hint=hint)


def known_metrics(task: Task) -> list[str]:
    """Returns the names of the metrics that mean something for a task."""
    return [metric.name for metric in _METRICS.values() if task in metric.tasks]


def per_row(metric: Metric, predictions: Sequence[Prediction]) -> list[float]:
    """Returns one score per row, for a proportion or a mean."""
    return [float(value) for value in metric.value(metric.features(predictions))]


def lacks(metric: Metric, predictions: Sequence[Prediction]) -> str:
    """Returns what keeps the metric from being computed, as words; empty when nothing does."""
    for row in predictions:
        for name in metric.reads(row):
            if name not in row.scores:
                return f"row {row.id!r} has no score {name!r}"
            if not abs(row.scores[name]) < float("inf"):
                return f"row {row.id!r}: its score {name!r} is not a finite number"
    if metric.unit and not any(row.scores[metric.unit] > 0 for row in predictions):
        return f"the score {metric.unit!r} is 0 on every row"
    return ""


def _mean_of(each: Callable[[Prediction], float]) -> Callable[[Sequence[Prediction]], NDArray]:
    def features(rows: Sequence[Prediction]) -> NDArray:
        import numpy as np

        return np.array([(each(row), 1.0) for row in rows])

    return features


def _sums_of(*names: str) -> Callable[[Sequence[Prediction]], NDArray]:
    def features(rows: Sequence[Prediction]) -> NDArray:
        import numpy as np

        return np.array([[row.scores[name] for name in names] for row in rows])

    return features


def _ratio(sums: NDArray) -> NDArray:
    return sums[..., 0] / sums[..., 1]


def _exponential_ratio(sums: NDArray) -> NDArray:
    import numpy as np

    # A row may have no units of its own (an empty reference): it has no value either.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.exp(_ratio(sums))


def _label_counts(rows: Sequence[Prediction]) -> NDArray:
    """Returns, per row and label: answered and right, answered, right; shape (rows, 3 * labels)."""
    import numpy as np

    # Sorted, so that the sums have the same last bit in every process.
    labels = sorted({label for row in rows for label in (row.output, row.reference)})
    number = {label: n for n, label in enumerate(labels)}
    counts = np.zeros((len(rows), 3, len(number)))
    for n, row in enumerate(rows):
        counts[n, 0, number[row.output]] = row.output == row.reference
        counts[n, 1, number[row.output]] = 1
        counts[n, 2, number[row.reference]] = 1
    return counts.reshape(len(rows), -1)


def _f1_macro(sums: NDArray) -> NDArray:
    """Returns the mean F1 over the labels that occur, as scikit-learn defines it."""
    import numpy as np

    both, answered, right = np.moveaxis(sums.reshape(*sums.shape[:-1], 3, -1), -2, 0)
    occurs = answered + right > 0
    f1 = 2 * both / np.where(occurs, answered + right, 1)
    return f1.sum(axis=-1) / np.maximum(occurs.sum(axis=-1), 1)


def _confidence_gaps(rows: Sequence[Prediction]) -> NDArray:
    """Returns, per row: right minus confidence in the bin of its confidence, and 1."""
    import numpy as np

    gaps = np.zeros((len(rows), ECE_BINS + 1))
    for n, row in enumerate(rows):
        confidence = row.scores[f"p:{row.output}"]
        place = min(max(int(np.ceil(confidence * ECE_BINS)) - 1, 0), ECE_BINS - 1)
        gaps[n, place] = (row.output == row.reference) - confidence
        gaps[n, -1] = 1
    return gaps


def _calibration_error(sums: NDArray) -> NDArray:
    return abs(sums[..., :-1]).sum(axis=-1) / sums[..., -1]


def _answer_probability(row: Prediction) -> tuple[str, ...]:
    return (f"p:{row.output}",)


_LABELS: tuple[Task, ...] = ("SEQ_CLS", "CAUSAL_LM")
_TEXT: tuple[Task, ...] = ("CAUSAL_LM",)
_ANY: tuple[Task, ...] = ("SEQ_CLS", "CAUSAL_LM", "TOKEN_CLS", "FEATURE_EXTRACTION")

_ALL = (
    Metric(
        name="accuracy",
        kind="proportion",
        tasks=_LABELS,
        features=_mean_of(row_scores.same_label),
        value=_ratio,
    ),
    Metric(name="f1_macro", kind="set", tasks=_LABELS, features=_label_counts, value=_f1_macro),
    Metric(
        name="ece",
        kind="set",
        tasks=("SEQ_CLS",),
        features=_confidence_gaps,
        value=_calibration_error,
        reads=_answer_probability,
        lower_is_better=True,
    ),
    Metric(
        name="exact_match",
        kind="proportion",
        tasks=_TEXT,
        features=_mean_of(row_scores.same_text),
        value=_ratio,
    ),
    Metric(
        name="token_f1",
        kind="mean",
        tasks=_TEXT,
        features=_mean_of(row_scores.token_f1),
        value=_ratio,
    ),
    Metric(
        name="rouge_l",
        kind="mean",
        tasks=_TEXT,
        features=_mean_of(row_scores.rouge_l),
        value=_ratio,
    ),
    Metric(
        name="perplexity",
        kind="ratio",
        tasks=_TEXT,
        features=_sums_of("nll", "tokens"),
        value=_exponential_ratio,
        reads=lambda row: ("nll", "tokens"),
        unit="tokens",
        lower_is_better=True,
        bounded=False,
    ),
    Metric(
        name="perplexity_per_byte",
        kind="ratio",
        tasks=_TEXT,
        features=_sums_of("nll", "bytes"),
        value=_exponential_ratio,
        reads=lambda row: ("nll", "bytes"),
        unit="bytes",
        lower_is_better=True,
        bounded=False,
    ),
    Metric(
        name=SCORER,
        kind="mean",
        tasks=_ANY,
        features=_mean_of(lambda row: row.scores[SCORER]),
        value=_ratio,
        reads=lambda row: (SCORER,),
        bounded=False,
    ),
    Metric(
        name=EVALUATOR,
        kind="mean",
        tasks=_ANY,
        features=_mean_of(lambda row: row.scores[EVALUATOR]),
        value=_ratio,
        reads=lambda row: (EVALUATOR,),
        bounded=False,
    ),
)
_METRICS = {metric.name: metric for metric in _ALL}
