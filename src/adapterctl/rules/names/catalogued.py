"""Which entry of the catalogue a base is, by where both come from."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import structs

from adapterctl.records.base import Base, BaseSource
from adapterctl.records.catalogue import CatalogueEntry
from adapterctl.rules.lifecycle.providers import provider_name
from adapterctl.rules.names.meanings import at_provider
from adapterctl.rules.names.renames import Renames


def looked_up(text: str, entries: Iterable[CatalogueEntry]) -> list[CatalogueEntry]:
    """Returns the entries in which ``text`` occurs, in any of their names or their licence."""
    return [entry for entry in entries if text.lower() in _words(entry)]


def _words(entry: CatalogueEntry) -> str:
    where = (entry.called, entry.source.provider, entry.family, entry.licence)
    words = (entry.base, *where, *entry.names, *entry.at.values(), *entry.at)
    return "\n".join(word for word in words if word).lower()


def called_at(entry: CatalogueEntry, provider: str) -> str | None:
    """Returns what a provider calls the base of an entry, as far as the catalogue knows."""
    there = provider_name(provider)
    return entry.source.model if entry.source.provider == there else entry.at.get(there)


def filled_in(base: Base, entries: Iterable[CatalogueEntry]) -> Base:
    """Returns a base with what the catalogue knows of it, where nothing was found out.

    Names and successors are a repository's: what a provider makes of it, its page says.
    """
    wanted = _identity(base.source)
    found = [entry for entry in entries if wanted and wanted in _identities(entry)]
    if not found:
        return base
    known = min(found, key=lambda entry: wanted != _identity(entry.source))
    whole = wanted == _identity(known.source)
    return structs.replace(
        base,
        family=base.family or known.family,
        licence=base.licence or known.licence,
        names=base.names or (sorted(known.names) if whole else []),
        successors=base.successors or (known.successors if whole else []),
    )


def _identities(entry: CatalogueEntry) -> set[str | None]:
    there = (BaseSource(provider=place, model=name) for place, name in entry.at.items())
    return {_identity(each) for each in (entry.source, *there)}


def _identity(source: BaseSource) -> str | None:
    if source.hub is not None:
        return Renames().newest(source.hub.partition("@")[0]).lower()
    if source.provider is None or source.model is None:
        return None
    meant = at_provider(source.model, source.provider)
    return f"{meant.provider}\t{meant.base}"
