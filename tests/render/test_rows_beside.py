"""Rows side by side, in a terminal."""

from __future__ import annotations

from adapterctl.render.rows_beside import as_text
from adapterctl.rules.parity.reading import RowBeside, RowsBeside

FLIPPED = RowBeside(
    set="gold",
    id="7",
    slice="eu",
    how="flipped",
    asked="where is my invoice, I was told that it comes by letter and there is none at all yet",
    reference="billing",
    old="billing",
    candidate="card\x1b[31m\nlost",
)


def test_a_row_is_read_from_top_to_bottom() -> None:
    assert as_text(RowsBeside(total=30, rows=[FLIPPED])).splitlines() == [
        "Rows to read: 30, the first 1 of them",
        "",
        "gold 7 (eu): right before, wrong now",
        "  asked  where is my invoice, I was told that it comes by letter and there is",
        "         none at all yet",
        "  right  billing",
        "  old    billing",
        "  new    card�[31m lost",
    ]


def test_of_a_sensitive_row_there_are_digests() -> None:
    row = RowBeside(
        set="gold",
        id="7",
        slice=None,
        how="changed",
        old_sha256="a" * 64,
        candidate_sha256="b" * 64,
    )
    assert as_text(RowsBeside(total=1, rows=[row])).splitlines() == [
        "Rows to read: 1",
        "",
        "gold 7: another answer, right or wrong unknown",
        f"  old    sha256 {'a' * 24}",
        f"  new    sha256 {'b' * 24}",
    ]


def test_none_is_said_too() -> None:
    assert as_text(RowsBeside(total=0, rows=[])) == "Rows to read: 0"
