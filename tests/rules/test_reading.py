"""Which rows a person is given to read, and what is withheld of sensitive ones."""

from __future__ import annotations

import hashlib

from adapterctl.records.canonical import compact
from adapterctl.rules.parity.reading import rows_beside
from adapterctl.rules.parity.side_by_side import SideBySide
from support.answers import side_by_side


def test_the_rows_that_flipped_are_listed_and_counted():
    side = side_by_side(both=2, lost=3, gained=3, neither=1)

    found = rows_beside([side], drop=0.5, most=2, asked={"gold": {"2": "where is it?"}})

    assert found.total == 3
    assert [(row.id, row.how, row.asked) for row in found.rows] == [
        ("2", "flipped", "where is it?"),
        ("3", "flipped", None),
    ]
    first = found.rows[0]
    assert (first.reference, first.old, first.candidate) == ("yes", "yes", "no")


def test_where_no_metric_counts_the_rows_with_another_answer_are_listed():
    side = side_by_side(both=2, lost=1, gained=2, metrics=[])

    found = rows_beside([side], drop=0.5, most=9)

    assert [(row.id, row.how) for row in found.rows] == [
        ("2", "changed"),
        ("3", "changed"),
        ("4", "changed"),
    ]


def test_of_sensitive_rows_there_are_ids_and_digests_alone():
    side = side_by_side(both=0, lost=1)
    old, new = side.old[0], side.candidate[0]

    [row] = rows_beside(
        [side], drop=0.5, most=9, sensitive=frozenset({"gold"}), asked={"gold": {"0": "a secret"}}
    ).rows

    assert (row.asked, row.reference, row.old, row.candidate, row.slice) == (None,) * 5
    assert row.id == "0"
    assert row.old_sha256 == hashlib.sha256(compact(old)).hexdigest()
    assert row.candidate_sha256 == hashlib.sha256(compact(new)).hexdigest()


def test_rows_are_paired_by_id_whatever_their_order():
    side = side_by_side(both=2, lost=1)
    turned = SideBySide(
        set="gold", metrics=["accuracy"], old=side.old, candidate=side.candidate[::-1]
    )

    assert rows_beside([turned], drop=0.5, most=9) == rows_beside([side], drop=0.5, most=9)
