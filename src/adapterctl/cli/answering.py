"""How answers reach stdout."""

from __future__ import annotations

import os
import sys


def has_colours() -> bool:
    """Whether stdout is a terminal whose user did not set NO_COLOR (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
