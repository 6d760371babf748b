"""``python -m adapterctl`` and the ``adapterctl`` program."""

from __future__ import annotations

import atexit
import gc
import sys

OBJECTS_BETWEEN_COLLECTIONS = 100_000
"""Registries are read into many thousands of nouns, of which none is in a cycle."""


def main() -> None:
    """Runs the command line and exits with its status."""
    collect_rarely()
    from adapterctl.cli import run

    sys.exit(run(sys.argv[1:]))


def collect_rarely() -> None:
    """Lets this process look for cycles of objects seldom, and not at its end.

    Loading torch and transformers makes 400,000 objects. To look through them again and again
    takes most of a second, and once more at the end, when all memory is given back anyway.
    """
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS, 50, 1_000)
    atexit.register(gc.freeze)


if __name__ == "__main__":
    main()
