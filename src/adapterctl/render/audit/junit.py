"""The audit for a test dashboard: JUnit XML, one test case per adapter version and base judged.

A case keeps its name from run to run, so that a dashboard sees it fail, and pass when it is mended.
"""

# junitparser has type hints for some of its methods only.
# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from adapterctl.render.audit.summary import people, said, unjudged
from adapterctl.render.audit.view import NO_OWNER, Row, View, dark, group_of, rows
from adapterctl.rules.findings import Audit, Skipped, Subject

if TYPE_CHECKING:
    import junitparser

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

SUITE = "adapterctl audit"

KINDS = ("adapter", "base", "target")
"""Of subjects; what else was skipped is a place: a file, a bucket, a remote."""


@dataclass(kw_only=True)
class _Case:
    """What is known of one subject."""

    subject: str
    group: str
    rows: list[Row] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


def render(audit: Audit, view: View) -> str:
    """Returns the test suites: one, or one for each owner, base or month.

    A case fails when a finding about it counts against. It is skipped when what would count is
    accepted, or when something about it could not be judged; with ``--strict`` the latter is an
    error. Everything else that was found is its output.
    """
    import junitparser

    suites: dict[str, list[_Case]] = {}
    for case in _cases(audit, view):
        suites.setdefault(case.group, []).append(case)
    errors = {one.subject for one in dark(audit, view)}
    xml = junitparser.JUnitXml(SUITE)
    for name in sorted(suites):
        suite = junitparser.TestSuite(name)
        suite.timestamp = f"{audit.as_of}T00:00:00"
        suite.add_testcases([_test_case(case, errors) for case in suites[name]])
        xml.append(suite)
    xml.update_statistics()
    raw: bytes = xml.tostring()
    # In content and attributes a ">" is escaped, so that these two only meet between elements.
    return DECLARATION + raw.decode().replace("><", ">\n<")


def _cases(audit: Audit, view: View) -> Iterable[_Case]:
    """Returns a case for each subject: those that were judged, and those that could not be."""
    cases = {each.subject: _Case(subject=each.subject, group="") for each in audit.subjects}
    judged = {each.subject: each for each in audit.subjects}
    for row in rows(audit, view):
        name = row.finding.subject
        cases.setdefault(name, _Case(subject=name, group="")).rows.append(row)
    for skipped in audit.skipped:
        name = skipped.subject
        cases.setdefault(name, _Case(subject=name, group="")).skipped.append(skipped)
    for case in cases.values():
        case.group = _group(case, judged.get(case.subject), view)
    return cases.values()


def _group(case: _Case, judged: Subject | None, view: View) -> str:
    if view.by is None:
        return SUITE
    if case.rows:
        return group_of(case.rows[0].finding, view.by)
    if view.by == "month" or judged is None:
        return f"no {'date' if view.by == 'month' else view.by}"
    return judged.base if view.by == "base" else next(iter(judged.owners), NO_OWNER)


def _test_case(case: _Case, errors: set[str]) -> junitparser.TestCase:
    import junitparser

    kind, colon, name = case.subject.partition(":")
    known = colon and kind in KINDS
    where = (name, f"adapterctl.{kind}") if known else (case.subject, "adapterctl.place")
    made = junitparser.TestCase(*where, 0)
    made.result = [*_result(case, errors)]
    others = [row for row in case.rows if not row.counts]
    if output := [*map(_line, others), *map(unjudged, case.skipped)]:
        made.system_out = "\n".join(output)
    return made


def _result(
    case: _Case, errors: set[str]
) -> Iterator[junitparser.Failure | junitparser.Error | junitparser.Skipped]:
    """Yields what keeps a case from passing, if anything does."""
    import junitparser

    counted = [row for row in case.rows if row.counts]
    accepted = [row for row in case.rows if row.severe and not row.is_live]
    if counted:
        failure = junitparser.Failure(_headline(counted), counted[0].finding.code)
        failure.text = "\n".join(map(_line, counted))
        yield failure
    elif case.subject in errors:
        yield junitparser.Error(case.skipped[0].reason, "Skipped")
    elif case.skipped:
        yield junitparser.Skipped(case.skipped[0].reason)
    elif accepted:
        yield junitparser.Skipped(_headline(accepted))


def _headline(shown: Sequence[Row]) -> str:
    return "; ".join(f"{row.finding.code} {row.finding.message}{_until(row)}" for row in shown)


def _line(row: Row) -> str:
    one = row.finding
    return f"{one.code} {one.severity}{people(one)}: {said(one)}{_until(row)}\n    > {one.mend}"


def _until(row: Row) -> str:
    until = row.finding.waived_until
    return f" (accepted until {until})" if until else ""
