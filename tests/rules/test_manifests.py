import pytest

from adapterctl.errors import InvalidInput
from adapterctl.rules.adoption.manifests import Entry, entries


def test_every_column_but_the_path_may_be_left_empty_or_out():
    rows = [{"path": " a ", "team": ""}, {"path": "b", "team": "support-ml"}]
    assert entries(rows, place="all.csv") == [Entry(path="a"), Entry(path="b", team="support-ml")]


def test_everything_that_is_wrong_is_said_at_once():
    rows = [{"path": "a", "tema": "x", "colour": "red"}, {"path": " ", "tema": "", "colour": ""}]
    with pytest.raises(InvalidInput) as raised:
        entries(rows, place="all.csv")
    assert str(raised.value) == (
        "all.csv: unknown column 'tema'\n  hint: did you mean 'team'?\n"
        "all.csv: unknown column 'colour'\n"
        "  hint: columns: path, name, team, base, data, recipe\n"
        "all.csv: row 2: no path\n  hint: name a PEFT folder"
    )


def test_a_manifest_without_paths_is_refused():
    with pytest.raises(InvalidInput, match="no column 'path'"):
        entries([{"name": "router"}], place="all.csv")
