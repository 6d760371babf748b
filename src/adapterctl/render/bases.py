"""Bases as text."""

from __future__ import annotations

from collections.abc import Sequence

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
        f"{base.base:<{width}}  {base.family or '-':<10}  {base.fingerprint or 'no fingerprint'}"
        for base in bases
    )


def shown(base: Base) -> str:
    """Returns everything known of a base."""
    rows = {
        "source": source(base.source),
        "revision": base.revision,
        "fingerprint": base.fingerprint or "not obtainable",
        "architecture": base.architecture,
        "parameters": f"{base.parameters:,}" if base.parameters else None,
        "also known as": ", ".join(base.names) or None,
        "mirror": base.mirror,
        "licence": base.licence,
    }
    return "\n".join(f"  {name:<14} {value}" for name, value in rows.items() if value)


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
