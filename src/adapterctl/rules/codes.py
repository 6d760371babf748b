"""The one list of codes: what each says, how bad it is, what mends it (DESIGN.md, section 7)."""

from __future__ import annotations

import difflib
from typing import NamedTuple

from adapterctl.errors import InvalidInput
from adapterctl.rules.findings import Severity


class Code(NamedTuple):
    """A code's severity, unless its finding says a milder one, what it says, and what mends it.

    The mend is said in general; a finding names the very command.
    """

    severity: Severity
    meaning: str
    mend: str


CODES: dict[str, Code] = {
    "EOL001": Code(
        "critical",
        "past its shutdown",
        "Move what is built on it to a successor: adapterctl plan NAME --to BASE, then rebuild.",
    ),
    "EOL002": Code(
        "high",
        "slack is negative",
        "A move takes longer than what is left: adapterctl plan NAME --to BASE, today.",
    ),
    "EOL003": Code(
        "medium",
        "a date within the horizon",
        "Plan the move before its rebuild-by: adapterctl plan NAME --to BASE.",
    ),
    "EOL004": Code(
        "medium",
        "unknown lifecycle",
        "State what is known, with its source: adapterctl lifecycle add, or lifecycle import.",
    ),
    "EOL005": Code(
        "medium",
        "a date moved",
        "Plan by the new date: adapterctl lifecycle show BASE.",
    ),
    "EOL006": Code(
        "medium",
        "tuning closes before serving",
        "Train on it while one can, or move before tuning closes.",
    ),
    "EOL007": Code(
        "medium",
        "the successor has less runway than the lead time",
        "Choose a successor that outlives the next move.",
    ),
    "EOL008": Code(
        "medium",
        "an observation vanished from its feed",
        "Ask the provider, and state the date anew: adapterctl lifecycle add.",
    ),
    "BASE001": Code(
        "high",
        "revision not pinned",
        "Pin a commit or a content digest, never a branch: adapterctl bases add.",
    ),
    "BASE002": Code(
        "high",
        "no fingerprint",
        "Fingerprint it while it can be had: adapterctl bases fingerprint BASE.",
    ),
    "BASE003": Code(
        "critical",
        "cannot be fetched any more",
        "Rebuild on another base, or find who kept a copy: adapterctl bases mirror.",
    ),
    "BASE004": Code(
        "low",
        "same weights under another name",
        "Let one entry have both names: adapterctl bases alias.",
    ),
    "BASE005": Code(
        "low",
        "no mirror",
        "Keep a copy where it cannot be taken away: adapterctl bases mirror BASE --to PLACE.",
    ),
    "DATA001": Code(
        "critical",
        "pin missing from the remote",
        "Push it from a machine that still has it: dvc push.",
    ),
    "DATA002": Code(
        "critical",
        "content differs from the pin",
        "Restore the pinned bytes, or register again with the new ones.",
    ),
    "DATA003": Code(
        "high",
        "a retention rule deletes it on a date",
        "Exempt the data from the rule, or copy them, before that day.",
    ),
    "DATA004": Code(
        "medium",
        "no selection",
        "State how the rows were chosen: data.train.selection in the recipe.",
    ),
    "DATA005": Code(
        "high",
        "chosen rows not in the pool, or the rule gives other rows",
        "Make rule and pool agree with the rows, and register again.",
    ),
    "DATA006": Code(
        "medium",
        "training and evaluation overlap",
        "Take the shared rows out of one of the two.",
    ),
    "CODE001": Code(
        "high",
        "import from outside the repository and the lock",
        "Move the import into the repository, or lock its package.",
    ),
    "CODE002": Code(
        "high",
        "clean run differs",
        "Find what the preprocessing reads from its surroundings: adapterctl register --check.",
    ),
    "CODE003": Code(
        "high",
        "uncommitted or unreachable commit",
        "Commit the code, and push it to a branch.",
    ),
    "CODE004": Code(
        "medium",
        "notebook as entry point",
        "Move the preprocessing out of the notebook, into a module.",
    ),
    "CODE005": Code(
        "medium",
        "remote code trusted",
        "Read the code, and pin or replace the base that needs it.",
    ),
    "ENV001": Code(
        "medium",
        "environment not locked",
        "Lock the environment: uv export or pip lock, and register again.",
    ),
    "ENV002": Code(
        "medium",
        "a locked package is yanked or missing",
        "Lock a release that can be had, and register again.",
    ),
    "ENV003": Code(
        "low",
        "the running environment differs",
        "Reproduce in the recorded environment, or register in this one.",
    ),
    "OWN001": Code(
        "medium",
        "no owner or backup",
        "Write owners.team and owners.backup in the recipe.",
    ),
    "OWN002": Code(
        "high",
        "owner left",
        "Name another team in the recipe, or its members in registry/people.yaml.",
    ),
    "EVAL001": Code(
        "medium",
        "evaluation older than allowed",
        "Evaluate it again: adapterctl evaluate NAME.",
    ),
    "EVAL002": Code(
        "low",
        "no shadow set",
        "Add a set of what it meets today: data.evaluation.shadow in the recipe.",
    ),
    "EVAL003": Code(
        "medium",
        "season at cut-over not covered",
        "Add an evaluation set of that season.",
    ),
    "EVAL004": Code(
        "low",
        "too few rows for the margin",
        "Add rows to the evaluation set, or widen its margin.",
    ),
    "WGT001": Code(
        "critical",
        "the adapter changes nothing",
        "Train it again: its weights are those it began with.",
    ),
    "WGT002": Code(
        "high",
        "missing or unexpected keys",
        "Name the base it was trained on, or train it on this one.",
    ),
    "WGT003": Code(
        "medium",
        "pickle weights",
        "Convert the weights to safetensors, and register again.",
    ),
    "WGT004": Code(
        "critical",
        "digest differs from the record",
        "Restore the recorded weights: adapterctl pull NAME, dvc pull.",
    ),
    "DRL001": Code(
        "low",
        "never reproduced, or too long ago",
        "Prove that it can be rebuilt: adapterctl reproduce NAME.",
    ),
    "ROLL001": Code(
        "high",
        "the rollback target dies first",
        "Rebuild the version to go back to on a base that lives longer.",
    ),
    "SRV001": Code(
        "high",
        "served but not registered",
        "Register what is served: adapterctl import, or adapterctl whatis FILE.",
    ),
    "SRV002": Code(
        "high",
        "regions serve different versions",
        "Serve the same version everywhere: adapterctl promote NAME@VERSION.",
    ),
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
