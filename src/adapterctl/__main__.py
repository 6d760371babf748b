"""``python -m adapterctl`` and the ``adapterctl`` program."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command line and exits with its status."""
    from adapterctl.cli import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
