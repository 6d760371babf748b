"""What a rebuild gave, as text and JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from adapterctl.records.parity import ParityReport
from adapterctl.records.version import VersionRecord
from adapterctl.render.parity import as_result
from adapterctl.render.parity import as_text as report_text
from adapterctl.render.table import day, slack, table
from adapterctl.rules.outcomes import Rebuilt
from adapterctl.rules.parity.reading import RowsBeside

_TITLES = ("ADAPTER", "REBUILD BY", "SLACK", "VERDICT", "CANDIDATE", "RUNG")


def as_text(done: Sequence[Rebuilt]) -> str:
    """Returns the reports, and for several a line each: most urgent first, as they are given."""
    reports = "\n\n".join(text(each) for each in done)
    if len(done) < 2:
        return reports
    passed = sum(each.passed for each in done)
    lines = table(_TITLES, [_cells(each) for each in done], right=("SLACK",))
    return "\n".join([reports, "", f"{passed} of {len(done)} passed", *lines])


def _cells(done: Rebuilt) -> tuple[str, ...]:
    return (
        f"{done.adapter}@{done.from_version}",
        day(done.rebuild_by),
        slack(done.slack_days),
        done.report.verdict if done.report else "stopped",
        f"{done.adapter}@{done.to_version}" if done.to_version else "-",
        done.rung or "-",
    )


def text(done: Rebuilt) -> str:
    """Returns the report for a person."""
    if done.report is None or done.to_version is None:
        return f"{done.adapter}@{done.from_version} was not rebuilt on {done.base}\n  {done.error}"
    head = (
        f"{done.adapter}@{done.to_version} {_how(done)} from @{done.from_version} on {done.base} "
        f"in {done.seconds:,.0f} s ({done.rung})"
    )
    name = f"{done.adapter}@{done.to_version}"
    return "\n".join([head, *_tried(done), "", report_text(done.report, candidate=name)])


def _how(done: Rebuilt) -> str:
    return "derived from salvaged answers, not rebuilt," if done.derived else "rebuilt"


def _tried(done: Rebuilt) -> Iterator[str]:
    """Yields a line per rung, where there was more than one."""
    for one in done.ladder if len(done.ladder) > 1 else ():
        learned = f" (learned {one.details['learned']})" if "learned" in one.details else ""
        yield f"  {one.rung}: {one.verdict or one.why}{learned}"


def result(done: Rebuilt) -> dict[str, Any]:
    """Returns one outcome as JSON shows it (DESIGN.md, section 6)."""
    return {
        "adapter": done.adapter,
        "from_version": done.from_version,
        "to_version": done.to_version,
        "base": done.base,
        "rung": done.rung,
        **_judged(done.report),
        "seconds": done.seconds,
        "record": done.record,
        "error": done.error,
        "derived": done.derived,
        "rebuild_by": done.rebuild_by,
        "slack_days": done.slack_days,
        "ladder": [
            {"rung": one.rung, "verdict": one.verdict, "why": one.why, "details": one.details}
            for one in done.ladder
        ],
    }


def compared_result(
    old: VersionRecord,
    new: VersionRecord,
    report: ParityReport,
    *,
    rows: RowsBeside | None = None,
) -> dict[str, Any]:
    """Returns a comparison as JSON shows it: the shape of a rebuild that trained nothing."""
    return {
        "adapter": new.adapter,
        "from_version": old.version,
        "to_version": new.version,
        "base": new.base.base,
        "rung": new.rebuilt_from.rung if new.rebuilt_from else None,
        **_judged(report),
        "seconds": 0.0,
        "record": f"registry/adapters/{new.adapter}/{new.version}.json",
        "error": None,
        **({} if rows is None else {"rows": rows}),
    }


def _judged(report: ParityReport | None) -> dict[str, Any]:
    if report is None:
        return {"verdict": None, "metrics": [], "negative_flips": None}
    return as_result(report)
