"""Who is in a team, by a directory that is asked: a command, or a URL."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from adapterctl.errors import InvalidInput
from adapterctl.records.policy import Directory
from support.worlds import Place, Web, only, serving, silent, skips, told

HERE = {"members": [{"name": "Bo", "mail": "bo@example.org"}]}
LEFT = {"members": [{"name": "Ana", "until": "2026-10-31"}]}
PATH = "/teams/support-ml"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path)
    made.serve()
    return made


def command(place: Place, **teams: Any) -> None:
    """Has the directory be a command that knows these teams, and no other."""
    script = place.root / "directory.py"
    known = json.dumps({name.replace("_", "-"): team for name, team in teams.items()})
    script.write_text(
        f"import json, sys\nprint(json.dumps(json.loads({known!r}).get(sys.argv[1])))\n"
    )
    place.policy(directory=Directory(command=f"{sys.executable} directory.py {{team}}"))


def people(place: Place, text: str) -> None:
    (place.root / "registry" / "people.yaml").write_text(text)


def test_teams_with_people_in_them_are_no_finding(place: Place) -> None:
    command(place, support_ml=HERE, platform_ml=HERE)
    answer = place.ask()
    assert (answer.findings, answer.skipped) == ([], [])
    assert answer.asked is not None and answer.asked[-1] == "the directory"


def test_a_team_that_everybody_has_left_is_found(place: Place) -> None:
    command(place, support_ml=LEFT, platform_ml=HERE)
    found = only(place.ask())
    assert (found.code, found.severity) == ("OWN002", "high")
    assert found.message == "team support-ml has nobody left since 2026-10-31"


def test_a_team_that_the_directory_does_not_know_is_found(place: Place) -> None:
    command(place, support_ml=HERE)
    found = only(place.ask())
    assert (found.code, found.severity) == ("OWN002", "high")
    assert found.message == "the directory knows no team platform-ml"


def test_the_file_speaks_for_teams_that_the_directory_does_not_know_and_for_no_other(
    place: Place,
) -> None:
    people(
        place,
        "teams:\n  platform-ml: {members: [{name: Cy}]}\n"
        "  support-ml: {members: [{name: Ana, until: 2026-10-31}]}\n",
    )
    assert told(place.ask()) == [("OWN002", "team support-ml has nobody left since 2026-10-31")]
    command(place, support_ml=HERE)
    assert told(place.ask()) == []


def test_a_directory_that_fails_leaves_the_file_and_says_so(place: Place) -> None:
    people(place, "teams: {support-ml: {members: [{name: Ana, until: 2026-10-31}]}}")
    script = place.root / "directory.py"
    script.write_text("import sys\nsys.exit('no: https://u:p4ss@ldap.invalid/x')\n")
    place.policy(directory=Directory(command=f"{sys.executable} directory.py {{team}}"))
    answer = place.ask()
    assert [found.code for found in answer.findings] == ["OWN002"]
    [(subject, reason)] = skips(answer).items()
    assert subject == "the directory"
    assert reason.endswith("exit status 1: no: https://ldap.invalid/x (2 of 2 teams)")


@pytest.mark.parametrize("said", ["[]", '{"members": [{"until": "2026-01-01"}]}', "", "{"])
def test_what_is_no_answer_is_skipped(place: Place, said: str) -> None:
    (place.root / "directory.py").write_text(f"print({said!r})\n")
    place.policy(directory=Directory(command=f"{sys.executable} directory.py {{team}}"))
    [reason] = skips(place.ask()).values()
    assert "not the answer of a directory" in reason


def test_a_command_that_never_ends_is_ended(place: Place) -> None:
    marker = place.root / "still-running"
    (place.root / "directory.py").write_text(
        f"import time, pathlib\ntime.sleep(2.5)\npathlib.Path({str(marker)!r}).touch()\n"
    )
    command_line = f"{sys.executable} directory.py {{team}}"
    place.allow(1, directory=Directory(command=command_line))
    start = time.monotonic()
    [reason] = skips(place.ask()).values()
    assert time.monotonic() - start < 2.4
    assert "no answer within 1 s" in reason
    time.sleep(max(0.0, 3.5 - (time.monotonic() - start)))
    assert not marker.exists()


# a URL


def test_a_url_answers_with_the_header_that_a_variable_holds(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIRECTORY_HEADER", "Authorization: Bearer s3cret")
    web = Web()
    web.json(PATH, LEFT)
    with serving(web) as url:
        place.policy(
            directory=Directory(url=f"{url}/teams/{{team}}", header="env:DIRECTORY_HEADER")
        )
        answer = place.ask()
        assert told(answer) == [
            ("OWN002", "team support-ml has nobody left since 2026-10-31"),
            ("OWN002", "the directory knows no team platform-ml"),
        ] or told(answer) == [
            ("OWN002", "the directory knows no team platform-ml"),
            ("OWN002", "team support-ml has nobody left since 2026-10-31"),
        ]
        assert {headers["Authorization"] for _, headers in web.asked} == {"Bearer s3cret"}
        web.pages[PATH] = (403, "text/plain", b"")
        reason = skips(place.ask())["the directory"]
    assert reason.endswith("403: Forbidden (1 of 2 teams)")
    assert "s3cret" not in reason


def test_a_variable_that_is_not_set_is_said_by_name(place: Place) -> None:
    place.policy(directory=Directory(url="http://127.0.0.1:9/{team}", header="env:NOT_SET_HERE"))
    reason = skips(place.ask())["the directory"]
    assert reason == "params.yaml: directory.header: the variable NOT_SET_HERE is not set"


def test_a_directory_that_is_away_or_never_answers_is_one_skip(place: Place) -> None:
    place.allow(1, directory=Directory(url="http://ana:s3cret@127.0.0.1:9/{team}"))
    answer = place.ask()
    assert answer.findings == []
    assert "it does not answer" in skips(answer)["the directory"]
    assert "s3cret" not in str(answer)
    with silent() as url:
        place.allow(1, directory=Directory(url=f"{url}/{{team}}"))
        start = time.monotonic()
        assert list(skips(place.ask())) == ["the directory"]
        assert time.monotonic() - start < 4


def test_a_directory_has_to_be_one_thing_and_to_name_the_team(place: Place) -> None:
    place.policy(directory=Directory(command="x {team}", url="http://x/{team}"))
    reason = skips(place.ask())["the directory"]
    assert reason == "params.yaml: directory: exactly one of command and url"
    (place.root / "params.yaml").write_text("directory: {command: who}\n")
    with pytest.raises(InvalidInput):
        place.project().policy  # noqa: B018
