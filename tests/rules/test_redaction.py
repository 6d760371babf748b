"""No credential of a URL is written down; what holds none stays to the letter."""

from __future__ import annotations

import pytest

from adapterctl.rules.redaction import redacted

SECRET = {
    'url = "https://me:pass@h.example/x"': 'url = "https://h.example/x"',
    "git+https://t0ken@h.example/a.git": "git+https://h.example/a.git",
    "ssh://git:pass@h.example/a": "ssh://h.example/a",
    "ssh://git:pw@h.example:22/x": "ssh://h.example:22/x",
    "https://user:p@ss@h.example/x": "https://h.example/x",
    "pip install git+https://t@h.example/x and s3://k:s@b/p": (
        "pip install git+https://h.example/x and s3://b/p"
    ),
    "a https://h.example/x?token=abc&v=1 b": "a https://h.example/x?token=REDACTED&v=1 b",
    "'https://a:b@h.example/1' 'https://a:b@h.example/2'": (
        "'https://h.example/1' 'https://h.example/2'"
    ),
}
HARMLESS = (
    'index = "https://h.example/simple/"',
    "git+ssh://git@h.example/a/b.git",
    "git@h.example:team/x.git",
    "https://h.example/x@y",
    "/srv/git/x.git",
    "https://h.example/x?v=1#egg=x",
    "https://h.example/@scope/x?",
    "someone@h.example, key: value",
    "",
)


@pytest.mark.parametrize("text", SECRET)
def test_credentials_leave_a_url_wherever_it_stands(text: str) -> None:
    assert redacted(text) == SECRET[text]


@pytest.mark.parametrize("text", HARMLESS)
def test_a_text_without_credentials_is_not_touched(text: str) -> None:
    assert redacted(text) == text
