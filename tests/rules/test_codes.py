"""The list of codes is the contract's, and every code that is used is in it."""

from __future__ import annotations

import re
from pathlib import Path

from adapterctl.rules.codes import CODES
from adapterctl.rules.findings import SEVERITIES

SOURCE = Path(__file__).parents[2] / "src" / "adapterctl"
LIKE_A_CODE = re.compile(r"\b(?:EOL|BASE|DATA|CODE|ENV|OWN|EVAL|WGT|DRL|ROLL|SRV)\d{3}\b")


def test_every_code_that_the_program_names_is_in_the_list():
    named = {
        code for path in SOURCE.rglob("*.py") for code in LIKE_A_CODE.findall(path.read_text())
    }
    assert named == CODES.keys()


def test_every_code_has_a_severity_and_a_meaning():
    assert len(CODES) == 41
    assert {code.severity for code in CODES.values()} <= set(SEVERITIES)
    assert all(code.meaning for code in CODES.values())
