from __future__ import annotations

import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from adapterctl.errors import AdapterctlError, InvalidInput, MissingExtra
from adapterctl.stores.rows import read_rows, write_rows


def refusal(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(InvalidInput) as caught:
        read_rows(path, place=path.name)
    return str(caught.value)


def test_jsonl_rows_come_back_in_order_and_blank_lines_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes('{"text": "naïve\\u2028 \u2028x", "label": 1}\r\n\n{"text": null}'.encode())
    assert read_rows(path, place="a") == [
        {"text": "naïve\u2028 \u2028x", "label": 1},
        {"text": None},
    ]


def test_rows_written_come_back_and_equal_rows_have_equal_bytes(tmp_path: Path) -> None:
    one, two = tmp_path / "deep" / "one.jsonl", tmp_path / "two.jsonl"
    write_rows(one, [{"b": "é", "a": 1}, {"a": [1.5, None]}])
    write_rows(two, [{"a": 1, "b": "é"}, {"a": [1.5, None]}])
    assert one.read_bytes() == two.read_bytes() == '{"a":1,"b":"é"}\n{"a":[1.5,null]}\n'.encode()
    assert read_rows(one, place="one") == [{"a": 1, "b": "é"}, {"a": [1.5, None]}]
    assert [p.name for p in one.parent.iterdir()] == ["one.jsonl"]


def test_every_broken_line_is_named_by_its_number(tmp_path: Path) -> None:
    content = b'{"a": 1}\n{"a": 1\n[1]\n{"a": NaN}\n"x"\n{"a": 2} {"a": 3}\n7\n'
    assert refusal(tmp_path / "a.jsonl", content) == (
        "a.jsonl:2: not JSON: Input data was truncated\n"
        "  hint: mend the line\n"
        "a.jsonl:3: not an object but a list\n"
        "  hint: one JSON object per line\n"
        "a.jsonl:4: not JSON: invalid character (byte 6)\n"
        "  hint: mend the line\n"
        "a.jsonl:5: not an object but text\n"
        "  hint: one JSON object per line\n"
        "a.jsonl:6: not JSON: trailing characters (byte 10)\n"
        "  hint: mend the line\n"
        "a.jsonl:7: not an object but a number\n"
        "  hint: one JSON object per line"
    )


def test_of_many_broken_lines_twenty_are_named_and_the_rest_counted(tmp_path: Path) -> None:
    message = refusal(tmp_path / "a.jsonl", b"{\n" * 1000)
    assert message.count("not JSON") == 20
    assert message.endswith("a.jsonl: and 980 more broken lines")


def test_a_line_nested_too_deeply_is_refused_not_a_crash(tmp_path: Path) -> None:
    assert "a.jsonl:1: not JSON: nested too deeply" in refusal(tmp_path / "a.jsonl", b"[" * 100_000)


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_another_encoding_is_named_by_line_and_byte(tmp_path: Path, name: str) -> None:
    assert refusal(tmp_path / name, '{"t": "a"}\n{"t": "é"}\n'.encode("latin-1")) == (
        f"{name}:2: not UTF-8: byte 0xe9 at offset 18\n"
        "  hint: save it as UTF-8, for latin-1: iconv -f latin1 -t utf-8 OLD > NEW"
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.jsonl", b""), ("b.jsonl", b"\n \n"), ("c.csv", b"a,b\n"), ("d.csv", b"")],
)
def test_a_file_without_rows_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    assert refusal(tmp_path / name, content) == (
        f"{name}: holds no rows\n  hint: a data set needs at least one row"
    )


def test_a_missing_file_is_refused_with_the_mend(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_rows(tmp_path / "gone.jsonl", place="data/gone.jsonl")
    assert str(caught.value) == (
        "data/gone.jsonl: no such file\n"
        "  hint: correct the path, or fetch it: dvc pull data/gone.jsonl"
    )


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "a.xlsx", b"x") == (
        "a.xlsx: not a known format: '.xlsx'\n"
        "  hint: use JSONL (.jsonl), CSV (.csv) or Parquet (.parquet)"
    )


def test_csv_keeps_quoted_newlines_commas_and_long_fields(tmp_path: Path) -> None:
    path, long = tmp_path / "a.csv", "x" * 200_000
    path.write_bytes(f'\ufefftext,label\r\n"a\nb, ""c""",1\r\n\r\n{long},2\r\n'.encode())
    assert read_rows(path, place="a") == [
        {"text": 'a\nb, "c"', "label": "1"},
        {"text": long, "label": "2"},
    ]


def test_tsv_is_split_at_tabs(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("a\tb\n1,5\t2\n")
    assert read_rows(path, place="a") == [{"a": "1,5", "b": "2"}]


def test_a_csv_row_of_another_width_is_named_by_its_last_line(tmp_path: Path) -> None:
    assert refusal(tmp_path / "a.csv", b'a,b\n1,2\n"x\ny",2,3\n1\n') == (
        "a.csv:4: 3 values under 2 columns\n"
        "  hint: quote commas in text\n"
        "a.csv:5: 1 values under 2 columns\n"
        "  hint: quote commas in text"
    )


def test_a_csv_with_an_open_quote_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "a.csv", b'a,b\n1,"2\n') == (
        'a.csv:2: not CSV: unexpected end of data\n  hint: write a quote as ""'
    )


def test_a_csv_column_named_twice_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "a.csv", b"a,a,b\n1,2,3\n") == (
        "a.csv:1: columns named twice: 'a'\n  hint: the first line names each column once"
    )


def test_a_folder_is_read_in_order_of_names_and_other_files_are_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    (folder / "sub").mkdir(parents=True)
    (folder / "b.csv").write_text("n\n2\n")
    (folder / "a.jsonl").write_text('{"n": 1}\n')
    (folder / "sub" / "c.jsonl").write_text('{"n": 3}\n')
    (folder / "README.md").write_text("not data")
    assert read_rows(folder, place="set") == [{"n": 1}, {"n": "2"}, {"n": 3}]


def test_a_broken_line_in_a_folder_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a.jsonl").write_text("{\n")
    with pytest.raises(InvalidInput, match=r"^data/set/a\.jsonl:1: not JSON"):
        read_rows(tmp_path / "set", place="data/set")


def test_parquet_rows_become_plain_json_values(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "a.parquet"
    rows = [{"text": "a", "on": date(2026, 1, 2), "cost": Decimal("1.50"), "tags": ["x"]}]
    parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    assert read_rows(path, place="a") == [
        {"text": "a", "on": "2026-01-02", "cost": "1.50", "tags": ["x"]}
    ]


def test_a_broken_parquet_file_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    assert refusal(tmp_path / "a.parquet", b"PAR1 but not really").startswith(
        "a.parquet: not Parquet: "
    )


def test_parquet_without_pyarrow_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    with pytest.raises(MissingExtra) as caught:
        read_rows(tmp_path / "a.parquet", place="data/a.parquet")
    assert str(caught.value) == (
        "reading the Parquet file data/a.parquet needs the extra 'train', which is not installed\n"
        "  hint: pip install 'adapterctl[train]'"
    )


def test_a_place_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AdapterctlError, match=r"a\.jsonl: cannot write: "):
        write_rows(tmp_path / "file" / "a.jsonl", [{"a": 1}])


def test_banking77_is_read_whole_quoted_newlines_and_all(corpus: Path) -> None:
    files = sorted((corpus / "datasets" / "banking77").rglob("*.csv"))
    counts = {file.stem: len(read_rows(file, place=file.name)) for file in files}
    assert counts["train"] == 10_003
    assert counts["test"] == 3_080
