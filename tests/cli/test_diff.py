from support.goldens import assert_golden

PAIR = ("diff", "support-router@champion", "support-router@candidate")


def test_the_text_says_what_changed_by_room(story):
    said = story(*PAIR)
    assert (said.status, said.err) == (0, "")
    assert_golden("diff.txt", said.out)


def test_the_text_fits_80_columns(story):
    lines = [line for line in story(*PAIR).out.splitlines() if len(line) > 80]
    assert lines == []


def test_the_json_has_every_room_with_path_before_and_after(story):
    answer = story(*PAIR, "--format", "json").json
    [result] = answer["results"]
    assert list(result) == [
        "before", "after", "base", "data", "code", "recipe", "environment", "results",
    ]  # fmt: skip
    assert (result["before"], result["after"]) == ("support-router@1", "support-router@2")
    assert result["base"][0] == {"path": "base", "before": "minilm-l6", "after": "minilm-l12"}
    assert result["recipe"] == result["environment"] == []


def test_two_adapters_can_be_compared(story):
    said = story("diff", "support-router", "faq-short", "--format", "json")
    [result] = said.json["results"]
    assert said.status == 0
    assert {"path": "task", "before": "SEQ_CLS", "after": "CAUSAL_LM"} in result["recipe"]


def test_a_version_against_itself_is_the_same_and_exits_0(story):
    said = story("diff", "support-router@1", "support-router@1")
    assert said.status == 0
    assert said.out == (
        "support-router@1 -> support-router@1\n\n"
        "The same: base, data, code, recipe, environment, results.\n"
    )


def test_an_unknown_version_exits_3(story):
    said = story("diff", "support-router@1", "support-router@9")
    assert (said.status, said.out) == (3, "")
    assert "has no version or alias '9'" in said.err
