"""Runs every benchmark on its full data, the short ones first; exits 1 when one does not hold."""

from __future__ import annotations

from benchmarks import banking77, fingerprint, importing, startup


def main() -> int:
    return max([startup.main([]), importing.main([]), fingerprint.main([]), banking77.main([])])


if __name__ == "__main__":
    raise SystemExit(main())
