"""Which dates apply to an adapter: by where it is served and by how it would be rebuilt.

An adapter on weights of one's own is hit by the end of the weights and, at a provider, by the end
of that provider's service. A fine-tune that lives at a provider is hit by the end of the service
there, for which a date of the provider's fine-tunes counts before the base's own; where the
weights can be fetched is nothing to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from adapterctl.records.lifecycle import Observation
from adapterctl.rules.lifecycle.providers import same_provider
from adapterctl.rules.lifecycle.regions import may_overlap
from adapterctl.rules.lifecycle.tuned import is_tuned

SELF_HOSTED = "self-hosted"
"""Provider of an adapter that is served on the team's own machines."""


class Located(Protocol):
    """Where something is served."""

    @property
    def provider(self) -> str:
        """Whose service."""

    @property
    def region(self) -> str | None:
        """In which region or zone; ``None`` where nobody says."""


class Place(NamedTuple):
    """Where an adapter is served."""

    provider: str
    region: str | None = None


class Use(NamedTuple):
    """How adapters on a base are served and rebuilt.

    Attributes:
        places: where they are served, each once.
        hosted: they live at a provider, which has the weights and would train them anew.
    """

    places: tuple[Place, ...] = ()
    hosted: bool = False


def hits(observation: Observation, places: Iterable[Located]) -> bool:
    """Whether an observation is true of any of ``places``.

    One without provider and region holds everywhere, one with a provider only there; a place that
    does not say its region may be in the region. A zone holds its regions (`regions`).
    """
    if observation.provider is None and observation.region is None:
        return True
    return any(_is_there(observation, place) for place in places)


def _is_there(observation: Observation, place: Located) -> bool:
    stated = observation.provider
    if stated is not None and not same_provider(stated, place.provider):
        return False
    if observation.region is None or place.region is None:
        return True
    return may_overlap(place.provider, observation.region, place.region)


def applying(about: Sequence[Observation], use: Use) -> list[Observation]:
    """Returns what applies, of all that is known about a base and its hosted fine-tunes."""
    return counting(about, about, use)


def counting(
    asked: Iterable[Observation], about: Sequence[Observation], use: Use
) -> list[Observation]:
    """Returns what applies of ``asked``, given all that is known about the base now."""
    tuned = _tuned(about, use)
    return [one for one in asked if applies(one, use) and not _is_superseded(one, tuned, use)]


def superseded(about: Sequence[Observation], use: Use) -> list[Observation]:
    """Returns the base's own dates in whose stead dates of its hosted fine-tunes count."""
    if not use.hosted:
        return []
    tuned = _tuned(about, use)
    return [one for one in about if applies(one, use) and _is_superseded(one, tuned, use)]


def _tuned(about: Iterable[Observation], use: Use) -> list[Observation]:
    if not use.hosted:
        return []
    return [one for one in about if is_tuned(one) and applies(one, use)]


def applies(observation: Observation, use: Use) -> bool:
    """Whether a date is of the kind that hits adapters in this use, and hits one of its places."""
    if is_tuned(observation):
        return use.hosted and hits(observation, use.places)
    if observation.phase == "serving":
        return hits(observation, use.places)
    own = [place for place in use.places if not use.hosted or place.provider == SELF_HOSTED]
    if observation.phase == "tuning" and use.hosted:
        return hits(observation, use.places)
    if observation.phase == "tuning":
        # A provider's training is closed to those who train there; these train elsewhere.
        return hits(observation, [place for place in own if place.provider == SELF_HOSTED])
    return bool(own or not use.hosted) and hits(observation, own)


def _is_superseded(observation: Observation, tuned: Sequence[Observation], use: Use) -> bool:
    """Whether a date of fine-tunes counts instead, wherever this one would hit.

    An earliest day that comes before the promised end of the base promises nothing beyond it.
    """
    if not use.hosted or observation.phase != "serving" or is_tuned(observation):
        return False
    there = [place for place in use.places if hits(observation, [place])]
    return all(
        any(hits(one, [place]) and _counts_instead(one, observation) for one in tuned)
        for place in there
    )


def _counts_instead(tuned: Observation, own: Observation) -> bool:
    return tuned.kind == "shutdown" or (tuned.date or "") >= (own.date or "")


def dark(applying: Sequence[Observation], use: Use) -> list[Place]:
    """Returns the places of which nothing says until when the adapter can be served there.

    On the team's own machines any end of the base will do, at a provider only one of its service.
    """
    ends = [one for one in applying if one.phase != "tuning"]
    return [place for place in use.places if not any(_lights(one, place) for one in ends)]


def _lights(end: Observation, place: Place) -> bool:
    served_here = place.provider == SELF_HOSTED or end.phase == "serving"
    return served_here and hits(end, [place])


def elsewhere(about: Iterable[Observation], use: Use) -> Iterator[str]:
    """Yields the providers or regions whose dates of service would hit an adapter there."""
    for one in about:
        where = one.provider or one.region
        if where and one.phase != "tuning" and is_tuned(one) <= use.hosted:
            yield where
