"""Dates of hosted fine-tunes: feeds list them under names made of their base's.

A fine-tune at a provider may end later or earlier than the base it was tuned from, and providers
state such dates for all fine-tunes of a base at once: ``ft:gpt-3.5-turbo-1106``.
"""

from __future__ import annotations

from functools import cache

from adapterctl.records.lifecycle import Observation
from adapterctl.rules.lifecycle.providers import provider_name

PREFIX = "ft:"
"""What a person's own statement, LiteLLM and OpenAI's API put before the base's name."""

_BEFORE = {"openai": "ft-"}
"""What a provider's page puts before the name: ``ft-gpt-4``, read by deprecations.info."""

_BEHIND = {"cohere": "-finetuned"}
"""What a provider's page puts behind it: ``Command-R-03-2024-finetuned``."""


@cache
def tuned_from(subject: str, provider: str | None) -> str | None:
    """Returns the base whose hosted fine-tunes a date is about; ``None`` for a base's own date."""
    name = subject.lower()
    if name.startswith(PREFIX):
        return subject[len(PREFIX) :] or None
    place = provider_name(provider) if provider else ""
    before, behind = _BEFORE.get(place), _BEHIND.get(place)
    if before and name.startswith(before):
        return subject[len(before) :] or None
    if behind and name.endswith(behind):
        return subject[: -len(behind)] or None
    return None


def is_tuned(observation: Observation) -> bool:
    """Whether a date is about the hosted fine-tunes of a base, not about the base."""
    return tuned_from(observation.subject, observation.provider) is not None


def base_name(observation: Observation) -> str:
    """Returns the name of the base that a date is about, be it the base's or its fine-tunes'."""
    return tuned_from(observation.subject, observation.provider) or observation.subject
