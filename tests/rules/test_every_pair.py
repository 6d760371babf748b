"""Every family that PEFT's users tune, mapped to every other one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

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


def row(family: str) -> str:
    """A family's line in the documents: what its layers are called, by role."""
    found = by_role(shape(family).linears)
    rooms = [
        [role for role in found if role and role.split(".")[0].removeprefix("cross_") == room]
        for room in ("attention", "mlp")
    ]
    rooms[1] += [role for role in found if role and role.startswith(("experts.", "shared_expert."))]
    head = [role for role in ("head.dense", "head") if role in found]
    cells = [
        ", ".join(
            f"{role.removeprefix('attention.').removeprefix('mlp.')} `{called(found[role])}`"
            for role in sorted(roles)
        )
        for roles in (*rooms, head)
    ]
    return f"| `{family}` | {' | '.join(cells)} |"


def called(names: list[str]) -> str:
    """The last word of a name; where it says too little, the one before it too."""
    words = names[0].split(".")
    return ".".join(words[-2:]) if words[-1] == "dense" else words[-1]


def test_the_documents_name_every_family_s_layers() -> None:
    page = (Path(__file__).parents[2] / "docs" / "rebuilding.md").read_text(encoding="utf-8")
    table = [line for line in page.splitlines() if line.startswith("| `")]
    assert [row(family) for family in TUNED] == [
        line for line in table if line.split("`")[1] in TUNED
    ]
