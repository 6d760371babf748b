"""What a rebuild may cost: hours of a device, or money at the project's prices."""

from __future__ import annotations

import re

from adapterctl.errors import InvalidInput, Refused
from adapterctl.records.noun import Noun
from adapterctl.records.policy import Prices
from adapterctl.records.version import TrainingFacts, VersionRecord
from adapterctl.rules.planning.ladder import Ladder, RungPlan

_HOUR = 3600
_TIME = {"h": _HOUR, "m": 60, "s": 1}
_FORM = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]+)")


class Budget(Noun, frozen=True, kw_only=True):
    """What was allowed, as it was written, and the seconds of a device that this buys."""

    text: str
    seconds: float


def budget(text: str, prices: Prices | None, *, place: str = "--budget") -> Budget:
    """Reads ``2h``, ``90m`` or ``20EUR``; ``place`` is where it was written.

    Raises:
        InvalidInput: neither a time nor money in the currency of ``prices``.
    """
    found = _FORM.fullmatch(text.strip())
    if found is None:
        raise InvalidInput.one(
            f"not a budget: {text!r}",
            place=place,
            hint="hours of a device: 2h; or money: 20EUR",
        )
    amount, unit = float(found[1]), found[2]
    if unit in _TIME:
        return Budget(text=text, seconds=amount * _TIME[unit])
    if prices is None or unit.upper() != prices.currency:
        known = prices.currency if prices else "none"
        raise InvalidInput.one(
            f"no price in {unit} (known: {known})",
            place=place,
            hint="params.yaml: prices: {device_hour: 2.50, currency: EUR}",
        )
    return Budget(text=text, seconds=amount / prices.device_hour * _HOUR)


class Price(Noun, frozen=True, kw_only=True):
    """What training costs: on the first rung, and on every rung when none passes before."""

    first: float
    most: float
    currency: str


def devices_of(record: VersionRecord) -> int:
    """Returns on how many devices at once a version was trained: its estimates count for each."""
    return record.training.shards if record.training else 1


def device_seconds(training: TrainingFacts) -> float:
    """Returns what a training took of all its devices together."""
    return (training.seconds or 0.0) * training.shards


def reaches(allowed: Budget | None, rung: RungPlan, *, spent: float, devices: int) -> bool:
    """Whether what is left of a budget is enough for a rung.

    Args:
        spent: seconds of a device so far.
        devices: from `devices_of`.
    """
    return allowed is None or spent + devices * (rung.seconds or 0.0) <= allowed.seconds


def priced(ladder: Ladder, prices: Prices | None, *, devices: int) -> Price | None:
    """Returns what a ladder costs; ``None`` without a price or an estimate of its time.

    Args:
        devices: from `devices_of`.
    """
    first = ladder.rungs[0].seconds if ladder.rungs else None
    if prices is None or first is None or ladder.seconds is None:
        return None
    each = devices * prices.device_hour / _HOUR
    return Price(
        first=round(first * each, 2), most=round(ladder.seconds * each, 2), currency=prices.currency
    )


def must_afford(ladder: Ladder, allowed: Budget | None, *, devices: int, place: str) -> None:
    """Refuses a ladder whose training alone would take more than is allowed.

    Args:
        devices: from `devices_of`: an hour of four devices is four hours.

    Raises:
        Refused: it is too much, or nobody can say how much it is.
    """
    if allowed is None:
        return
    if ladder.seconds is None:
        raise Refused(
            f"what it takes cannot be estimated, so {allowed.text} cannot be promised",
            place=place,
            hint="leave --budget out, or choose --max-rung carried and watch it",
        )
    needed = devices * ladder.seconds
    if needed > allowed.seconds:
        where = f" of a device ({devices} at once)" if devices > 1 else ""
        raise Refused(
            f"training on {len(ladder.rungs)} rungs takes about {needed / _HOUR:.3g} h{where}, "
            f"more than {allowed.text} ({allowed.seconds / _HOUR:.3g} h)",
            place=place,
            hint="raise --budget, or climb less: --max-rung carried",
        )
