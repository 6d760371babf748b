"""Runs every benchmark on its full data, the short ones first; exits 1 when one does not hold."""

from __future__ import annotations

from benchmarks import (
    banking77,
    cpu_training,
    fingerprint,
    importing,
    joining,
    registering,
    startup,
)


def main() -> int:
    every = (startup, joining, importing, fingerprint, registering, cpu_training, banking77)
    return max([each.main([]) for each in every])


if __name__ == "__main__":
    raise SystemExit(main())
