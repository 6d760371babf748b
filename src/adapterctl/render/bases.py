"""Bases as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from adapterctl.records.base import Base, BaseIdentity, BaseSource
from adapterctl.records.catalogue import CatalogueEntry
from adapterctl.rules.names.joins import EXPLAINED, Join


def added(base: Base, *, new: bool, twins: Sequence[str] = ()) -> str:
    """Returns what was declared, and which declared bases have the same weights."""
    lines = [f"{base.base} {'declared' if new else 'is declared already'}", shown(base)]
    for twin in twins:
        lines.append(f"BASE004 {base.base} has the same weights as {twin}")
        lines.append(f"  hint: one base with two names: adapterctl bases alias {twin} {base.base}")
    return "\n".join(lines)


def listed(bases: Sequence[Base]) -> str:
    """Returns one line per base."""
    if not bases:
        return "no bases; adapterctl bases add ID --path DIR declares one"
    width = max(len(base.base) for base in bases)
    return "\n".join(
        f"{base.base:<{width}}  {base.family or '-':<10}  {base.fingerprint or _without(base)}"
        for base in bases
    )


def _without(base: Base) -> str:
    """Returns why a base has no fingerprint."""
    if base.source.provider is not None:
        return "not obtainable"
    if base.files:
        return f"no tensor fingerprint; {len(base.files)} file hashes known"
    return "no fingerprint"


def known(entries: Sequence[CatalogueEntry]) -> str:
    """Returns the entries of the catalogue, one per line, and how one is declared."""
    if not entries:
        return "nothing of that name in the catalogue; adapterctl bases list --catalogue lists it"
    width = max(len(entry.base) for entry in entries)
    lines = [
        f"{entry.base:<{width}}  {entry.licence or '-':<12}  {source(entry.source)}"
        for entry in entries
    ]
    return "\n".join([*lines, "", "adapterctl bases add ID declares one of them"])


def named(base: Base) -> str:
    """Returns the names that a base was given."""
    if not base.names:
        return f"{base.base} has no other names"
    return f"{base.base} is also known as {', '.join(base.names)}"


def shown_as_json(base: Base, joins: Sequence[Join]) -> dict[str, Any]:
    """Returns a base, and ``found_under``: each feed's name for it, where, and by which rule."""
    under = [
        {"name": join.subject.name, "provider": join.subject.provider, "rule": join.how}
        for join in joins
    ]
    return {**msgspec.to_builtins(base), "found_under": under}


def shown(base: Base, joins: Sequence[Join] = ()) -> str:
    """Returns everything known of a base, and under which names its dates were found."""
    rows = {
        "source": source(base.source),
        "revision": base.revision or _unpinned(base.source),
        "fingerprint": base.fingerprint or _without(base),
        "architecture": base.architecture,
        "parameters": f"{base.parameters:,}" if base.parameters else None,
        "also known as": ", ".join(base.names) or None,
        "mirror": base.mirror,
        "licence": base.licence,
    }
    known = [f"  {name:<14} {value}" for name, value in rows.items() if value]
    return "\n".join([*known, *_files(base), *_found_under(joins)])


def _found_under(joins: Sequence[Join]) -> Iterator[str]:
    if joins:
        yield "  dates are known under"
    for join in joins:
        place = f"{join.subject.provider}: " if join.subject.provider else ""
        yield f"    {place}{join.subject.name}  ({EXPLAINED[join.how]})"


def _unpinned(source: BaseSource) -> str | None:
    """Returns that a repository is named at no revision, which `BASE001` is about."""
    return f"not pinned: --hub {source.hub}@REV pins one" if source.hub else None


def _files(base: Base) -> Iterator[str]:
    """Yields the files that a base without a fingerprint is known by."""
    for file in base.files if base.fingerprint is None else ():
        digest = f"sha256 {file.sha256}" if file.sha256 else f"git blob {file.blob}"
        yield f"    {file.path}  {file.size:,} bytes  {digest}"


def source(where: BaseSource) -> str:
    """Returns where a base is fetched from, on one line."""
    if where.path is not None:
        return where.path
    if where.hub is not None:
        return f"hub:{where.hub}"
    region = f" ({where.region})" if where.region else ""
    return f"{where.provider}: {where.model or '?'}{region}"


def identity(found: BaseIdentity) -> str:
    """Returns a fingerprint and the digests beside it."""
    rows = {
        "fingerprint": found.fingerprint,
        "config": found.digests.config,
        "tokenizer": found.digests.tokenizer,
        "chat template": found.digests.chat_template,
        "architecture": found.architecture,
        "parameters": f"{found.parameters:,}",
    }
    return "\n".join(f"{name:<14} {value or 'none'}" for name, value in rows.items())
