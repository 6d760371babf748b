"""The door to people: messages through apprise, which knows chats, mail and webhooks.

An address is a secret (a bot's token may be its host), so that none is ever shown: apprise's own
words are dropped, and errors name the place where the address is stated.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

from adapterctl.errors import InvalidInput, Unreachable

FROM_ENVIRONMENT = "env:"

_ANSWER = re.compile(r"error=(\d{3})\b")
"""How apprise logs the HTTP status of what it sent to."""


def deliver(address: str, *, title: str, body: str, place: str) -> None:
    """Sends one message.

    Args:
        address: an apprise URL, or ``env:VAR`` for one that a variable holds.
        title: one line.
        body: plain text.
        place: where the address is stated.

    Raises:
        InvalidInput: no such variable, or not a URL that apprise knows.
        Unreachable: it was not delivered.
    """
    import apprise

    url = _resolved(address, place)
    with _overheard() as said:
        there = apprise.Apprise()
        if not there.add(url):
            raise InvalidInput.one(
                "not a URL that apprise knows",
                place=place,
                hint="write SERVICE://..., as apprise documents it, or env:VAR",
            )
        sent = there.notify(body=body, title=title, body_format=apprise.NotifyFormat.TEXT)
    if not sent:
        raise Unreachable(
            f"the message was not delivered: {_why(said)}",
            place=place,
            hint="try the address with apprise's own command; nothing is marked as told",
        )


def _resolved(address: str, place: str) -> str:
    if not address.startswith(FROM_ENVIRONMENT):
        return address
    name = address.removeprefix(FROM_ENVIRONMENT)
    url = os.environ.get(name)
    if not url:
        raise InvalidInput.one(
            f"the environment has no variable {name}", place=place, hint="set it to an apprise URL"
        )
    return url


def _why(said: list[str]) -> str:
    """Returns the HTTP status that apprise logged, and no other word of it."""
    status = next((found[1] for line in said if (found := _ANSWER.search(line))), None)
    return f"answered with HTTP {status}" if status else "no connection, or no answer"


class _Overhears(logging.Handler):
    """Keeps what is logged instead of showing it."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps one line."""
        self.lines.append(record.getMessage())


@contextmanager
def _overheard() -> Iterator[list[str]]:
    """Keeps apprise's log away from stderr, where it would show addresses."""
    logger, handler = logging.getLogger("apprise"), _Overhears()
    before = logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield handler.lines
    finally:
        logger.removeHandler(handler)
        logger.propagate = before
