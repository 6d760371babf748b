import pytest

from adapterctl.errors import InvalidInput, NotFound
from adapterctl.stores.answers import HINT, read_answer, write_answer

ANSWER = b'{"schema_version": 1, "command": "audit", "as_of": "2026-11-22", "results": [%s]}'
FINDING = b'{"code": "OWN001", "severity": "low", "subject": "adapter:a@1", "message": "m"}'


def test_an_answer_is_read_with_keys_that_a_later_release_added(tmp_path):
    path = tmp_path / "answer.json"
    path.write_bytes(ANSWER % FINDING.replace(b"}", b', "colour": "red"}'))
    (seen,) = read_answer(path).results
    assert (seen.code, seen.slack_days, seen.waived_until) == ("OWN001", None, None)


def test_what_was_written_is_read_back(tmp_path):
    path = tmp_path / "answer.json"
    path.write_bytes(ANSWER % FINDING)
    write_answer(tmp_path / "new" / "again.json", read_answer(path))
    assert read_answer(tmp_path / "new" / "again.json") == read_answer(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not an answer: Input data was truncated"),
        (b"{", "not an answer: Input data was truncated"),
        (b"[]", "not an answer: Expected `object`, got `array`"),
        (b"\xff\xfe", "not an answer: JSON is malformed: invalid character (byte 0)"),
        (
            ANSWER.replace(b": 1", b": 2") % b"",
            "not an answer: Invalid enum value 2 - at `$.schema_version`",
        ),
        (
            ANSWER.replace(b"audit", b"list") % b"",
            "not an answer: Invalid enum value 'list' - at `$.command`",
        ),
        (ANSWER % b"{}", "not an answer: Object missing required field `code` - at `$.results[0]`"),
    ],
)
def test_what_is_no_answer_is_refused_with_the_place_and_the_mend(tmp_path, content, said):
    path = tmp_path / "answer.json"
    path.write_bytes(content)
    with pytest.raises(InvalidInput) as raised:
        read_answer(path)
    assert str(raised.value) == f"{path}: {said}\n  hint: {HINT}"


def test_a_missing_answer_says_what_the_first_run_does(tmp_path):
    path = tmp_path / "none.json"
    with pytest.raises(NotFound) as raised:
        read_answer(path)
    assert str(raised.value) == (
        f"{path}: no earlier answer\n"
        "  hint: the first run has none: leave --since out, and keep what --format json says"
    )
