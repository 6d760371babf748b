"""Runs every benchmark on its full data, the short ones first; exits 1 when one does not hold."""

from __future__ import annotations

from benchmarks import (
    audit_scale,
    banking77,
    fingerprint,
    importing,
    joining,
    registering,
    startup,
)


def main() -> int:
    every = (startup, joining, importing, fingerprint, registering, audit_scale, banking77)
    return max([each.main([]) for each in every])


if __name__ == "__main__":
    raise SystemExit(main())
