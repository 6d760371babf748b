"""What an audit judged, whatever it found: for those who list what is fine, too."""

from __future__ import annotations

from collections.abc import Iterator

from adapterctl.jobs.survey import Survey
from adapterctl.rules.findings import Subject
from adapterctl.rules.standing import Standing


def subjects(found: Survey) -> list[Subject]:
    """Returns the adapter versions of a survey, then the declared bases that they are built on."""
    return [*map(_version, found.standings), *_bases(found)]


def _version(standing: Standing) -> Subject:
    file = "recipe.yaml" if standing.choice else f"{standing.version}.json"
    return Subject(
        subject=f"adapter:{standing.name}",
        owners=standing.owners,
        base=standing.base,
        file=f"registry/adapters/{standing.adapter}/{file}",
        slack_days=standing.status.slack_days,
    )


def _bases(found: Survey) -> Iterator[Subject]:
    owners: dict[str, set[str]] = {}
    for standing in found.standings:
        owners.setdefault(standing.base, set()).update(standing.owners)
    for name in sorted(owners.keys() & found.almanac.bases.keys()):
        yield Subject(
            subject=f"base:{name}",
            owners=sorted(owners[name]),
            base=name,
            file=f"registry/bases/{name}.yaml",
        )
