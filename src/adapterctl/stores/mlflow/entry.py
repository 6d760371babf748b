"""What is handed in for one version: its record, and the folder that the record pins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from adapterctl.errors import NotFound
from adapterctl.records.adopted import HOSTED_FILE, AdoptedVersion, AnyRecord
from adapterctl.records.version import TrailStep


@dataclass(frozen=True, kw_only=True)
class MirrorEntry:
    """One version as it is replayed into a mirror.

    Attributes:
        record_bytes: the record as it stands in ``registry/``; goes in as an artifact.
        record_digest: sha256 of ``record_bytes``; says whether two mirrors hold the same version.
        recipe_text: the recipe as it stood when the version was built; an adopted one has none.
        folder: the version's folder, with ``adapter/`` and maybe ``code/`` and ``predictions/``.
        trail: the logged optimizer steps; becomes the loss curve.
        base_dir: where the base lies on this machine: a hint for loading, not an identity.
        grade: A to D, when it has been judged.
    """

    record: AnyRecord
    record_bytes: bytes
    record_digest: str
    folder: Path
    recipe_text: str = ""
    trail: Sequence[TrailStep] = ()
    base_dir: Path | None = None
    grade: str | None = None

    @property
    def name(self) -> str:
        """The version as people write it: ``support-router@3``."""
        return f"{self.record.adapter}@{self.record.version}"

    @property
    def purpose(self) -> str:
        """What the adapter is for, as far as anything says."""
        if isinstance(self.record, AdoptedVersion):
            return "imported: its sources are not recorded"
        return self.record.recipe.purpose

    @property
    def sensitive(self) -> bool:
        """Whether any of its data is: then outputs may be, too, whatever set they are for."""
        if isinstance(self.record, AdoptedVersion):
            return False
        data = self.record.recipe.data
        return data.train.sensitive or any(each.sensitive for each in data.evaluation.values())


def require_folder(entry: MirrorEntry) -> None:
    """Checks that there is an adapter to mirror, before anything is written.

    Raises:
        NotFound: the folder has no PEFT adapter, nor the word of a provider that holds it.
    """
    if (entry.folder / "adapter" / HOSTED_FILE).is_file():
        return
    config = entry.folder / "adapter" / "adapter_config.json"
    if not config.is_file():
        raise NotFound(
            f"no PEFT adapter to mirror: {config} is not there",
            place=entry.name,
            hint=f"adapterctl verify {entry.record.adapter}",
        )
