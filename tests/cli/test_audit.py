import gc
import subprocess
import sys
import time
from pathlib import Path

import pytest

from adapterctl.cli.answering import uncollected
from support.commands import Commands, modules_after
from support.goldens import assert_golden
from support.registries import SmallRegistry, in_days

HEAVY = {"mlflow", "dvc", "torch", "transformers", "numpy", "peft", "pandas", "scipy"}
TODAY = ("--as-of", "2026-11-23", "--offline")


@pytest.fixture
def made(tmp_path: Path) -> SmallRegistry:
    registry = SmallRegistry(tmp_path)
    registry.base("minilm-l6")
    registry.adapter("support-router")
    registry.date("minilm-l6", in_days(2000), kind="not_before")
    return registry


@pytest.fixture
def clean(made: SmallRegistry, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(made.root, capsys)


def test_the_text_is_what_a_person_reads(story):
    said = story("audit", *TODAY)
    assert (said.status, said.err) == (1, "")
    assert_golden("audit.txt", said.out)


def test_the_json_is_what_a_script_reads(story):
    said = story("audit", *TODAY, "--format", "json")
    assert (said.status, said.err) == (1, "")
    assert_golden("audit.json", said.out)


def test_a_clean_audit_says_so_without_claiming_more(clean):
    said = clean("audit", *TODAY)
    assert said.status == 0
    assert_golden("audit_clean.txt", said.out)


def test_an_empty_registry_is_clean(tmp_path, capsys):
    SmallRegistry(tmp_path)
    said = Commands(tmp_path, capsys)("audit", *TODAY)
    assert said.status == 0
    assert "Judged on 2026-11-23: 0 versions of 0 adapters." in said.out


@pytest.mark.parametrize("by", ["owner", "base", "month"])
def test_the_text_can_be_grouped(story, by):
    assert_golden(f"audit_by_{by}.txt", story("audit", *TODAY, "--by", by).out)


@pytest.mark.parametrize("by", [(), ("--by", "owner"), ("--by", "base"), ("--by", "month")])
def test_text_fits_80_columns_except_for_commands_and_has_no_colours(tmp_path, capsys, by):
    made = SmallRegistry(tmp_path)
    long = "a-very-long-name-that-somebody-gave-to-an-adapter-because-names-are-free"
    made.base("minilm-l6")
    for number in range(12):
        made.adapter(f"{long}-{number}")
    made.date("minilm-l6", in_days(43), successor="Org/" + "b" * 70)
    out = Commands(tmp_path, capsys)("audit", *TODAY, *by).out
    words = [line for line in out.splitlines() if not line.lstrip().startswith((">", "EOL"))]
    assert [line for line in words if len(line) > 80] == []
    assert "\x1b" not in out


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ((), 1),
        (("--fail-on", "critical"), 1),
        (("--owner", "support-ml", "--fail-on", "critical"), 0),
        (("--owner", "support-ml"), 1),
        (("--base", "tiny-gpt2"), 0),
        (("--base", "tiny-gpt2", "--fail-on", "medium"), 1),
        (("--base", "tiny-gpt2", "--strict"), 1),
    ],
)
def test_the_exit_status_is_the_judgement(story, options, status):
    assert story("audit", *TODAY, *options).status == status


def test_offline_and_not_strict_a_clean_audit_exits_0_and_strict_does_not_mind(clean):
    assert clean("audit", *TODAY).status == 0
    assert clean("audit", *TODAY, "--strict").status == 0


def test_as_of_moves_today(made, clean):
    made.date("minilm-l6", "2027-01-05")
    early, late = "2026-06-01", "2026-11-23"
    assert clean("audit", "--offline", "--as-of", early, "--horizon", "30d").status == 0
    assert clean("audit", "--offline", "--as-of", late, "--horizon", "30d").status == 1
    assert clean("audit", "--offline", "--as-of", early, "--format", "json").json["as_of"] == early


def test_a_waiver_counts_until_its_last_day(made, clean):
    made.date("minilm-l6", "2027-01-05")
    made.waive("EOL002", "adapter:support-router", until="2026-11-23")
    assert clean("audit", "--offline", "--as-of", "2026-11-23").status == 0
    assert clean("audit", "--offline", "--as-of", "2026-11-24").status == 1


@pytest.mark.parametrize(
    "options",
    [
        ("--horizon", "soon"),
        ("--fail-on", "severe"),
        ("--as-of", "tomorrow"),
        ("--by", "colour"),
        ("--format", "xml"),
        ("surplus",),
    ],
)
def test_wrong_words_are_a_usage_error(clean, options):
    said = clean("audit", *options)
    assert (said.status, said.out) == (2, "")


def test_what_cannot_be_answered_exits_3_with_a_hint(clean):
    said = clean("audit", *TODAY, "--owner", "nobody")
    assert (said.status, said.out) == (3, "")
    assert said.err == (
        "error: no adapter has the owner 'nobody'\n  hint: known: platform-ml, support-ml\n"
    )


def test_outside_a_project_the_audit_says_how_to_get_into_one(tmp_path, capsys):
    said = Commands(tmp_path, capsys)("audit")
    assert said.status == 3
    assert "not an adapterctl project" in said.err


@pytest.mark.parametrize(
    "words",
    [
        ("--help",),
        ("audit", "--offline"),
        ("audit", "--help"),
        ("list",),
        ("show", "support-router"),
        ("history", "support-router"),
        ("lifecycle", "show", "minilm-l6"),
        ("lifecycle", "add", "minilm-l6", "--phase", "weights", "--shutdown", "2027-01-01",
         "--successor", "minilm-l6", "--source", "https://example.org"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_reading_commands_import_nothing_heavy(story_root, words):
    modules = modules_after(story_root, *words)
    assert {"adapterctl", "click"} <= modules
    assert modules & HEAVY == set()


def test_help_needs_neither_yaml_nor_schemas(tmp_path):
    assert modules_after(tmp_path, "--help") & {"ruamel", "jsonschema", "rich", "msgspec"} == set()


def test_help_starts_within_three_times_an_empty_click_program():
    empty = "import click; click.command()(lambda: None).main(['--help'], 'x')"
    ours = "from adapterctl.__main__ import main; import sys; sys.argv[1:] = ['--help']; main()"
    assert _seconds(ours) <= 3 * _seconds(empty)


def _seconds(code: str) -> float:
    """The best of several runs: what the program needs when the machine lets it."""
    return min(_once(code) for _ in range(5))


def _once(code: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    return time.perf_counter() - start


def test_cycles_are_not_searched_for_while_an_answer_is_made_and_are_again_after_it():
    searches = []

    @uncollected
    def command(status: int) -> int:
        searches.append(gc.isenabled())
        if status == 3:
            raise ValueError(status)
        return status

    assert command(1) == 1
    with pytest.raises(ValueError, match="3"):
        command(3)
    assert searches == [False, False]
    assert gc.isenabled()
