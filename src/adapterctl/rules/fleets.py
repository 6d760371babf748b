"""How a fleet is spread over workers: each loads few bases, and the urgent ones begin first."""

from __future__ import annotations

from collections.abc import Sequence


def spread(bases: Sequence[str], *, workers: int) -> list[list[int]]:
    """Returns the numbers of adapters in groups, each of one base.

    A base's share of the workers is as its share of the adapters, at least one; its adapters are
    dealt out to them in turn, so that each group is in the order of urgency as well.

    Args:
        bases: what each adapter stands on, the most urgent adapter first.
        workers: how many groups there may be; a base needs one in any case.
    """
    by_base: dict[str, list[int]] = {}
    for number, base in enumerate(bases):
        by_base.setdefault(base, []).append(number)
    groups: list[list[int]] = []
    for numbers in by_base.values():
        share = max(1, min(len(numbers), workers * len(numbers) // max(1, len(bases))))
        groups += [numbers[worker::share] for worker in range(share)]
    return sorted(groups)
