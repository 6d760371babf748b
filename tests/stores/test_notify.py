"""Messages through apprise, to a webhook on loopback; no address is ever shown."""

import logging

import apprise
import pytest

from adapterctl.errors import InvalidInput, Unreachable
from adapterctl.stores.notify import deliver
from support.hooks import Hook, hook

SECRET = "s3cr3t-t0k3n"


@pytest.fixture(scope="module")
def there():
    with hook() as served:
        yield served


def send(address: str) -> None:
    deliver(address, title="t", body="line one\n  > line two", place="--notify")


def test_a_message_arrives_as_it_was_written(there: Hook):
    send(there.url("here"))
    assert there.told[-1] == ("here", "t", "line one\n  > line two")


def test_a_variable_can_hold_the_address(there: Hook, monkeypatch):
    monkeypatch.setenv("TEAM_HOOK", there.url("from-env"))
    send("env:TEAM_HOOK")
    assert there.told[-1][0] == "from-env"


def test_a_missing_variable_is_named(monkeypatch):
    monkeypatch.delenv("TEAM_HOOK", raising=False)
    with pytest.raises(InvalidInput) as raised:
        send("env:TEAM_HOOK")
    assert str(raised.value) == (
        "--notify: the environment has no variable TEAM_HOOK\n  hint: set it to an apprise URL"
    )


@pytest.mark.parametrize("address", [f"https//{SECRET}", f"nosuch://{SECRET}", SECRET, "json://"])
def test_what_is_no_address_is_refused_and_not_shown(address, caplog, capfd):
    with pytest.raises(InvalidInput) as raised:
        send(address)
    assert str(raised.value) == (
        "--notify: not a URL that apprise knows\n"
        "  hint: write SERVICE://..., as apprise documents it, or env:VAR"
    )
    assert SECRET not in caplog.text + "".join(capfd.readouterr())


def test_a_refusal_says_its_http_status_and_keeps_the_secret(there: Hook, caplog, capfd):
    there.refuses[SECRET] = 403
    with pytest.raises(Unreachable) as raised:
        send(there.url(SECRET, userinfo=f"bot:{SECRET}@"))
    assert str(raised.value) == (
        "--notify: the message was not delivered: answered with HTTP 403\n"
        "  hint: try the address with apprise's own command; nothing is marked as told"
    )
    assert SECRET not in caplog.text + "".join(capfd.readouterr())


def test_nobody_there_is_said(caplog, capfd):
    with pytest.raises(Unreachable, match="no connection, or no answer"):
        send(f"json://bot:{SECRET}@127.0.0.1:9/{SECRET}")
    assert SECRET not in caplog.text + "".join(capfd.readouterr())


def test_apprise_logs_the_host_which_of_some_services_is_a_token(caplog):
    with caplog.at_level(logging.WARNING, logger="apprise"):
        apprise.Apprise("json://127.0.0.1:9/x").notify(body="b")
    assert "127.0.0.1" in caplog.text
