"""Runs every benchmark on its full data, the short ones first; exits 1 when one does not hold."""

from __future__ import annotations

from benchmarks import (
    audit_scale,
    banking77,
    cpu_training,
    fingerprint,
    fleet,
    gpu_fleet,
    gpu_training,
    importing,
    joining,
    registering,
    rolling_back,
    startup,
)

SHORT_FIRST = (
    startup,
    joining,
    rolling_back,
    importing,
    fingerprint,
    registering,
    audit_scale,
    gpu_training,
    gpu_fleet,
    cpu_training,
    fleet,
    banking77,
)


def main() -> int:
    return max([each.main([]) for each in SHORT_FIRST])


if __name__ == "__main__":
    raise SystemExit(main())
