"""Data that were removed lawfully, as text."""

from __future__ import annotations

from collections.abc import Iterator

from adapterctl.rules.removal import Forgotten


def as_text(found: Forgotten) -> str:
    """Returns what is recorded, what must be deleted where, and who else has the same bytes."""
    return "\n".join(_lines(found))


def _lines(found: Forgotten) -> Iterator[str]:
    for version in found.versions:
        yield f"{found.adapter}@{version}: its data are recorded as removed"
    for version in found.already:
        yield f"{found.adapter}@{version}: they were recorded as removed before"
    yield "This deletes nothing: see that they are gone from workspace, caches and remotes:"
    for pin in found.data:
        yield f"  {pin.path}  {f'version {pin.version_id}' if pin.version_id else f'md5 {pin.md5}'}"
    for each in found.predictions:
        yield f"  recorded predictions of {each.version}  md5 {each.md5}"
    for other in found.shared:
        yield f"{other.version} pins some of the same bytes: {', '.join(other.paths)}"
