"""``audit --notify``: each team is told what is new, once, and a failure is said aloud."""

import json

import pytest

from adapterctl.records.recipe import Owners
from support.commands import Commands, modules_after
from support.hooks import Hook, hook
from support.registries import SmallRegistry, in_days

FRIDAY, SATURDAY = ("--offline", "--as-of", "2026-11-20"), ("--offline", "--as-of", "2026-11-21")


@pytest.fixture(scope="module")
def served():
    with hook() as there:
        yield there


@pytest.fixture
def there(served: Hook) -> Hook:
    served.told.clear()
    served.refuses.clear()
    return served


@pytest.fixture
def made(tmp_path) -> SmallRegistry:
    registry = SmallRegistry(tmp_path / "project")
    registry.base("minilm-l6")
    registry.date("minilm-l6", in_days(43))
    registry.adapter("router", owners=Owners(team="support-ml", backup="platform-ml"))
    registry.adapter("reader", owners=Owners(team="billing", backup="finance"))
    return registry


@pytest.fixture
def commands(made, capsys) -> Commands:
    return Commands(made.root, capsys)


def teams(made: SmallRegistry, **notify: str) -> None:
    told = {name: {"members": [{"name": "A"}], "notify": [url]} for name, url in notify.items()}
    (made.door.folder / "people.yaml").write_text(
        json.dumps({"teams": {name.replace("_", "-"): team for name, team in told.items()}})
    )


def paths(there: Hook) -> list[tuple[str, str]]:
    found = [(path, title) for path, title, _ in there.told]
    there.told.clear()
    return found


def test_the_first_message_says_all_and_the_next_only_what_is_new(made, commands, there):
    notify = ("--notify", there.url("all"))
    assert commands("audit", *FRIDAY, *notify).status == 1
    ((path, title, body),) = there.told
    assert (path, title) == ("all", "adapterctl audit: 2 new")
    assert body.splitlines()[:3] == [
        "EOL002 high adapter:reader@1 (billing, finance), new",
        "    weights of minilm-l6: shutdown on 2027-01-05, in 46 d; a move takes 60 d and had to "
        "begin by 2026-11-06; source https://example.org/deprecations; affects helpdesk",
        "    > adapterctl plan reader --to SUCCESSOR",
    ]
    there.told.clear()
    assert commands("audit", *SATURDAY, *notify).status == 1
    assert there.told == []
    made.adapter("fresh")
    commands("audit", *SATURDAY, *notify)
    assert paths(there) == [("all", "adapterctl audit: 1 new")]


def test_each_team_is_told_its_own_and_the_rest_goes_to_the_url(made, commands, there, monkeypatch):
    monkeypatch.setenv("SUPPORT_HOOK", there.url("support"))
    teams(made, support_ml="env:SUPPORT_HOOK")
    commands("audit", *FRIDAY, "--notify", there.url("rest"))
    assert paths(there) == [
        ("support", "adapterctl audit: 1 new for support-ml"),
        ("rest", "adapterctl audit: 1 new"),
    ]


def test_what_got_worse_is_told_again_and_what_is_accepted_is_not(made, commands, there):
    notify = ("--notify", there.url("all"))
    made.waive("EOL002", "adapter:reader", until="2026-12-31")
    commands("audit", *FRIDAY, *notify)
    assert paths(there) == [("all", "adapterctl audit: 1 new")]
    made.date("minilm-l6", in_days(10))
    commands("audit", *SATURDAY, *notify)
    assert paths(there) == [("all", "adapterctl audit: 1 worse")]


def test_since_is_what_was_told_when_it_is_given_and_then_no_state_is_kept(
    made, commands, there, tmp_path
):
    friday = tmp_path / "friday.json"
    friday.write_text(commands("audit", *FRIDAY, "--format", "json").out)
    made.adapter("fresh")
    notify = ("--since", str(friday), "--notify", there.url("all"))
    assert commands("audit", *SATURDAY, *notify).status == 1
    assert paths(there) == [("all", "adapterctl audit: 1 new")]
    assert not (made.root / ".adapterctl").exists()


def test_a_cut_audit_forgets_nothing_of_what_others_were_told(commands, there):
    notify = ("--notify", there.url("all"))
    commands("audit", *FRIDAY, *notify)
    there.told.clear()
    commands("audit", *SATURDAY, "--owner", "billing", *notify)
    commands("audit", *SATURDAY, *notify)
    assert there.told == []


def test_a_place_that_refuses_is_named_the_answer_stands_and_it_is_told_the_next_time(
    made, commands, there
):
    teams(made, support_ml=there.url("support", userinfo="bot:s3cr3t@"))
    there.refuses["support"] = 500
    notify = ("--notify", there.url("rest"))
    said = commands("audit", *FRIDAY, *notify, "--format", "json")
    assert (said.status, len(said.json["results"])) == (3, 2)
    assert said.err == (
        "error: registry/people.yaml: teams.support-ml.notify[0]: the message was not delivered: "
        "answered with HTTP 500\n"
        "  hint: try the address with apprise's own command; nothing is marked as told\n"
    )
    assert paths(there) == [("rest", "adapterctl audit: 1 new")]
    there.refuses.clear()
    assert commands("audit", *SATURDAY, *notify).status == 1
    assert paths(there) == [("support", "adapterctl audit: 1 new for support-ml")]


def test_a_broken_memory_is_named_with_its_mend_and_nobody_is_told(made, commands, there):
    memory = made.root / ".adapterctl" / "notified.json"
    memory.parent.mkdir()
    memory.write_text("{")
    said = commands("audit", *FRIDAY, "--notify", there.url("all"))
    assert (said.status, there.told) == (3, []) and said.out
    assert said.err == (
        f"error: {memory}: not an answer: Input data was truncated\n"
        "  hint: remove it, and everything is told anew\n"
    )


def test_every_place_that_fails_is_named(made, commands, there, monkeypatch):
    monkeypatch.delenv("NOWHERE", raising=False)
    teams(made, support_ml="env:NOWHERE")
    said = commands("audit", *FRIDAY, "--notify", "no address")
    assert said.status == 3 and said.out
    assert [line for line in said.err.splitlines() if line.startswith("error")] == [
        "error: registry/people.yaml: teams.support-ml.notify[0]: the environment has no variable "
        "NOWHERE",
        "error: --notify: not a URL that apprise knows",
    ]


def test_a_clean_audit_tells_nobody_and_loads_nothing_to_tell_with(tmp_path, there):
    made = SmallRegistry(tmp_path)
    made.base("minilm-l6")
    made.date("minilm-l6", in_days(2000), kind="not_before")
    url = there.url("all")
    assert "apprise" not in modules_after(tmp_path, "audit", *FRIDAY, "--notify", url)
    assert there.told == []


def test_a_message_fits_into_every_chat_and_says_how_many_it_leaves_out(made, commands, there):
    for number in range(40):
        made.adapter(f"adapter-{number}")
    commands("audit", *FRIDAY, "--notify", there.url("all"))
    ((_, title, body),) = there.told
    assert len(title) + len(body) < 2_000
    shown = body.count("EOL002")
    assert title == "adapterctl audit: 42 new"
    assert body.endswith(f"and {42 - shown} more: adapterctl audit") and shown > 3
