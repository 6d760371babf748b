"""The parity verdict: is the candidate as good as the old adapter? (DESIGN.md, section 5.)

Every metric of every set has to pass by itself, so no correction is due for their number: the
report passes wrongly at most as often as the one metric that should have failed it. Slices can
only fail the report (`slices`), and so can negative flips, which have to stay
below their limit (`flips`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

import msgspec

from adapterctl.records.parity import MetricParity, NegativeFlips, ParityReport, Verdict
from adapterctl.rules.parity.bootstrap import FEWEST_ROWS, RESAMPLES
from adapterctl.rules.parity.disagreement import disagreements
from adapterctl.rules.parity.flips import judge_flips
from adapterctl.rules.parity.measured import Terms, measure
from adapterctl.rules.parity.metrics import named
from adapterctl.rules.parity.sample_size import POWER
from adapterctl.rules.parity.side_by_side import SideBySide, paired
from adapterctl.rules.parity.slices import TOO_FEW, judge_slices

OldSide = Literal["rerun", "recorded"]

NO_METRIC = (
    "No metric was read on any evaluation set, so nothing can be concluded: read the rows side "
    "by side (adapterctl compare A B --rows) and record a person's decision (adapterctl promote "
    "NAME@VERSION --because TEXT)."
)
RECORDED = "The old adapter was not run again: its recorded predictions are the old side."
TIES = (
    "The bare successor is not worse than the old adapter by more than the margins: the adapter "
    "may be retired (adapterctl retire NAME --because TEXT)."
)


def judge(sets: Sequence[SideBySide], terms: Terms, *, old_side: OldSide) -> ParityReport:
    """Returns the report on old adapter, bare successor and candidate.

    The same input and terms, of which the seed is one, give the same report.

    Args:
        sets: one per evaluation set; rows are paired by id.
        terms: what the comparison is held to.
        old_side: whether the old adapter was run again.

    Raises:
        InvalidInput: sides whose rows do not pair, or an unknown metric.
    """
    return _report([paired(side) for side in sets], terms, old_side)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Returns FAIL before INCONCLUSIVE before PASS; PASS for none."""
    found = set(verdicts)
    ordered: tuple[Verdict, ...] = ("FAIL", "INCONCLUSIVE")
    return next((verdict for verdict in ordered if verdict in found), "PASS")


def _report(sides: Sequence[SideBySide], terms: Terms, old_side: OldSide) -> ParityReport:
    whole = [_whole(side, metric, terms) for side in sides for metric in side.metrics]
    slices = judge_slices(sides, terms)
    flips = [found for side in sides if (found := _flips(side, terms))]
    ties = bool(whole) and all(_ties(side, m, terms) for side in sides for m in side.metrics)
    return ParityReport(
        verdict=_overall(whole, slices, flips),
        level=terms.level,
        old_side=old_side,
        metrics=[*whole, *slices],
        negative_flips=flips,
        bare_ties=ties,
        notes=[
            *([NO_METRIC] if not whole else []),
            *([RECORDED] if old_side == "recorded" else []),
            *([TIES] if ties else []),
            *_notes(sides, slices=slices, flips=flips, terms=terms),
        ],
        settings=_settings(terms),
        disagreements=list(disagreements(whole)),
    )


def _overall(
    whole: Sequence[MetricParity], slices: Sequence[MetricParity], flips: Sequence[NegativeFlips]
) -> Verdict:
    if not whole:
        return "INCONCLUSIVE"
    harmed = [line.verdict for line in slices if line.verdict == "FAIL"]
    return worst([*(x.verdict for x in whole), *(x.verdict for x in flips), *harmed])


def _whole(side: SideBySide, metric: str, terms: Terms) -> MetricParity:
    measured = measure(side, metric, terms=terms)
    verdict = measured.verdict(terms.level)
    undecided = verdict == "INCONCLUSIVE"
    return measured.line(
        verdict,
        level=terms.level,
        rows_needed=measured.rows_needed(terms.level) if undecided else None,
        note=measured.breach() or measured.obstacle,
    )


def _flips(side: SideBySide, terms: Terms) -> NegativeFlips | None:
    return judge_flips(side, limit=terms.flip_limit, level=terms.level, drop=terms.flip_drop)


def _ties(side: SideBySide, metric: str, terms: Terms) -> bool:
    """Whether the bare successor would pass where the candidate stands."""
    if side.bare is None:
        return False
    bare = msgspec.structs.replace(side, candidate=side.bare)
    return measure(bare, metric, terms=terms).verdict(terms.level) == "PASS"


def _notes(
    sides: Sequence[SideBySide],
    *,
    slices: Sequence[MetricParity],
    flips: Sequence[NegativeFlips],
    terms: Terms,
) -> Iterator[str]:
    unset = [f"{s.set} {m}" for s in sides for m in s.metrics if terms.by_default(s.set, m)]
    if unset:
        margin = terms.default_margin.margin
        yield f"No margin is set for {', '.join(unset)}: the default of {margin:g} holds."
    odd = [each for each in unset if not named(each.rpartition(" ")[2]).bounded]
    if odd:
        yield f"For {', '.join(odd)} that default is in units of the metric: set a margin."
    for name in sorted(set(terms.margins) - {side.set for side in sides}):
        yield f"Margins are set for {name!r}, which was not compared."
    for side in sides:
        if side.metrics and side.set not in {each.set for each in flips}:
            yield f"No metric of {side.set!r} says whether a row is right: flips are not counted."
    small = len({(line.set, line.slice) for line in slices if line.note == TOO_FEW})
    if small:
        yield f"Slices with fewer than {FEWEST_ROWS} rows, {small} in all, are not judged."


def _settings(terms: Terms) -> dict[str, Any]:
    return {
        "proportions": "Tango's score interval for paired differences",
        "other_metrics": "paired bootstrap, bias-corrected and accelerated",
        "slices": "harm only, Holm's correction over all slices",
        "disagreements": "MOVER on the intervals of both sets",
        "flips": "Clopper and Pearson's exact bounds",
        "flip_limit": terms.flip_limit,
        "flip_drop": terms.flip_drop,
        "power": POWER,
        "resamples": RESAMPLES,
        "seed": terms.seed,
    }
