"""``audit --since``: the first night is red, the second only if something is new or worse."""

import json
from pathlib import Path

import pytest

from support import formats
from support.commands import Commands
from support.goldens import assert_golden
from support.registries import SmallRegistry, in_days

FRIDAY, SATURDAY = ("--offline", "--as-of", "2026-11-20"), ("--offline", "--as-of", "2026-11-21")


@pytest.fixture
def made(tmp_path) -> SmallRegistry:
    registry = SmallRegistry(tmp_path / "project")
    for name in ("minilm-l6", "minilm-l12"):
        registry.base(name)
    registry.adapter("late")
    registry.adapter("calm", base="minilm-l12")
    registry.date("minilm-l6", in_days(43))
    registry.date("minilm-l12", in_days(100))
    return registry


@pytest.fixture
def commands(made, capsys) -> Commands:
    return Commands(made.root, capsys)


@pytest.fixture
def friday(commands, tmp_path) -> Path:
    """The answer of the first night, which was red."""
    said = commands("audit", *FRIDAY, "--format", "json")
    assert said.status == 1
    path = tmp_path / "friday.json"
    path.write_text(said.out)
    return path


def test_the_second_night_is_not_red_for_what_the_first_one_found(commands, friday):
    said = commands("audit", *SATURDAY, "--since", str(friday))
    assert said.status == 0
    assert "Since 2026-11-20: 0 new, 0 worse, 2 unchanged, 0 gone." in said.out
    assert commands("audit", *SATURDAY).status == 1


def test_what_is_new_worse_and_gone_is_shown_and_judged(made, commands, friday):
    made.date("minilm-l12", in_days(20))
    made.date("minilm-l6", None, key="test:1", seen_on="2026-11-21")
    made.adapter("fresh", base="minilm-l12")
    said = commands("audit", *SATURDAY, "--since", str(friday))
    assert said.status == 1
    lines = said.out.splitlines()
    titles = next(line for line in lines if line.startswith("SLACK"))
    assert titles.split()[-1] == "SINCE"
    ends = {line.split()[5]: line.split()[-1] for line in lines if line.split()[4:5] == ["EOL002"]}
    assert ends == {"calm@1": "worse", "fresh@1": "new"}
    assert "  EOL002 adapter:calm@1 (support-ml, platform-ml), worse" in lines
    assert lines[lines.index("Gone") + 1] == "  EOL002 adapter:late@1"
    assert max(map(len, lines[: lines.index("What to do")])) <= 80
    assert_golden("audit_since.txt", said.out)


def test_each_format_says_what_became_of_each_finding(made, commands, friday):
    made.date("minilm-l12", in_days(20))
    made.adapter("fresh", base="minilm-l12")
    since = (*SATURDAY, "--since", str(friday))
    wanted = {"calm@1": "worse", "fresh@1": "new", "late@1": "unchanged"}

    answer = commands("audit", *since, "--format", "json").json
    endings = [one for one in answer["results"] if one["code"] == "EOL002"]
    assert {one["subject"].partition(":")[2]: one["since"] for one in endings} == wanted
    assert answer["since"] == {"as_of": "2026-11-20", "gone": [], "unjudged": []}

    rows = formats.markdown_rows(commands("audit", *since, "--format", "markdown").out)
    marks = {row[3].split()[1]: row[6] for row in rows if row[3].startswith("EOL002")}
    assert marks == {**wanted, "late@1": "-"}

    run = formats.sarif_run(commands("audit", *since, "--format", "sarif").out)
    states = {
        one["locations"][0]["logicalLocations"][0]["fullyQualifiedName"]: one["baselineState"]
        for one in run["results"]
        if one["ruleId"] == "EOL002"
    }
    assert states == {
        "adapter:calm@1": "updated", "adapter:fresh@1": "new", "adapter:late@1": "unchanged",
    }  # fmt: skip

    cases = formats.junit_cases(commands("audit", *since, "--format", "junit").out)
    failed = {name for name, case in cases.items() if case.is_failure}
    assert failed == {"adapter:calm@1", "adapter:fresh@1"}

    text = commands("audit", *since, "--format", "prometheus").out
    assert formats.samples(text, "adapterctl_audit_against") == [({}, 2.0)]


def test_sarif_marks_what_is_gone_as_absent(made, commands, friday):
    made.date("minilm-l6", None, key="test:1", seen_on="2026-11-21")
    run = formats.sarif_run(
        commands("audit", *SATURDAY, "--since", str(friday), "--format", "sarif").out
    )
    (absent,) = [one for one in run["results"] if one["baselineState"] == "absent"]
    assert absent["ruleId"] == "EOL002"
    uri = absent["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "registry/adapters/late/recipe.yaml"


def test_an_answer_with_marks_serves_the_next_night_as_well(commands, friday, tmp_path):
    saturday = tmp_path / "saturday.json"
    since = ("--since", str(friday), "--format", "json")
    saturday.write_text(commands("audit", *SATURDAY, *since).out)
    assert "since" in json.loads(saturday.read_text())
    sunday = ("--offline", "--as-of", "2026-11-22")
    assert commands("audit", *sunday, "--since", str(saturday)).status == 0


def test_a_dark_night_makes_nothing_new(made, commands, friday, tmp_path):
    record = made.door.record_path("late", 1)
    whole = record.read_bytes()
    made.broken_record("late", 1)
    said = commands("audit", *SATURDAY, "--since", str(friday), "--format", "json")
    assert [one["subject"] for one in said.json["since"]["unjudged"]] == ["adapter:late@1"]
    saturday = tmp_path / "saturday.json"
    saturday.write_text(said.out)
    record.write_bytes(whole)
    sunday = commands("audit", "--offline", "--as-of", "2026-11-22", "--since", str(saturday))
    assert "Since 2026-11-21: 0 new, 0 worse, 2 unchanged, 0 gone." in sunday.out
    assert sunday.status == 0


def test_the_answer_without_since_has_the_keys_of_the_contract_only(commands):
    answer = commands("audit", *FRIDAY, "--format", "json").json
    assert list(answer) == ["schema_version", "command", "as_of", "results", "skipped"]
    assert all("since" not in one for one in answer["results"])


def test_a_waiver_that_ended_counts_again(made, commands, tmp_path):
    made.waive("EOL002", "adapter:late", until="2026-11-20")
    friday = tmp_path / "friday.json"
    friday.write_text(commands("audit", *FRIDAY, "--format", "json").out)
    assert commands("audit", *FRIDAY, "--since", str(friday)).status == 0
    said = commands("audit", *SATURDAY, "--since", str(friday))
    assert (said.status, said.out.count(", worse")) == (1, 1)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no earlier answer\n  hint: the first run has none: leave --since out"),
        ("no json", "not an answer: "),
        ('{"schema_version": 1, "command": "list"}', "not an answer: "),
    ],
)
def test_an_earlier_answer_that_is_none_exits_3_and_prints_nothing(
    commands, tmp_path, content, said
):
    path = tmp_path / "answer.json"
    if content is not None:
        path.write_text(content)
    answer = commands("audit", *SATURDAY, "--since", str(path))
    assert (answer.status, answer.out) == (3, "")
    assert answer.err.startswith(f"error: {path}: {said}")
