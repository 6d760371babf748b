"""The audit for a calendar: an all-day event on each rebuild-by (iCalendar, RFC 5545).

An event keeps its UID from run to run, so that a calendar moves it instead of adding another.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from adapterctl.render.audit.summary import closing, opening
from adapterctl.render.audit.view import View
from adapterctl.rules.findings import ENDINGS, Audit, Finding, Severity

if TYPE_CHECKING:
    import icalendar

PRODUCT = "-//adapterctl//audit//EN"

REMINDER = timedelta(days=-7)

PRIORITIES: dict[Severity, int] = {"critical": 1, "high": 3, "medium": 5, "low": 7, "info": 9}
"""RFC 5545, 3.8.1.9: from 1, the highest, to 9."""


def render(audit: Audit, view: View) -> str:
    """Returns a calendar with an event for each adapter version that has a rebuild-by.

    What else was found, and what could not be judged, is in the calendar's description. Lines
    end in CRLF, as RFC 5545 has it; the last line feed is the writer's.
    """
    import icalendar

    calendar = icalendar.Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", "adapterctl: rebuild-by")
    said = "\n".join([*opening(audit), *closing(audit, view)])
    calendar.add("x-wr-caldesc", icalendar.vText(said))
    for finding in _dying(audit):
        calendar.add_component(_event(finding, audit.as_of))
    raw: bytes = calendar.to_ical()
    return raw.decode().removesuffix("\n")


def _dying(audit: Audit) -> list[Finding]:
    """Returns one finding for each adapter version that ends on a day."""
    found: dict[str, Finding] = {}
    for one in audit.findings:
        if one.code in ENDINGS and one.slack_days is not None:
            found.setdefault(one.subject, one)
    return list(found.values())


def _event(finding: Finding, today: date) -> icalendar.Event:
    import icalendar

    event = icalendar.Event()
    event.add("uid", _uid(finding.subject))
    event.add("dtstamp", datetime.combine(today, time(), UTC))
    event.add("sequence", today.toordinal())
    event.add("dtstart", today + timedelta(days=finding.slack_days or 0))
    event.add("summary", _summary(finding))
    event.add("description", _description(finding))
    event.add("priority", PRIORITIES[finding.severity])
    event.add("status", "TENTATIVE" if finding.waived_until else "CONFIRMED")
    event.add("transp", "TRANSPARENT")
    if finding.owners:
        event.add("categories", finding.owners)
    if finding.waived_until is None:
        event.add_component(_alarm(finding))
    return event


def _alarm(finding: Finding) -> icalendar.Alarm:
    import icalendar

    alarm = icalendar.Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("trigger", REMINDER)
    alarm.add("description", _summary(finding))
    return alarm


def _uid(subject: str) -> str:
    return f"{hashlib.sha256(f'rebuild-by {subject}'.encode()).hexdigest()[:32]}@adapterctl"


def _summary(finding: Finding) -> str:
    accepted = f" (accepted until {finding.waived_until})" if finding.waived_until else ""
    name = finding.subject.removeprefix("adapter:")
    return f"Rebuild {name} from today at the latest: {finding.base} ends {finding.date}{accepted}"


def _description(finding: Finding) -> str:
    """Returns what a person needs who reads only this: what ends, who has to move, how."""
    lines = [
        f"{finding.code} {finding.severity}: {finding.message}",
        f"Has to move: {', '.join(finding.owners) or 'nobody is named'}",
        f"Affects: {', '.join(finding.affects)}" if finding.affects else "",
        f"Mend: {finding.mend}",
        f"Accepted until {finding.waived_until}" if finding.waived_until else "",
    ]
    return "\n".join(filter(None, lines))
