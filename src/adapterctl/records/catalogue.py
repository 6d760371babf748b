"""An entry of the catalogue: a base that people tune, as the package knows it."""

from __future__ import annotations

from typing import Literal

from adapterctl.records.base import Base, BaseSource
from adapterctl.records.noun import Name, Noun, Sparse


class CatalogueEntry(Sparse, frozen=True, kw_only=True):
    """What is known of a base without looking at its weights; it is never a revision.

    Attributes:
        source: its repository on the Hugging Face Hub, or the provider that alone has it.
        family: ``model_type`` of its ``config.json``; ``None`` where that is not public.
        licence: as its page names it; ``None`` where nobody has looked.
        at: provider to its name there, for open weights that providers serve or tune.
        names: others, such as the one that its repository had before.
        successors: those that its own publisher names, bases of the catalogue.
        page: where it says so.
    """

    base: Name
    source: BaseSource
    page: str
    family: str | None = None
    licence: str | None = None
    at: dict[str, str] = {}
    names: list[str] = []
    successors: list[Name] = []

    @property
    def called(self) -> str:
        """Its name where it comes from."""
        return self.source.hub or self.source.model or ""

    def declared(self) -> Base:
        """Returns it as a base of a registry: without a revision, which somebody has to pin."""
        return Base(
            schema_version=1,
            base=self.base,
            source=self.source,
            family=self.family,
            licence=self.licence,
            names=sorted(self.names),
            successors=self.successors,
        )


class Catalogue(Noun, frozen=True, kw_only=True):
    """``stores/catalogue/bases.yaml``."""

    schema_version: Literal[1]
    bases: list[CatalogueEntry]
