"""The report's folder: whole or not at all, the same bytes for the same question."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapterctl.errors import AdapterctlError, InvalidInput
from adapterctl.stores.folders import replace_folder
from support.commands import Commands, modules_after
from support.landscapes import a_landscape
from support.registries import SmallRegistry

AS_OF = ("report", "--offline", "--as-of", "2026-11-23", "--out")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("landscape")
    a_landscape(folder)
    return folder


@pytest.fixture
def report(root: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(root, capsys)


def content(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_the_same_question_gives_the_same_bytes(report: Commands, tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert report(*AS_OF, str(tmp_path / name)).status == 0
    assert content(tmp_path / "one") == content(tmp_path / "two")
    assert len(content(tmp_path / "one")) == 13 + 3


def test_the_answer_says_where_it_is_and_progress_is_talk(report: Commands, tmp_path: Path) -> None:
    said = report(*AS_OF, str(tmp_path / "out"))
    assert (said.status, said.err) == (0, "pages: 12 of 12\n")
    assert said.out == f"{tmp_path}/out/index.html\n  13 pages: 12 adapters, 18 findings\n"


def test_the_json_has_the_keys_of_the_contract(report: Commands, tmp_path: Path) -> None:
    answer = report(*AS_OF, str(tmp_path / "out"), "--format", "json").json
    assert (answer["schema_version"], answer["command"], answer["as_of"]) == (
        1,
        "report",
        "2026-11-23",
    )
    found = {"out": f"{tmp_path}/out", "pages": 13, "adapters": 12, "findings": 18}
    assert answer["results"] == [found]


def test_an_older_report_is_replaced_whole(report: Commands, tmp_path: Path) -> None:
    out = tmp_path / "out"
    report(*AS_OF, str(out))
    assert (out / "adapters" / "spam-filter.html").is_file()
    assert report(*AS_OF, str(out), "--owner", "legal-ai").status == 0
    assert sorted(path.stem for path in (out / "adapters").iterdir()) == [
        "claims-triage",
        "contract-clauses",
        "privacy-redactor",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert "; only owner legal-ai</p>" in (out / "index.html").read_text(encoding="utf-8")


def test_an_empty_folder_and_missing_parents_are_fine(report: Commands, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert report(*AS_OF, str(tmp_path / "empty")).status == 0
    assert report(*AS_OF, str(tmp_path / "a" / "b")).status == 0


def test_a_link_to_a_folder_stays_one(report: Commands, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "latest").symlink_to("real")
    assert report(*AS_OF, str(tmp_path / "latest")).status == 0
    assert (tmp_path / "latest").is_symlink()
    assert (tmp_path / "real" / "index.html").is_file()


def test_a_folder_that_is_no_report_is_refused(report: Commands, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    said = report(*AS_OF, str(tmp_path))
    assert (said.status, said.out) == (3, "")
    assert said.err == (
        f"error: {tmp_path}: not empty, and no report: it is not replaced\n"
        "  hint: name another folder, or move what is in it elsewhere\n"
    )
    assert content(tmp_path) == {"thesis.tex": b"years of work"}


def test_a_report_that_somebody_keeps_other_things_in_is_refused(
    report: Commands, tmp_path: Path
) -> None:
    report(*AS_OF, str(tmp_path / "out"))
    (tmp_path / "out" / ".git").mkdir()
    said = report(*AS_OF, str(tmp_path / "out"))
    assert said.status == 3
    assert "out: holds '.git', which no report has: it is not replaced\n" in said.err


def test_a_file_is_refused(report: Commands, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    said = report(*AS_OF, str(tmp_path / "out"))
    assert said.status == 3
    assert said.err.endswith("out: a file, not a folder\n  hint: name a folder\n")


def test_a_report_that_fails_half_way_leaves_the_old_one(tmp_path: Path) -> None:
    replace_folder(tmp_path / "out", [("index.html", "old")])

    def half() -> object:
        yield "index.html", "new"
        raise AdapterctlError("interrupted")

    with pytest.raises(AdapterctlError, match="interrupted"):
        replace_folder(tmp_path / "out", half())
    assert content(tmp_path) == {"out/index.html": b"old"}


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AdapterctlError, match="cannot write: "):
        replace_folder(tmp_path / "file" / "out", [])


def test_a_misspelt_owner_writes_nothing(report: Commands, tmp_path: Path) -> None:
    said = report(*AS_OF, str(tmp_path / "out"), "--owner", "legal")
    assert said.status == 3
    assert said.err.startswith("error: no adapter has the owner 'legal'\n  hint: known: ")
    assert not [*tmp_path.iterdir()]


def test_all_shows_every_version(report: Commands, tmp_path: Path) -> None:
    report(*AS_OF, str(tmp_path / "out"), "--all")
    index = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert [f"support-router@{number}</a>" in index for number in (1, 2, 3, 4)] == [True] * 4


def test_only_offline_leaves_the_world_unasked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = Commands(SmallRegistry(tmp_path / "project").root, capsys)
    for name, words in (("asked", ()), ("unasked", ("--offline",))):
        assert commands("report", *words, "--out", str(tmp_path / name)).status == 0
    asked, unasked = (
        (tmp_path / name / "index.html").read_text(encoding="utf-8")
        for name in ("asked", "unasked")
    )
    assert "Not asked (--offline)" in unasked
    assert "Not asked" not in asked


def test_an_empty_project_has_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    SmallRegistry(tmp_path)
    assert Commands(tmp_path, capsys)(*AS_OF, str(tmp_path / "out")).status == 0
    text = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "No adapter is registered here." in text


def test_nothing_heavy_is_imported(root: Path, tmp_path: Path) -> None:
    imported = modules_after(root, *AS_OF, str(tmp_path / "out"))
    assert "jinja2" in imported
    assert not imported & {"torch", "mlflow", "dvc", "numpy", "pandas", "transformers", "peft"}


def test_a_stranger_cannot_be_known_by_its_marker_alone(tmp_path: Path) -> None:
    from adapterctl.stores.folders import must_be_replaceable

    (tmp_path / "notes").write_text("")
    with pytest.raises(InvalidInput, match="not empty, and no report"):
        must_be_replaceable(tmp_path, marker="report.json", known=["notes"])
