"""Bases as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adapterctl.records.base import Base, BaseIdentity, BaseSource


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


def shown(base: Base) -> str:
    """Returns everything known of a base."""
    rows = {
        "source": source(base.source),
        "revision": base.revision,
        "fingerprint": base.fingerprint or _without(base),
        "architecture": base.architecture,
        "parameters": f"{base.parameters:,}" if base.parameters else None,
        "also known as": ", ".join(base.names) or None,
        "mirror": base.mirror,
        "licence": base.licence,
    }
    known = [f"  {name:<14} {value}" for name, value in rows.items() if value]
    return "\n".join([*known, *_files(base)])


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
