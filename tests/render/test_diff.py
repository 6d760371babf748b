"""The text of a difference: short where the record is long."""

from __future__ import annotations

import pytest

from adapterctl.render.diff import as_text
from adapterctl.rules.version_diff import ROOMS, Difference, VersionDiff

LAYERS = [f"layers.{n}.query" for n in range(40)]


def line(before: object, after: object) -> str:
    """The line of one difference in the recipe."""
    rooms: dict[str, list[Difference]] = {room: [] for room in ROOMS}
    rooms["recipe"] = [Difference(path="x", before=before, after=after)]
    text = as_text(VersionDiff(before="a@1", after="a@2", rooms=rooms, metrics=[]))
    return " ".join(text.partition("Recipe\n")[2].partition("\n\n")[0].split())


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (None, 7, "x none -> 7"),
        (True, False, "x yes -> no"),
        (1000, 20000, "x 1,000 -> 20,000"),
        (0.0005, 5e-05, "x 0.0005 -> 5e-05"),
        (0.13734401700639864, 0.19423616099447827, "x 0.137344 -> 0.194236"),
        (0.1000000001, 0.1000000002, "x 0.1000000001 -> 0.1000000002"),
        ([], ["q", "v"], "x none -> q, v"),
        (["q", "v"], ["v"], "x q, v -> v"),
        ("fp1:" + 64 * "a", "fp1:" + 64 * "b", "x fp1:aaaaaaaaaaaa... -> fp1:bbbbbbbbbbbb..."),
        (40 * "a", "not a digest", "x aaaaaaaaaaaa... -> not a digest"),
        ([{"region": "eu"}], [], 'x [{"region":"eu"}] -> none'),
    ],
)
def test_values_are_written_as_people_read_them(before, after, shown):
    assert line(before, after) == shown


def test_of_a_long_list_only_what_is_gone_and_new_is_named():
    assert line(LAYERS, [*LAYERS[2:], "head"]) == (
        "x 40 -> 39; gone: layers.0.query, layers.1.query; new: head"
    )
    assert line(LAYERS, ["head"]).endswith("layers.2.query and 37 more; new: head")
    assert line(LAYERS, LAYERS[::-1]) == "x 40 -> 40; in another order"
