"""Work done in a copy of this process while it goes on."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from adapterctl.stores import copies
from adapterctl.stores.copies import beside

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="copies are made on Linux alone")


def who() -> bytes:
    return str(os.getpid()).encode()


@pytest.fixture(autouse=True)
def two_cores(monkeypatch) -> None:
    monkeypatch.setattr(copies, "_cores", lambda: 2)


@pytest.fixture
def one_thread(monkeypatch) -> None:
    """Libraries that other tests loaded may have left threads here, beside which none is made."""
    monkeypatch.setattr(copies.threading, "active_count", lambda: 1)


@pytest.mark.usefixtures("one_thread")
def test_a_copy_does_the_work_and_this_process_has_its_result() -> None:
    result = beside(who)
    assert int(result()) != os.getpid()


def test_beside_other_threads_the_work_is_done_here() -> None:
    gone = threading.Event()
    other = threading.Thread(target=gone.wait)
    other.start()
    try:
        assert int(beside(who)()) == os.getpid()
    finally:
        gone.set()
        other.join()


@pytest.mark.usefixtures("one_thread")
def test_a_long_result_comes_whole() -> None:
    assert beside(lambda: b"a line\n" * 100_000)() == b"a line\n" * 100_000


@pytest.mark.usefixtures("one_thread")
def test_what_fails_in_the_copy_is_done_here(capfd) -> None:
    here = os.getpid()

    def only_here() -> bytes:
        if os.getpid() != here:
            raise ValueError("not here")
        return who()

    assert int(beside(only_here)()) == here
    assert capfd.readouterr() == ("", "")


def test_on_one_core_the_work_is_done_here(monkeypatch) -> None:
    monkeypatch.setattr(copies, "_cores", lambda: 1)
    assert int(beside(who)()) == os.getpid()
