"""Credentials leave a URL, and a program's words, before they are written down."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit

_SECRET = re.compile(r"(?i)(^|[_-])(token|key|secret|password|sig|signature|credential)([_-]|$)")

_TOKEN = re.compile(r"\b(hf_|sk-|ghp_|github_pat_|glpat-|xox[abp]-|AKIA)[A-Za-z0-9_-]{16,}")
"""How well-known services' tokens begin."""

_OPTION = re.compile(
    r"(?i)^--?[\w-]*(api[_-]?key|(hf|hub|auth|access|api)[_-]token|password|secret|credential)\b"
)

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s\"'<>]+")

REDACTED = "REDACTED"


def without_credentials(text: str) -> str:
    """Returns a URL without user, password and secret parameters; other text as it is."""
    try:
        url = urlsplit(text)
    except ValueError:
        return text
    if not url.netloc:
        return text
    host = url.netloc.rpartition("@")[2]
    return url._replace(netloc=host, query=_query(url)).geturl()


def redacted(text: str) -> str:
    """Returns a text with every URL in it without credentials; all else to the letter."""
    return _URL.sub(lambda found: _if_secret(found.group()), text)


def without_secrets(text: str) -> str:
    """Returns a program's words without credentials in URLs, and without well-known tokens."""
    return _TOKEN.sub(REDACTED, redacted(text))


def reveals_a_secret(words: Sequence[str]) -> bool:
    """Whether a command line holds a credential: in a URL, as a token, or after its option.

    A tokenizer's ``--eos_token`` is none.
    """
    return any(without_secrets(word) != word or _OPTION.match(word) for word in words)


def _if_secret(url: str) -> str:
    """A URL that keeps no secret stays as it is written; ``git@`` over ssh is only a name."""
    shown = without_credentials(url)
    userinfo = url.partition("://")[2].partition("/")[0].rpartition("@")[0]
    named_only = url.partition("://")[0].endswith("ssh") and ":" not in userinfo
    if named_only and REDACTED not in shown:
        return url
    return shown if userinfo or REDACTED in shown else url


def _query(url: SplitResult) -> str:
    parts = (part.partition("=") for part in url.query.split("&"))
    return "&".join(
        f"{name}={REDACTED}" if equals and _SECRET.search(name) else f"{name}{equals}{value}"
        for name, equals, value in parts
    )
