"""What was written as a report."""

from __future__ import annotations

from datetime import date

from adapterctl.render.answer import envelope
from adapterctl.rules.overview import Written


def as_json(written: Written, *, as_of: date) -> str:
    """Returns one result."""
    return envelope("report", as_of=as_of, results=[written])


def as_text(written: Written) -> str:
    """Returns where to look, and what is there."""
    adapters = f"{written.adapters:,} adapter" + ("" if written.adapters == 1 else "s")
    findings = f"{written.findings:,} finding" + ("" if written.findings == 1 else "s")
    return f"{written.out}/index.html\n  {written.pages:,} pages: {adapters}, {findings}"
