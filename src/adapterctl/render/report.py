"""What was written as a report."""

from __future__ import annotations

from datetime import date

from adapterctl.render.answer import envelope
from adapterctl.render.audit.summary import count
from adapterctl.rules.audit.overview import Written


def as_json(written: Written, *, as_of: date) -> str:
    """Returns one result."""
    return envelope("report", as_of=as_of, results=[written])


def as_text(written: Written) -> str:
    """Returns where to look, and what is there."""
    adapters, findings = count(written.adapters, "adapter"), count(written.findings, "finding")
    return f"{written.out}/index.html\n  {count(written.pages, 'page')}: {adapters}, {findings}"
