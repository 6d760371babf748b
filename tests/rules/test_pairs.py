"""Every pair of families: it maps, or what the message says to write makes it map."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapterctl.rules.mapping.choice import spell
from adapterctl.rules.mapping.roles import by_role, role_of
from support.families import TUNED, shape
from support.mapping import as_mended, ask, whats


def choices(family: str):
    linears = [one for one in shape(family).linears if one.kind != "Experts"]
    roles = [(one.name, role_of(one.name) or "") for one in linears]
    starts = ("attention.", "mlp.", "cross_", "shared_")
    parts = {role for _, role in roles if role.startswith(starts)}
    some = {"attention.q", "attention.v", "attention.qkv"} & parts
    names = [name for name, _ in roles]
    for wanted in (some, parts, parts - {r for r in parts if r.startswith("attention.")}):
        if chosen := [name for name, role in roles if role in wanted]:
            yield spell(chosen, names)
    yield "all-linear"


@pytest.mark.parametrize("new", TUNED)
def test_a_pair_maps_or_says_what_to_write_and_that_makes_it_map(new):
    for old in TUNED:
        for wanted in choices(old):
            found = ask(old, new, target_modules=wanted)
            written = as_mended(found)
            again = ask(old, new, target_modules=wanted, role_map=written)
            assert whats(again) == [], (old, wanted, written)
            assert any(match.new for match in again.matches), (old, wanted, written)


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
