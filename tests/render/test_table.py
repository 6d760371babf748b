import json
from datetime import date

import pytest

from adapterctl.render.answer import envelope
from adapterctl.render.table import fitting, paint, pairs, slack, table, wrapped


def test_a_table_gives_each_column_what_it_needs():
    assert table(["NAME", "SLACK"], [["router", "-17 d"], ["x", "5 d"]], right=["SLACK"]) == [
        "NAME    SLACK",
        "router  -17 d",
        "x         5 d",
    ]


def test_a_table_never_exceeds_80_columns_and_says_where_it_cut():
    lines = table(["A", "B", "C"], [["a" * 70, "b" * 60, "c" * 10]])
    assert max(map(len, lines)) == 80
    assert lines[1].count("…") == 2
    assert lines[1].endswith("c" * 10)


def test_wrapped_lines_break_at_spaces_only():
    name = "registry/adapters/" + "x" * 80
    assert wrapped(f"see {name} there", indent="  ") == ["  see", f"  {name}", "  there"]


def test_a_value_too_long_for_its_line_stands_on_its_own():
    assert pairs([("key", "v" * 75), ("other", "short"), ("empty", "")]) == [
        "  key",
        "    " + "v" * 75,
        "  other  short",
    ]


def test_a_list_shows_what_fits_and_how_many_more():
    assert fitting("Has to move: ", ["a", "b"], end=".") == "Has to move: a, b."
    many = fitting("Has to move: ", [f"team-{n} 1" for n in range(40)], end=".")
    assert len(many) <= 80
    assert many.endswith("and 35 more.")


@pytest.mark.parametrize(("days", "text"), [(-17, "-17 d"), (43, "43 d"), (0, "0 d"), (None, "-")])
def test_slack_is_written_in_days(days, text):
    assert slack(days) == text


def test_colours_are_only_there_when_asked_for():
    assert paint("late", "high", colour=False) == "late"
    assert paint("late", "high", colour=True) == "\x1b[31mlate\x1b[0m"


def test_the_envelope_has_the_keys_of_the_contract_in_their_order():
    text = envelope("list", as_of=date(2026, 11, 23), results=[{"b": 1, "a": 2}])
    assert list(json.loads(text)) == ["schema_version", "command", "as_of", "results", "skipped"]
    assert json.loads(text)["as_of"] == "2026-11-23"
    assert text.index('"b"') < text.index('"a"')
