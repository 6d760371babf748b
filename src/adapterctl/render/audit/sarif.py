"""The audit for code scanning: SARIF 2.1.0 (OASIS Standard, 27 March 2020).

A finding stands at the file in which it is mended. What GitHub takes from SARIF is a subset:
https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
"""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import quote

import msgspec

from adapterctl.render.audit.summary import said, unjudged
from adapterctl.render.audit.view import Row, View, gone, rows
from adapterctl.rules.audit.since import Seen, identity
from adapterctl.rules.codes import CODES
from adapterctl.rules.findings import Audit, Finding, Severity, Skipped

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

LEVELS: dict[Severity, str] = {
    "critical": "error",
    "high": "error",
    "medium": "warning",
    "low": "note",
    "info": "note",
}
BASELINE = {"new": "new", "worse": "updated", "unchanged": "unchanged"}
"""What SARIF calls what became of a result since an earlier run; what is gone is ``absent``."""

ELSEWHERE = "params.yaml"
"""Where a finding stands that is about no file of the registry."""

_RULES = {code: number for number, code in enumerate(CODES)}


def render(audit: Audit, view: View) -> str:
    """Returns one SARIF log with one run."""
    files = {each.subject: each.file for each in audit.subjects}
    run = {
        "tool": {"driver": {"name": "adapterctl", "rules": [*map(_rule, CODES)]}},
        "automationDetails": {"id": "adapterctl/audit/"},
        "invocations": [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [*map(_notification, audit.skipped)],
            }
        ],
        "results": [
            *(_result(row, files) for row in rows(audit, view)),
            *(_absent(seen, files) for seen in gone(view)),
        ],
        "properties": {
            "as_of": audit.as_of,
            "horizon_days": audit.horizon_days,
            "adapters": audit.adapters,
            "versions": audit.versions,
        },
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return msgspec.json.format(msgspec.json.encode(log), indent=2).decode()


def _rule(code: str) -> dict[str, Any]:
    severity, meaning, mend = CODES[code]
    return {
        "id": code,
        "shortDescription": {"text": meaning},
        "fullDescription": {"text": _message(f"{meaning}: {mend}")},
        "help": {"text": _message(mend), "markdown": mend},
        "defaultConfiguration": {"level": LEVELS[severity]},
        "properties": {"tags": ["adapterctl"], "severity": severity},
    }


def _notification(skipped: Skipped) -> dict[str, Any]:
    return {
        "level": "warning",
        "message": {"text": _message(unjudged(skipped))},
        "properties": {"subject": skipped.subject},
    }


def _result(row: Row, files: dict[str, str]) -> dict[str, Any]:
    one = row.finding
    who = ", ".join(one.owners) or "nobody"
    return {
        **_identified(one, files),
        "level": LEVELS[one.severity],
        "message": {"text": _message(f"{said(one)}. Has to move: {who}. Mend: {one.mend}")},
        "suppressions": [_suppression(one.waived_until)] if one.waived_until else [],
        **({} if row.change is None else {"baselineState": BASELINE[row.change]}),
        "properties": {
            "severity": one.severity,
            "owners": one.owners,
            "affects": one.affects,
            "base": one.base,
            "phase": one.phase,
            "provider": one.provider,
            "region": one.region,
            "date": one.date,
            "slack_days": one.slack_days,
            "mend": one.mend,
            "waived_until": one.waived_until,
        },
    }


def _absent(seen: Seen, files: dict[str, str]) -> dict[str, Any]:
    return {
        **_identified(seen, files),
        "level": LEVELS[seen.severity],
        "message": {"text": _message(seen.message)},
        "suppressions": [],
        "baselineState": "absent",
    }


def _identified(one: Finding | Seen, files: dict[str, str]) -> dict[str, Any]:
    """Returns what makes it the same result in another run: rule, file and fingerprint."""
    mark = hashlib.sha256("\0".join(map(str, identity(one))).encode()).hexdigest()[:32]
    return {
        "ruleId": one.code,
        **({"ruleIndex": _RULES[one.code]} if one.code in _RULES else {}),
        "locations": [_location(one, files)],
        "partialFingerprints": {"primaryLocationLineHash": mark, "adapterctl/v1": mark},
    }


def _location(one: Finding | Seen, files: dict[str, str]) -> dict[str, Any]:
    uri = quote(files.get(one.subject) or _usual_file(one.subject))
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": uri, "uriBaseId": "%SRCROOT%"},
            "region": {"startLine": 1},
        },
        "logicalLocations": [{"fullyQualifiedName": one.subject, "kind": "resource"}],
    }


def _usual_file(subject: str) -> str:
    kind, _, name = subject.partition(":")
    if kind == "adapter":
        return f"registry/adapters/{name.partition('@')[0]}/recipe.yaml"
    return f"registry/bases/{name}.yaml" if kind == "base" else ELSEWHERE


def _suppression(until: str) -> dict[str, Any]:
    return {
        "kind": "external",
        "status": "accepted",
        "justification": f"accepted until {until}",
    }


def _message(text: str) -> str:
    """Returns a text without the placeholders and links of SARIF's messages (3.11.5, 3.11.6)."""
    braced = text.replace("{", "{{").replace("}", "}}")
    return braced.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
