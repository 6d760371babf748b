from support.commands import Commands
from support.goldens import assert_golden
from support.registries import SmallRegistry

TODAY = ("--as-of", "2026-11-23")


def test_the_text_is_what_a_person_reads(story):
    said = story("list", *TODAY)
    assert (said.status, said.err) == (0, "")
    assert_golden("list.txt", said.out)


def test_the_json_has_the_keys_of_the_contract(story):
    said = story("list", *TODAY, "--format", "json")
    assert_golden("list.json", said.out)
    assert [list(line) for line in said.json["results"][:1]] == [
        ["adapter", "version", "owners", "base", "task", "grade", "rebuild_by", "slack_days",
         "aliases", "rebuilt_from"],
    ]  # fmt: skip


def test_base_cuts_the_list(story):
    results = story("list", "--base", "minilm-l12", "--format", "json").json["results"]
    assert [(one["adapter"], one["version"], one["rebuilt_from"]) for one in results] == [
        ("support-router", 2, 1)
    ]


def test_a_misspelt_base_is_an_error(story):
    said = story("list", "--base", "minilm")
    assert said.status == 3
    assert said.err.startswith("error: no adapter has the base 'minilm'\n  hint: known: ")


def test_an_empty_project_says_so(tmp_path, capsys):
    SmallRegistry(tmp_path)
    said = Commands(tmp_path, capsys)("list")
    assert (said.status, said.out) == (0, "No adapter is registered here.\n")


def test_a_recipe_without_a_version_is_named_with_what_to_run(tmp_path, capsys):
    SmallRegistry(tmp_path).recipe("draft")
    said = Commands(tmp_path, capsys)("list")
    assert "adapter:draft: not registered" in said.out
    assert "adapterctl register registry/adapters/draft/recipe.yaml" in said.out
