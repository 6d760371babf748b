"""An OpenAI-compatible endpoint on this machine: what is sent, and what its refusals say."""

from __future__ import annotations

import pytest

from adapterctl.errors import InvalidInput, Unreachable
from adapterctl.stores.chat import Endpoint
from support.chat import served

TURNS = [{"role": "user", "content": "Where is my parcel?"}]
KEY = "sk-a-secret-of-this-test"


def test_it_sends_the_conversation_with_its_settings_and_key_and_returns_the_answer() -> None:
    with served(lambda asked: asked["messages"][-1]["content"].upper()) as there:
        endpoint = Endpoint(url=there.url, served_as="router", key=KEY)
        assert endpoint.answer(TURNS, {"max_tokens": 5, "temperature": 0}) == "WHERE IS MY PARCEL?"
    [(path, headers, asked)] = there.asked
    assert (path, headers["Authorization"]) == ("/v1/chat/completions", f"Bearer {KEY}")
    assert asked == {"model": "router", "messages": TURNS, "max_tokens": 5, "temperature": 0}


def test_without_a_key_none_is_sent() -> None:
    with served(lambda asked: "a") as there:
        Endpoint(url=there.url, served_as="router").answer(TURNS, {})
    assert "Authorization" not in there.asked[0][1]


@pytest.mark.parametrize(
    ("status", "error", "what"),
    [
        (401, InvalidInput, "refused with HTTP 401"),
        (429, Unreachable, "answered with HTTP 429"),
        (503, Unreachable, "answered with HTTP 503"),
    ],
)
def test_a_refusal_says_why_and_no_secret(status, error, what) -> None:
    with served(lambda asked: "a", status=status) as there, pytest.raises(error) as caught:
        url = there.url.replace("//", "//user:password@")
        Endpoint(url=url, served_as="router", key=KEY).answer(TURNS, {})
    assert what in str(caught.value)
    assert KEY not in str(caught.value)
    assert "password" not in str(caught.value)


def test_an_answer_that_is_no_completion_is_refused() -> None:
    with served(lambda asked: "a", body=b'{"choices": []}') as there:
        endpoint = Endpoint(url=there.url, served_as="router")
        with pytest.raises(InvalidInput, match="a completion without a choice"):
            endpoint.answer(TURNS, {})


def test_nobody_there_is_said() -> None:
    with pytest.raises(Unreachable, match="does not answer"):
        Endpoint(url="http://127.0.0.1:9/v1", served_as="router", seconds=2).answer(TURNS, {})
