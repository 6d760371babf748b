import json
import re
from collections.abc import Iterator

import pytest

from support.goldens import assert_golden

DIGEST = re.compile(r"^(fp1:|sha256:)?[0-9a-f]{32,64}(\.dir)?$")
TODAY = ("--as-of", "2026-11-23")


def test_the_text_shows_everything_that_is_pinned(story):
    said = story("show", "support-router@candidate", *TODAY)
    assert (said.status, said.err) == (0, "")
    assert_golden("show.txt", said.out)


def test_no_digest_of_the_record_is_missing_from_the_text(story):
    (shown,) = story("show", "support-router", "--format", "json").json["results"]
    digests = list(digests_in(shown["record"]))
    text = story("show", "support-router").out
    assert len(digests) == 27
    assert [digest for digest in digests if digest not in text] == []


def digests_in(value: object) -> Iterator[str]:
    """Yields every digest but those of single files: they are behind the digest of their list."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key != "files":
                yield from digests_in(item)
    elif isinstance(value, str) and DIGEST.match(value):
        yield value


def test_the_text_fits_80_columns(story):
    for wanted in ("support-router@1", "support-router@2", "invoice-reader", "faq-short"):
        lines = story("show", wanted, *TODAY).out.splitlines()
        assert [line for line in lines if len(line) > 80] == []


@pytest.mark.parametrize(
    ("wanted", "version"),
    [
        ("support-router", 1),
        ("support-router@champion", 1),
        ("support-router@candidate", 2),
        ("support-router@2", 2),
        ("faq-short", 1),
    ],
)
def test_a_bare_name_is_the_champion_or_else_the_newest(story, wanted, version):
    (shown,) = story("show", wanted, "--format", "json").json["results"]
    assert shown["version"] == version


def test_the_json_holds_the_record_as_it_stands_and_how_it_is_today(story_root, story):
    (shown,) = story("show", "support-router", *TODAY, "--format", "json").json["results"]
    path = story_root / "registry" / "adapters" / "support-router" / "1.json"
    assert shown["record"] == json.loads(path.read_text())
    assert {key: shown[key] for key in ("aliases", "grade", "rebuild_by", "slack_days")} == {
        "aliases": ["champion"],
        "grade": "A",
        "rebuild_by": "2026-11-06",
        "slack_days": -17,
    }


def test_the_gaps_behind_a_grade_are_told(story):
    assert "B; OWN001 no backup owner" in story("show", "faq-short").out


def test_a_retired_adapter_can_still_be_shown(story):
    assert story("show", "old-timer").status == 0


def test_an_unknown_version_is_an_error_that_names_the_known_ones(story):
    said = story("show", "support-router@7")
    assert (said.status, said.out) == (3, "")
    assert said.err == (
        "error: 'support-router' has no version or alias '7'\n"
        "  hint: known: 1, 2, champion, candidate\n"
    )


def test_an_adapter_without_a_version_says_how_to_register_it(story):
    said = story("show", "draft")
    assert said.status == 3
    assert "adapterctl register registry/adapters/draft/recipe.yaml" in said.err


def test_a_broken_record_is_an_error_with_its_place(story):
    said = story("show", "cracked")
    assert said.status == 3
    assert said.err.startswith("error: registry/adapters/cracked/1.json: ")
