"""The door to an OpenAI-compatible endpoint: one conversation in, one answer out.

The key is a secret: it is handed in, sent in a header, and is in no message.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from adapterctl.errors import InvalidInput, Unreachable
from adapterctl.rules.redaction import without_credentials

LARGEST = 16 * 2**20
"""Bytes of one answer."""


class _Message(msgspec.Struct, frozen=True):
    content: str | None = None


class _Choice(msgspec.Struct, frozen=True):
    message: _Message


class _Completion(msgspec.Struct, frozen=True):
    choices: list[_Choice]


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where a served adapter answers.

    Attributes:
        url: of its API, as ``http://127.0.0.1:8000/v1``; credentials in it are dropped.
        served_as: the name that it goes by there.
        key: a bearer token; ``None`` sends none.
        seconds: the longest that one answer is waited for.
    """

    url: str
    served_as: str
    key: str | None = None
    seconds: float = 120.0

    @property
    def place(self) -> str:
        """The address as it may be shown and written down."""
        return without_credentials(self.url)

    def answer(
        self, messages: Sequence[Mapping[str, Any]], settings: Mapping[str, float | int]
    ) -> str:
        """Returns what the assistant says next.

        Args:
            messages: the conversation up to there.
            settings: ``max_tokens``, ``temperature``, ...

        Raises:
            Unreachable: it does not answer, or is busy.
            InvalidInput: it refuses, or what it answers is no completion.
        """
        asked = {"model": self.served_as, "messages": list(messages), **settings}
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.key is not None:
            headers["Authorization"] = f"Bearer {self.key}"
        request = urllib.request.Request(
            f"{self.place.rstrip('/')}/chat/completions",
            data=json.dumps(asked).encode(),
            headers=headers,
        )
        content = self._sent(request)
        try:
            found = msgspec.json.decode(content, type=_Completion)
        except msgspec.MsgspecError as error:
            raise self._refused(f"not a chat completion: {error}") from None
        if not found.choices:
            raise self._refused("a completion without a choice")
        return found.choices[0].message.content or ""

    def _sent(self, request: urllib.request.Request) -> bytes:
        try:
            with urllib.request.urlopen(request, timeout=self.seconds) as answer:
                read: bytes = answer.read(LARGEST)
                return read
        except urllib.error.HTTPError as error:
            busy = error.code == 429 or error.code >= 500
            error.close()
            if busy:
                raise self._away(f"answered with HTTP {error.code}") from None
            raise self._refused(f"refused with HTTP {error.code}") from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise self._away(f"does not answer: {reason}") from None

    def _away(self, what: str) -> Unreachable:
        return Unreachable(what, place=self.place, hint="nothing was recorded: run it again")

    def _refused(self, what: str) -> InvalidInput:
        hint = f"is {self.served_as!r} served there, by an OpenAI-compatible API, for this key?"
        return InvalidInput.one(what, place=self.place, hint=hint)
