"""LiteLLM's price map: ``deprecation_date`` is the day of shutdown at that provider.

The key says where: ``bedrock/us-east-1/mistral.mistral-7b-instruct-v0:2``, ``azure/eu/gpt-4o``,
``together_ai/Qwen/Qwen2-72B-Instruct``. What only tells prices apart (image sizes, commitments)
is no part of the name.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from adapterctl.rules.feeds.rows import Reading, Row, Stated
from adapterctl.rules.lifecycle.providers import provider_name

MAP = "https://github.com/BerriAI/litellm/blob/main/model_prices_and_context_window.json"
"""Says so when a row names no source of its own."""

EXPLANATION = "sample_spec"
"""Key of the entry that explains the fields in prose."""

_PRICED = re.compile(
    r"\d+-x-\d+|\d+-steps|max-steps|low|medium|high|standard|hd|\*|\d+-month-commitment"
)
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d+")
_ZONES = frozenset({"apac", "eu", "us"})
_EVERYWHERE = frozenset({"global", "global-standard"})
_ROUTES = frozenset({"converse", "invoke"})
_PROFILE = re.compile(r"(?P<zone>us-gov|us|eu|apac|jp|au|ca|global)\.(?P<rest>[^.]+\..+)")


class Price(Stated, frozen=True, kw_only=True):
    """What is read of a row; hundreds of prices are not."""

    litellm_provider: str | None = None
    deprecation_date: str | None = None
    source: str | None = None


class Place(NamedTuple):
    """What a key says: the provider's name of the base, who serves it, and in which region."""

    subject: str
    provider: str | None
    region: str | None


def observe(row: Row[Price], reading: Reading) -> None:
    """Reads one row; one without a date says nothing."""
    stated = row.data
    if not stated.deprecation_date:
        return
    if row.key == EXPLANATION:
        reading.refuse(row, "explains the fields of the map, and is no base")
        return
    place = place_of(row.key, stated.litellm_provider)
    reading.take(
        row,
        stated.deprecation_date,
        subject=place.subject,
        source=_page(stated.source),
        provider=place.provider,
        region=place.region,
    )


def _page(source: str | None) -> str:
    """Returns the page that a row names; some rows hold a remark in its place."""
    return source if source and "://" in source else MAP


def place_of(key: str, stated: str | None) -> Place:
    """Returns what a key and its ``litellm_provider`` say.

    A zone of Azure (``eu``) and an inference profile of Bedrock (``us.``) are regions, too; what
    is served globally is served in all of them.
    """
    *parts, name = key.split("/")
    parts = [part for part in parts if not _PRICED.fullmatch(part)]
    provider = provider_name(stated or (parts[0] if parts else "")) or None
    if parts and provider_name(parts[0]) == provider:
        parts.pop(0)
    if provider == "bedrock" and parts and parts[0] in _ROUTES:
        parts.pop(0)
    region = _region(parts, provider)
    if provider == "bedrock" and not parts:
        name, region = _profile(name, region)
    return Place("/".join([*parts, name]), provider, region)


def _region(parts: list[str], provider: str | None) -> str | None:
    """Takes the region off the front of ``parts``, if one is there."""
    if not parts:
        return None
    if _REGION.fullmatch(parts[0]) or (provider == "azure" and parts[0] in _ZONES):
        return parts.pop(0)
    if provider == "azure" and parts[0] in _EVERYWHERE:
        parts.pop(0)
    return None


def _profile(name: str, region: str | None) -> tuple[str, str | None]:
    found = _PROFILE.fullmatch(name)
    if found is None:
        return name, region
    zone = None if found["zone"] in _EVERYWHERE else found["zone"]
    return found["rest"], region or zone
