"""Audits whose names, sources and messages were written by somebody who wants to break a parser."""

from __future__ import annotations

import msgspec
from hypothesis import strategies as st

from adapterctl.rules.findings import SEVERITIES, Audit, Finding, Skipped, Subject
from support.registries import TODAY

NASTY = (
    *"|`\"'<>&\\[](){}*_~$#@!;,:=%?\t\n\r\x00\x1b\x7f\x85\u2028\u202e\ufeff\ufffe\ud800 ",
    "\r\n", "]]>", "<!--", "-->", "||", "``", "\\n", "\\|", "{0}", "%0A", "BEGIN:VEVENT", "&amp;",
    "](javascript:x)", "@everyone", "\x1b[31m", "```\n", " > ", "\n# ", "<script>", "EOL001",
)  # fmt: skip

texts = st.lists(
    st.one_of(st.sampled_from(NASTY), st.characters(codec="utf-8"), st.just("word")), max_size=12
).map("".join)

ENDINGS = ("EOL001", "EOL002", "EOL003")


@st.composite
def findings(draw: st.DrawFn, *, number: int) -> Finding:
    """One finding; its subject is its own."""
    slack = draw(st.none() | st.integers(-400, 400))
    return Finding(
        code=draw(st.sampled_from([*ENDINGS, "DATA001", "OWN001"])),
        severity=draw(st.sampled_from(SEVERITIES)),
        subject=f"adapter:{number}{draw(texts)}@1",
        message=draw(texts),
        owners=draw(st.lists(texts, max_size=2)),
        base=draw(st.none() | texts),
        provider=draw(st.none() | texts),
        affects=draw(st.lists(texts, max_size=2)),
        date=None if slack is None else TODAY,
        slack_days=slack,
        mend=draw(texts),
        waived_until=draw(st.none() | st.just("2026-12-31")),
    )


@st.composite
def audits(draw: st.DrawFn) -> Audit:
    """A few findings and skips."""
    found = [draw(findings(number=number)) for number in range(draw(st.integers(0, 4)))]
    skips = [
        Skipped(subject=f"base:{number}{draw(texts)}", reason=draw(texts), mend=draw(texts))
        for number in range(draw(st.integers(0, 2)))
    ]
    fine = Subject(subject="adapter:fine@1", owners=[draw(texts)], base=draw(texts), file="f")
    return Audit(
        as_of=TODAY,
        horizon_days=180,
        adapters=len(found) + 1,
        versions=len(found) + 1,
        retired=0,
        findings=found,
        skipped=skips,
        subjects=[fine, *map(_subject, found)],
    )


def _subject(finding: Finding) -> Subject:
    return Subject(
        subject=finding.subject,
        owners=finding.owners,
        base=finding.base or "",
        file=f"registry/adapters/{finding.subject}/recipe.yaml",
        slack_days=finding.slack_days,
    )


def words(text: str) -> str:
    """Returns a text with one space between words, for readers to whom spaces are layout."""
    return " ".join(text.split())


def to_the_letter(audit: Audit) -> bool:
    """Whether every text that an audit's answer says can be written as UTF-8."""
    try:
        msgspec.json.encode([audit.findings, audit.skipped])
    except UnicodeEncodeError:
        return False
    return True
