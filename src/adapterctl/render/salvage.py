"""What was salvaged, as text."""

from __future__ import annotations

from adapterctl.rules.salvage import Salvaged


def as_text(found: Salvaged) -> str:
    """Returns how much was kept, where, and by whose permission."""
    by = f", kept by permission: {found.permission}" if found.prompts == "real" else ""
    never = f"\n  never answered: {', '.join(found.never)}" if found.never else ""
    return (
        f"{found.pin.rows or 0:,} prompts with answers in {found.pin.path} "
        f"({found.prompts}{by})\n"
        f"  left out  {found.dropped:,} that repeat one another or the adapter's own rows\n"
        f"  sha256    {found.pin.sha256}{never}"
    )
