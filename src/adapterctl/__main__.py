"""``python -m adapterctl`` and the ``adapterctl`` program."""

from __future__ import annotations

import gc
import sys

OBJECTS_BETWEEN_COLLECTIONS = 100_000
"""Registries are read into many thousands of nouns, of which none is in a cycle."""


def main() -> None:
    """Runs the command line and exits with its status."""
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS, 50, 1_000)
    from adapterctl.cli import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
