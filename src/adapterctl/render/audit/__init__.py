"""The audit's answer in every format that a team already reads; one module per format.

`view` is how it was asked for, `summary` what several formats say in the same words.
"""

from __future__ import annotations

from importlib import import_module

from adapterctl.render.audit.view import View
from adapterctl.render.plain import plain, writable
from adapterctl.rules.findings import Audit


def in_format(form: str, audit: Audit, view: View) -> str:
    """Returns the answer in one of the formats, each of which is a module of this room.

    JSON has every text to the letter; in all others a text is one line without control characters.
    """
    fit = writable if form == "json" else plain
    text: str = import_module(f"{__name__}.{form}").render(fit(audit), fit(view))
    return text
