"""Every family that PEFT's users tune, mapped to every other one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from adapterctl.rules.mapping.roles import by_role
from support.families import TUNED, shape
from support.mapping import as_mended, ask, whats

ATTENTION = ("attention.q", "attention.k", "attention.v", "attention.o", "attention.qkv")
QUERY_AND_VALUE = ("attention.q", "attention.v", "attention.qkv")


def targets(old: str, roles: tuple[str, ...]) -> list[str]:
    """The endings of an old base's modules that have a role."""
    found = by_role(shape(old).linears)
    names = [name for role in roles for name in found.get(role, ())]
    parts = 1 if old == "t5" else 2
    return sorted({".".join(name.split(".")[-parts:]) for name in names})


def choices(old: str) -> Iterator[dict]:
    """What people adapt: all layers, attention, or query and value as in the paper on LoRA."""
    yield {"target_modules": "all-linear"}
    yield {"target_modules": targets(old, ATTENTION)}
    yield {"target_modules": targets(old, QUERY_AND_VALUE)}


@pytest.mark.parametrize("new", TUNED)
def test_an_adapter_of_any_family_maps_or_is_told_what_to_write(new: str) -> None:
    for old in TUNED:
        for lora in choices(old):
            found = ask(old, new, **lora)
            if not found.blockers:
                placed = [match for match in found.matches if match.new]
                assert placed, f"{old}: {lora} leaves nothing to train"
                continue
            mended = ask(old, new, role_map=as_mended(found), **lora)
            assert whats(mended) == [], f"{old}: {lora}"
            assert any(match.new for match in mended.matches), f"{old}: {lora}"
