"""What a plan proposes and expects in numbers: learning rate, work, time."""

from __future__ import annotations

from typing import Literal

from adapterctl.records.base import BaseShape
from adapterctl.records.noun import Noun
from adapterctl.records.recipe import TrainingSettings
from adapterctl.records.version import TrainingFacts, VersionRecord

EXPONENTS = {
    "llama": 0.781,
    "qwen2": 0.0775,
    "qwen2_moe": 0.0775,
    "qwen3": 0.0775,
    "qwen3_moe": 0.0775,
}
"""Family to exponent e in: the best learning rate of LoRA goes with (2000 / hidden size) ** e.

Source: thinking-machines/tinker-cookbook, ``hyperparam_utils.py``, ``get_lr``. Other families
were not calibrated there.
"""

_REFERENCE_WIDTH = 2000
_FLOPS_PER_PARAMETER_AND_TOKEN = 4
"""Two for the forward pass, two for the gradient of the activations: frozen weights need none."""


class LargestPass(Noun, frozen=True, kw_only=True):
    """The longest rows that may share a pass.

    Attributes:
        tokens: of all of them, each cut.
        longest: of one of them.
    """

    rows: int
    tokens: int
    longest: int


class TextLengths(Noun, frozen=True, kw_only=True):
    """How long the training rows are in one base's tokens.

    Attributes:
        conversations: rows that the chat template renders.
        tokens: of all rows, each cut at ``limit``.
        longest: the longest row, uncut.
        limit: the smaller of the recipe's ``max_length`` and the base's context.
        cut: rows longer than ``limit``.
        lost: rows of which no answer token is left, so that nothing is learned from them.
        context: the base's longest input in tokens; ``None`` without a limit.
        largest: the longest rows that may share a pass.
        beyond: rows longer than the context, whatever ``max_length`` says.
    """

    rows: int
    conversations: int
    tokens: int
    longest: int
    limit: int
    cut: int
    lost: int
    context: int | None = None
    beyond: int = 0
    largest: LargestPass | None = None


class LearningRate(Noun, frozen=True, kw_only=True):
    """The proposed learning rate, and where it comes from.

    Attributes:
        basis: ``carried`` to the same family and width; by ``width transfer``; or ``uncalibrated``:
            carried because nothing better is known, and the first thing to sweep.
        source: the same as a sentence.
    """

    old: float
    new: float
    basis: Literal["carried", "width transfer", "uncalibrated"]
    source: str


class Cost(Noun, frozen=True, kw_only=True):
    """What training on the successor will take.

    Attributes:
        rows: seen over the whole training.
        tokens: seen over the whole training.
        flops: floating-point operations, from the sizes of the linear layers.
        seconds: wall-clock time on the device of the old version; ``None`` when that is unknown.
        source: what the seconds were estimated from.
    """

    rows: int
    tokens: int
    flops: float
    seconds: float | None
    source: str


def learning_rate(old_rate: float, *, old: BaseShape | None, new: BaseShape) -> LearningRate:
    """Returns the learning rate for the successor, to three digits where it changes."""
    if old is not None and (old.family, old.hidden_size) == (new.family, new.hidden_size):
        same = f"both bases are {new.family} of width {new.hidden_size:,}"
        return LearningRate(old=old_rate, new=old_rate, basis="carried", source=same)
    exponents = None if old is None else (EXPONENTS.get(old.family), EXPONENTS.get(new.family))
    if old is None or exponents is None or None in exponents:
        families = f"{old.family if old else 'the old base'} to {new.family}"
        source = f"no width transfer is known from {families}; sweep it if the parity fails"
        return LearningRate(old=old_rate, new=old_rate, basis="uncalibrated", source=source)
    factor = _width_factor(new) / _width_factor(old)
    used = ", ".join(f"{e} for {family}" for family, e in _used(old, new).items())
    return LearningRate(
        old=old_rate,
        new=float(f"{old_rate * factor:.3g}"),
        basis="width transfer",
        source=f"(2000/hidden)^e of tinker-cookbook, e = {used}: hidden {old.hidden_size:,} to "
        f"{new.hidden_size:,}",
    )


def _used(old: BaseShape, new: BaseShape) -> dict[str, float]:
    return {shape.family: EXPONENTS[shape.family] for shape in (old, new)}


def _width_factor(shape: BaseShape) -> float:
    return float((_REFERENCE_WIDTH / shape.hidden_size) ** EXPONENTS[shape.family])


def cost(
    training: TrainingSettings,
    lengths: TextLengths,
    *,
    old: BaseShape | None,
    new: BaseShape,
    record: VersionRecord,
    old_lengths: TextLengths | None = None,
) -> Cost:
    """Returns what training will take, scaled from the measured time of the old version.

    Args:
        training: the proposed settings.
        lengths: the training rows in the successor's tokens.
        old: the old base; ``None`` when it is not here.
        new: the successor.
        record: of the old version.
        old_lengths: the rows in the old base's tokens; they count where the trainer did not tell.
    """
    rows = rows_seen(training, lengths.rows)
    tokens = round(lengths.tokens * rows / lengths.rows)
    flops = _flops(new, tokens)
    measured = record.training
    seen = _tokens_seen(record, old_lengths)
    if measured is None or old is None or not seen:
        missing = f"no estimate, {_unmeasured(measured)}"
        return Cost(rows=rows, tokens=tokens, flops=flops, seconds=None, source=missing)
    ratio = flops / _flops(old, seen)
    return Cost(
        rows=rows,
        tokens=tokens,
        flops=flops,
        seconds=round(measured.seconds * ratio, 1),
        source=f"estimated from the {measured.seconds:,.0f} s of version {record.version} on "
        f"{record.environment.device}, times {ratio:.2f} for layers and tokens",
    )


def _tokens_seen(record: VersionRecord, lengths: TextLengths | None) -> int | None:
    """Returns the tokens of the old training, counted by its recipe where its trainer is silent."""
    if record.training is None or record.training.tokens is not None:
        return record.training.tokens if record.training else None
    if lengths is None:
        return None
    rows = rows_seen(record.recipe.training, lengths.rows)
    return round(lengths.tokens * rows / lengths.rows)


def _unmeasured(measured: TrainingFacts | None) -> str:
    return "the old base is not here" if measured else "the old version's record has no time"


def rows_seen(training: TrainingSettings, rows: int) -> int:
    """Returns how many rows the whole training sees, repetitions counted."""
    if training.max_steps > 0:
        per_step = training.per_device_train_batch_size * training.gradient_accumulation_steps
        return training.max_steps * per_step
    return round(rows * training.num_train_epochs)


def _flops(shape: BaseShape, tokens: int) -> float:
    weights = sum(
        linear.features_in * linear.features_out
        for linear in shape.linears
        if linear.kind in ("Linear", "Conv1D")
    )
    return float(_FLOPS_PER_PARAMETER_AND_TOKEN * weights * tokens)
