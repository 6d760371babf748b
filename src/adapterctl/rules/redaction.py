"""Credentials leave a URL before it is written down."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

_SECRET = re.compile(r"(?i)(^|[_-])(token|key|secret|password|sig|signature|credential)([_-]|$)")

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


def _query(url: SplitResult) -> str:
    parts = (part.partition("=") for part in url.query.split("&"))
    return "&".join(
        f"{name}={REDACTED}" if equals and _SECRET.search(name) else f"{name}{equals}{value}"
        for name, equals, value in parts
    )
