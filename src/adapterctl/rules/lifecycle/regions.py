"""Which region lies in which zone, as each provider draws them.

A cross-region inference profile of Bedrock, a data zone of Azure and a multi-region endpoint of
Vertex each answer from several regions. Zones are data: what the names of their regions are or
begin with.

Sources: https://docs.aws.amazon.com/bedrock/latest/userguide/geographic-cross-region-inference.html
https://learn.microsoft.com/azure/ai-services/openai/how-to/deployment-types
https://cloud.google.com/vertex-ai/docs/general/locations
"""

from __future__ import annotations

from functools import cache

from adapterctl.rules.lifecycle.providers import provider_name

_AWS_EU = ("eu-central-", "eu-north-", "eu-south-", "eu-west-")

_ZONES: dict[str, dict[str, tuple[str, ...]]] = {
    "bedrock": {
        "us": ("us-east-", "us-west-"),
        "us-gov": ("us-gov-",),
        "eu": _AWS_EU,
        "apac": ("ap-",),
        "jp": ("ap-northeast-1", "ap-northeast-3"),
        "au": ("ap-southeast-2", "ap-southeast-4", "ap-southeast-6"),
        "ca": ("ca-",),
    },
    "azure": {
        "us": (
            "centralus",
            "eastus",
            "northcentralus",
            "southcentralus",
            "westcentralus",
            "westus",
        ),
        "eu": (
            "austriaeast",
            "belgiumcentral",
            "denmarkeast",
            "francecentral",
            "francesouth",
            "germanynorth",
            "germanywestcentral",
            "italynorth",
            "northeurope",
            "polandcentral",
            "spaincentral",
            "swedencentral",
            "westeurope",
        ),
        "apac": (
            "australia",
            "centralindia",
            "eastasia",
            "japan",
            "korea",
            "southeastasia",
            "southindia",
        ),
    },
    "vertex": {"us": ("us-",), "eu": ("europe-",), "europe": ("europe-",)},
}
"""Provider to zone to what its regions are called, or begin with."""

_EVERYWHERE = "global"


@cache
def may_overlap(provider: str | None, stated: str, served: str) -> bool:
    """Whether what is said of one region or zone may be true of what is served in another.

    A zone holds its regions, and what is served in a zone may be served in any region of it.

    Args:
        provider: whose regions they are; ``None`` where only equal names are the same place.
        stated: the region of a date.
        served: the region of a place.
    """
    one, other = _plain(stated), _plain(served)
    if one == other or _EVERYWHERE in {one, other}:
        return True
    zones = _ZONES.get(provider_name(provider), {}) if provider else {}
    return _holds(zones, one, other) or _holds(zones, other, one)


def _holds(zones: dict[str, tuple[str, ...]], zone: str, other: str) -> bool:
    """Whether ``zone`` holds a region, or a zone whose regions are all its own."""
    begins = zones.get(zone)
    if begins is None:
        return False
    return all(region.startswith(begins) for region in zones.get(other, (other,)))


def _plain(region: str) -> str:
    """Azure's portal writes ``Sweden Central``, its API ``swedencentral``."""
    return region.strip().lower().replace(" ", "")
