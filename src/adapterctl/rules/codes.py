"""The one list of codes: what each says and how bad it is (DESIGN.md, section 7)."""

from __future__ import annotations

import difflib
from typing import NamedTuple

from adapterctl.errors import InvalidInput
from adapterctl.rules.findings import Severity


class Code(NamedTuple):
    """A code's severity, unless its finding says a milder one, and what it says."""

    severity: Severity
    meaning: str


CODES: dict[str, Code] = {
    "EOL001": Code("critical", "past its shutdown"),
    "EOL002": Code("high", "slack is negative"),
    "EOL003": Code("medium", "a date within the horizon"),
    "EOL004": Code("medium", "unknown lifecycle"),
    "EOL005": Code("medium", "a date moved"),
    "EOL006": Code("medium", "tuning closes before serving"),
    "EOL007": Code("medium", "the successor has less runway than the lead time"),
    "EOL008": Code("medium", "an observation vanished from its feed"),
    "BASE001": Code("high", "revision not pinned"),
    "BASE002": Code("high", "no fingerprint"),
    "BASE003": Code("critical", "cannot be fetched any more"),
    "BASE004": Code("low", "same weights under another name"),
    "BASE005": Code("low", "no mirror"),
    "DATA001": Code("critical", "pin missing from the remote"),
    "DATA002": Code("critical", "content differs from the pin"),
    "DATA003": Code("high", "a retention rule deletes it on a date"),
    "DATA004": Code("medium", "no selection"),
    "DATA005": Code("high", "chosen rows not in the pool, or the rule gives other rows"),
    "DATA006": Code("medium", "training and evaluation overlap"),
    "CODE001": Code("high", "import from outside the repository and the lock"),
    "CODE002": Code("high", "clean run differs"),
    "CODE003": Code("high", "uncommitted or unreachable commit"),
    "CODE004": Code("medium", "notebook as entry point"),
    "CODE005": Code("medium", "remote code trusted"),
    "ENV001": Code("medium", "environment not locked"),
    "ENV002": Code("medium", "a locked package is yanked or missing"),
    "ENV003": Code("low", "the running environment differs"),
    "OWN001": Code("medium", "no owner or backup"),
    "OWN002": Code("high", "owner left"),
    "EVAL001": Code("medium", "evaluation older than allowed"),
    "EVAL002": Code("low", "no shadow set"),
    "EVAL003": Code("medium", "season at cut-over not covered"),
    "EVAL004": Code("low", "too few rows for the margin"),
    "WGT001": Code("critical", "the adapter changes nothing"),
    "WGT002": Code("high", "missing or unexpected keys"),
    "WGT003": Code("medium", "pickle weights"),
    "WGT004": Code("critical", "digest differs from the record"),
    "DRL001": Code("low", "never reproduced, or too long ago"),
    "ROLL001": Code("high", "the rollback target dies first"),
    "SRV001": Code("high", "served but not registered"),
    "SRV002": Code("high", "regions serve different versions"),
}


def check_code(code: str) -> None:
    """Refuses what is no code.

    Raises:
        InvalidInput: naming the nearest code, or all of them.
    """
    if code in CODES:
        return
    near = difflib.get_close_matches(code.upper(), CODES, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"codes: {', '.join(CODES)}"
    raise InvalidInput.one(f"no such code: {code!r}", hint=hint)
