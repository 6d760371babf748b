"""Reads the audit's formats back, each with a library of its field, into what they have in common.

Every reader gives `Found`: the findings as (code, subject, accepted until), and how many count
against. Calendars hold adapter versions that end on a day, and nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import icalendar
import jsonschema
import junitparser
from markdown_it import MarkdownIt
from markdown_it.token import Token
from prometheus_client.parser import text_string_to_metric_families

SCHEMAS = Path(__file__).parent / "schemas"

Triple = tuple[str, str, str | None]

_IN_JUNIT = re.compile(r"^([A-Z]+\d{3}) \w+.*?(?:\(accepted until (\S+)\))?$", re.MULTILINE)


@dataclass(frozen=True)
class Found:
    """What a format says was found."""

    findings: set[Triple]
    mends: set[str] = field(default_factory=set)


@cache
def sarif_schema() -> jsonschema.Draft4Validator:
    """The official schema of SARIF 2.1.0; see schemas/README.md."""
    schema = json.loads((SCHEMAS / "sarif-2.1.0-rtm.5.json").read_text(encoding="utf-8"))
    return jsonschema.Draft4Validator(schema)


def sarif_run(text: str) -> dict[str, Any]:
    """Returns the one run of a valid log."""
    log = json.loads(text)
    sarif_schema().validate(log)
    (run,) = log["runs"]
    return run


def from_sarif(text: str) -> Found:
    """Reads SARIF, after its schema."""
    findings, mends = set(), set()
    for result in sarif_run(text)["results"]:
        (place,) = result["locations"][0]["logicalLocations"]
        until = result["properties"]["waived_until"] if result["suppressions"] else None
        findings.add((result["ruleId"], place["fullyQualifiedName"], until))
        mends.add(result["properties"]["mend"])
    return Found(findings, mends=mends)


def from_json(text: str) -> Found:
    """Reads the contract's object."""
    results = json.loads(text)["results"]
    return Found(
        {(one["code"], one["subject"], one["waived_until"]) for one in results},
        mends={one["mend"] for one in results},
    )


def junit_cases(text: str) -> dict[str, junitparser.TestCase]:
    """Returns the test cases of all suites by subject; no two have the same name."""
    xml = junitparser.JUnitXml.fromstring(text.encode())
    cases = [case for suite in xml for case in suite]
    named = {f"{case.classname.removeprefix('adapterctl.')}:{case.name}": case for case in cases}
    assert len(named) == len(cases) == xml.tests
    return named


def from_junit(text: str) -> Found:
    """Reads JUnit: what a case failed of, and what else it says."""
    findings: set[Triple] = set()
    mends: set[str] = set()
    for subject, case in junit_cases(text).items():
        failed = "\n".join(result.text or "" for result in case.result)
        lines = f"{failed}\n{case.system_out or ''}"
        findings |= {(code, subject, until or None) for code, until in _IN_JUNIT.findall(lines)}
        mends |= {line[6:] for line in lines.splitlines() if line.startswith("    > ")}
    return Found(findings, mends=mends)


def calendar_of(text: str) -> icalendar.Calendar:
    """Returns the calendar."""
    calendar = icalendar.Calendar.from_ical(text.encode())
    assert isinstance(calendar, icalendar.Calendar)
    return calendar


def from_ics(text: str) -> Found:
    """Reads a calendar."""
    findings, mends = set(), set()
    for event in calendar_of(text).walk("VEVENT"):
        said = dict(
            line.split(": ", 1) for line in str(event["description"]).splitlines() if ": " in line
        )
        code = str(event["description"]).split()[0]
        name = str(event["summary"]).split()[1]
        until = re.search(r"^Accepted until (.*)$", str(event["description"]), re.MULTILINE)
        findings.add((code, f"adapter:{name}", until[1] if until else None))
        mends.add(said["Mend"])
    return Found(findings, mends=mends)


def samples(text: str, name: str) -> list[tuple[dict[str, str], float]]:
    """Returns a metric's samples."""
    return [
        (sample.labels, sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    ]


def from_prometheus(text: str) -> Found:
    """Reads the text format."""
    labels = [labels for labels, _ in samples(text, "adapterctl_audit_finding_info")]
    return Found(
        {(one["code"], one["subject"], one["accepted_until"] or None) for one in labels},
        mends={one["mend"] for one in labels},
    )


def markdown_tokens(text: str) -> list[Token]:
    """Returns what GitHub's dialect makes of a text."""
    return MarkdownIt("commonmark").enable("table").parse(text)


def markdown_rows(text: str) -> list[list[str]]:
    """Returns the cells of all tables' bodies, as a reader sees them."""
    rows: list[list[str]] = []
    body = False
    for token in markdown_tokens(text):
        if token.type in {"tbody_open", "tbody_close"}:
            body = token.type == "tbody_open"
        elif token.type == "tr_open" and body:
            rows.append([])
        elif token.type == "inline" and body:
            rows[-1].append(read(token))
    return rows


def read(token: Token) -> str:
    """Returns an inline token's text as a reader sees it; comments are not seen."""
    seen = {"text", "code_inline", "text_special"}
    return "".join(child.content for child in token.children or [] if child.type in seen)


def from_markdown(text: str) -> Found:
    """Reads Markdown: the rows of its tables, and the list of what is accepted."""
    findings: set[Triple] = set()
    mends: set[str] = set()
    for _slack, _date, _severity, finding, _who, mend, *_ in markdown_rows(text):
        code, name = finding.split()[:2]
        findings.add((code, name if name.startswith("base:") else f"adapter:{name}", None))
        mends.add(mend)
    accepted = re.findall(r"^- `(\S+) (\S+)`.* until (\S+)$", text, re.MULTILINE)
    return Found(
        findings | {(code, subject, until) for code, subject, until in accepted}, mends=mends
    )


def from_text(text: str) -> Found:
    """Reads the text: what to do, and what is accepted."""
    tasks = re.findall(r"^  (\w+\d{3}) (\w+:\S+)(?: \(|,|$)", text, re.MULTILINE)
    accepted = re.findall(r"^  (\w+\d{3}) (\S+) until (\S+)$", text, re.MULTILINE)
    mends = {line[6:] for line in text.splitlines() if line.startswith("    > ")}
    both = {(code, subject, None) for code, subject in tasks}
    return Found(both | set(accepted), mends=mends)


READERS: dict[str, Callable[[str], Found]] = {
    "text": from_text,
    "json": from_json,
    "markdown": from_markdown,
    "sarif": from_sarif,
    "junit": from_junit,
    "ics": from_ics,
    "prometheus": from_prometheus,
}
