"""What jobs need of a mirror; `MlflowMirror` is the real one, tests have one in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from adapterctl.stores.mlflow.entry import MirrorEntry


class Mirror(Protocol):
    """A registry of adapter versions elsewhere that follows ours; see `MlflowMirror`."""

    def highest_version(self, adapter: str) -> int:
        """Returns the highest number in use, placeholders included; 0 for an unknown adapter."""

    def missing(self, adapter: str, versions: Sequence[tuple[int, str]]) -> list[int]:
        """Returns the numbers, ascending, whose record is not mirrored under that number."""

    def mirror(self, entry: MirrorEntry) -> None:
        """Brings one version over; does nothing when it is there already."""

    def aliases(self, adapter: str) -> dict[str, int]:
        """Returns alias to version number."""

    def set_aliases(self, adapter: str, aliases: Mapping[str, int]) -> None:
        """Makes the aliases that adapterctl manages exactly these."""

    def tag(self, adapter: str, version: int, tags: Mapping[str, str]) -> None:
        """Sets tags of one version, such as ``adapterctl.state``."""
