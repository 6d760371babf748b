from support.commands import Commands
from support.goldens import assert_golden
from support.registries import SmallRegistry, a_recipe


def test_registrations_and_events_stand_in_order_of_time(story):
    said = story("history", "support-router")
    assert (said.status, said.err) == (0, "")
    assert_golden("history.txt", said.out)


def test_the_json_has_one_result_per_happening(story):
    results = story("history", "support-router", "--format", "json").json["results"]
    assert [(one["what"], one["version"]) for one in results] == [
        ("registered", 1),
        ("promoted", 1),
        ("reproduced", 1),
        ("registered", 2),
        ("candidate", 2),
    ]
    assert results[3]["details"] == {
        "base": "minilm-l12",
        "rebuilt_from": 1,
        "rung": "carried",
        "verdict": "PASS",
    }


def test_the_reason_that_was_given_is_told(story):
    assert "    nobody asks any more\n" in story("history", "old-timer").out


def test_events_of_one_second_keep_the_order_of_the_ledger(tmp_path, capsys):
    made = SmallRegistry(tmp_path)
    made.base("minilm-l6")
    record = made.adapter("support-router")
    made.event("support-router", "rolled_back", record.version, at="2026-06-02T09:00:00Z")
    results = Commands(tmp_path, capsys)("history", "support-router", "--format", "json").json
    names = [one["what"] for one in results["results"]]
    assert names == ["registered", "promoted", "rolled_back", "reproduced"]


def test_a_broken_record_is_skipped_and_the_rest_is_told(tmp_path, capsys):
    made = SmallRegistry(tmp_path)
    made.adapter("support-router")
    made.version(a_recipe("support-router"))
    made.broken_record("support-router", 2)
    said = Commands(tmp_path, capsys)("history", "support-router")
    assert said.status == 0
    assert "promoted" in said.out
    assert "adapter:support-router@2: registry/adapters/support-router/2.json: " in said.out


def test_an_adapter_that_was_never_registered_has_no_history_yet(story):
    said = story("history", "draft")
    assert (said.status, said.out) == (0, "Nothing happened yet: it has a recipe and no version.\n")


def test_an_unknown_adapter_is_an_error(story):
    said = story("history", "nobody")
    assert said.status == 3
    assert said.err.startswith("error: registry/adapters/nobody: no adapter 'nobody'\n")
