"""The audit for a dashboard: Prometheus' text format, for node_exporter's textfile collector.

Series are bounded by adapters and teams; only what must be mended has a series per finding, and
of those the first by rank.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from adapterctl.render.audit.view import Row, View, owner_of, rows
from adapterctl.rules.findings import SEVERITIES, Audit

if TYPE_CHECKING:
    import prometheus_client as client

MOST_MENDS = 1_000
"""Series of `adapterctl_audit_finding_info`."""


def render(audit: Audit, view: View) -> str:
    """Returns gauges, each with its help."""
    import prometheus_client as client

    registry = client.CollectorRegistry()
    found = rows(audit, view)
    _counts(found, registry)
    _mends(found, registry)
    _clocks(audit, registry)
    _totals(audit, found, registry)
    return client.generate_latest(registry).decode().rstrip("\n")


def _gauge(
    registry: client.CollectorRegistry, name: str, says: str, *, labels: Sequence[str] = ()
) -> client.Gauge:
    import prometheus_client as client

    return client.Gauge(f"adapterctl_{name}", says, labels, registry=registry)


def _counts(found: Iterable[Row], registry: client.CollectorRegistry) -> None:
    gauge = _gauge(
        registry,
        "audit_findings",
        "Findings, by the team that has to move.",
        labels=("severity", "code", "owner", "accepted"),
    )
    number = Counter(
        (SEVERITIES.index(one.severity), one.code, owner_of(one), one.waived_until is not None)
        for one, *_ in found
    )
    for (severity, code, owner, accepted), count in sorted(number.items()):
        gauge.labels(SEVERITIES[severity], code, owner, str(accepted).lower()).set(count)


def _mends(found: Sequence[Row], registry: client.CollectorRegistry) -> None:
    gauge = _gauge(
        registry,
        "audit_finding_info",
        f"Who fixes a finding, and how; the first {MOST_MENDS:,} by slack.",
        labels=(
            "code",
            "severity",
            "subject",
            "base",
            "owners",
            "affects",
            "mend",
            "accepted_until",
        ),
    )
    for one, *_ in found[:MOST_MENDS]:
        people, affects = ", ".join(one.owners), ", ".join(one.affects)
        until = one.waived_until or ""
        named = (one.code, one.severity, one.subject, one.base or "")
        gauge.labels(*named, people, affects, one.mend, until).set(1)


def _clocks(audit: Audit, registry: client.CollectorRegistry) -> None:
    """Adds slack and rebuild-by of every adapter version whose end is known, found or not."""
    labels = ("adapter", "version", "base", "owner")
    slack = _gauge(
        registry, "slack_days", "Days until work on a rebuild must start.", labels=labels
    )
    says = "The day on which it must, at 00:00 UTC."
    day = _gauge(registry, "rebuild_by_timestamp_seconds", says, labels=labels)
    for each in audit.subjects:
        if each.slack_days is None:
            continue
        adapter, _, version = each.subject.partition(":")[2].partition("@")
        named = (adapter, version, each.base, next(iter(each.owners), ""))
        slack.labels(*named).set(each.slack_days)
        day.labels(*named).set(_seconds(audit.as_of + timedelta(days=each.slack_days)))


def _totals(audit: Audit, found: Sequence[Row], registry: client.CollectorRegistry) -> None:
    against = sum(row.counts for row in found)
    for name, says, value in (
        ("audit_against", "Findings that count against: see --fail-on and --since.", against),
        ("audit_skipped", "What could not be judged.", len(audit.skipped)),
        ("audit_adapters", "Adapters that were judged.", audit.adapters),
        ("audit_versions", "Versions of adapters that were judged.", audit.versions),
        ("audit_horizon_days", "How far ahead the audit looked.", audit.horizon_days),
        ("audit_as_of_timestamp_seconds", "The day that was judged.", _seconds(audit.as_of)),
    ):
        _gauge(registry, name, says).set(value)


def _seconds(day: date) -> float:
    return datetime.combine(day, time(), UTC).timestamp()
