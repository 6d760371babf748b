"""A parity report in plain sentences: one for every verdict, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator

from adapterctl.records.parity import (
    Disagreement,
    Judging,
    MetricParity,
    NegativeFlips,
    NoiseFloor,
    ParityReport,
    Threshold,
)
from adapterctl.rules.parity.metrics import named


def sentences(report: ParityReport) -> Iterator[str]:
    """Yields one sentence for every verdict that counts."""
    for line in report.metrics:
        if line.slice is None or line.verdict == "FAIL":
            yield f"{_place(line)}: {_metric_sentence(line)}"
    for flips in report.negative_flips:
        yield f"{flips.set} negative flips: {_flip_sentence(flips)}"
        if flips.floor is not None:
            yield f"{flips.set} noise floor: {_floor_sentence(flips.floor)}"

    for each in report.disagreements:
        yield f"{each.gold} and {each.shadow} {each.name}: {_reading_sentence(each)}"
    for court in report.judging:
        yield f"{court.set} evaluator: {_judging_sentence(court)}"
    for threshold in report.thresholds:
        yield f"threshold of {threshold.label}: {_threshold_sentence(threshold)}"


def next_step(report: ParityReport, candidate: str) -> str:
    """Returns what to do with this verdict.

    Args:
        report: the verdict.
        candidate: ``NAME@VERSION``, or empty when it is not known.
    """
    version = candidate or "NAME@VERSION"
    match report.verdict:
        case "PASS":
            return f"adapterctl promote {version}"
        case "FAIL":
            return (
                "read the flipped rows, then take another rung of the ladder (adapterctl rebuild) "
                "or another successor."
            )
        case "INCONCLUSIVE":
            return f"{_more(report)}, or promote on a person's word: {_by_word(version)}"


def _by_word(version: str) -> str:
    return f"adapterctl promote {version} --because TEXT"


def _more(report: ParityReport) -> str:
    needed = [each for each in _rows_needed(report) if each is not None]
    if not needed:
        return "read the rows side by side"
    return f"add labelled rows to the evaluation set (about {max(needed):,} would decide)"


def _rows_needed(report: ParityReport) -> Iterator[int | None]:
    yield from (line.rows_needed for line in report.metrics)
    yield from (flips.rows_needed for flips in report.negative_flips)


def _place(line: MetricParity) -> str:
    return f"{line.set} {line.name}" + (f" on {line.slice}" if line.slice is not None else "")


def _metric_sentence(line: MetricParity) -> str:
    if line.interval is None or line.difference is None:
        return f"cannot be judged, {line.note}."
    if line.note and line.slice is None:
        return f"fails, {line.note}."
    loss, gain = _loss_and_gain(line.name, line.interval)
    match line.verdict:
        case "PASS":
            if loss < 0:
                return f"passes, for it gained at least {-loss:.3f}."
            return f"passes, for it lost at most {loss:.3f} and {line.margin:g} is allowed."
        case "FAIL":
            return f"fails, for it lost at least {-gain:.3f} and only {line.margin:g} is allowed."
        case "INCONCLUSIVE":
            return (
                f"cannot be decided on {line.rows:,} rows, for it may have lost up to {loss:.3f} "
                f"and {line.margin:g} is allowed{_needed(line.rows_needed)}."
            )


def _loss_and_gain(metric: str, interval: tuple[float, float]) -> tuple[float, float]:
    """Returns the most that may have been lost and the most that may have been gained."""
    low, high = interval
    return (high, -low) if named(metric).lower_is_better else (-low, high)


def _reading_sentence(each: Disagreement) -> str:
    apart = (
        f"they differ by {each.difference:+.3f} [{each.interval[0]:.3f}, {each.interval[1]:.3f}]"
    )
    match each.reading:
        case "drift":
            return f"{apart}; {each.gold} is steady and {each.shadow} falls: drift."
        case "regression":
            return f"{apart}; both fall: a regression."
        case "stale gold set":
            return f"{apart}; {each.gold} falls alone: a stale gold set."
        case "no fall":
            return f"{apart}; neither is shown to fall."
        case "undecided":
            return f"{apart}; one falls, and they are not shown to differ: more rows would tell."


def _judging_sentence(court: Judging) -> str:
    steady = (
        ""
        if court.disagreement is None
        else f"; its {court.repeats} repeats disagreed on {court.disagreement:.1%} of them"
    )
    return (
        f"{court.pairs:,} pairs were shown in both orders; standing first was worth "
        f"{court.position_bias:+.3f}, which falls out; the order alone turned "
        f"{court.order_reversals:.1%} of its preferences{steady}."
    )


def _threshold_sentence(threshold: Threshold) -> str:
    if threshold.new is None:
        return f"{threshold.old:g} is stale on this base, and was not set anew: {threshold.note}."
    way = "stays" if threshold.new == threshold.old else f"becomes {threshold.new:.4g}"
    return (
        f"{threshold.old:g} {way}; it decides {threshold.decided_new:,} of {threshold.rows:,} "
        f"held-out training rows, the old adapter's {threshold.decided:,} (carried over it would "
        f"decide {threshold.decided_carried:,})."
    )


def _flip_sentence(flips: NegativeFlips) -> str:
    counted = f"{flips.flips:,} of {flips.rows:,} rows were right before and are wrong now"
    match flips.verdict:
        case "PASS":
            return (
                f"{counted}; the true share is at most {flips.upper:.3f}, within {flips.limit:g}."
            )
        case "FAIL":
            return f"{counted}, more than the share of {flips.limit:g} that is allowed."
        case "INCONCLUSIVE":
            return (
                f"{counted}; the true share may be as high as {flips.upper:.3f} and "
                f"{flips.limit:g} is allowed{_needed(flips.rows_needed)}."
            )


_FLOOR_READINGS = {
    "within": "the move of base flipped no more than another seed can",
    "above": "the move of base flipped more than another seed does",
    "undecided": "the flips are not shown to be above that: more rows would tell",
}


def _floor_sentence(floor: NoiseFloor) -> str:
    return (
        f"{floor.seeds} other seeds of the candidate's recipe flip {floor.rate:.3f} of the rows "
        f"among them, at most {floor.highest:.3f}; {_FLOOR_READINGS[floor.reading]}."
    )


def _needed(rows: int | None) -> str:
    return "" if rows is None else f"; about {rows:,} rows would decide"
