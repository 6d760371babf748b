"""The audit's answer in every format that a team already reads; one module per format.

`view` is how it was asked for, `summary` what several formats say in the same words.
"""

from __future__ import annotations

from importlib import import_module

from adapterctl.render.audit.view import View
from adapterctl.render.plain import plain
from adapterctl.rules.findings import Audit


def in_format(form: str, audit: Audit, view: View) -> str:
    """Returns the answer in one of the formats, each of which is a module of this room.

    JSON has every text to the letter; in all others a text is one line without control characters.
    """
    if form == "json":
        return in_bytes(form, audit, view).decode()
    text: str = import_module(f"{__name__}.{form}").render(plain(audit), plain(view))
    return text


def in_bytes(form: str, audit: Audit, view: View) -> bytes:
    """Returns the answer as `in_format` does, in UTF-8."""
    if form != "json":
        return in_format(form, audit, view).encode()
    from adapterctl.render.audit.json import render

    try:
        return render(audit, view)
    except UnicodeEncodeError:  # half of a surrogate pair: a file name in no UTF-8
        return render(plain(audit), plain(view))
