"""Lock files (PEP 751): what an installer takes is told from what it does not."""

from __future__ import annotations

import importlib.metadata
import tomllib
from pathlib import Path

import pytest

from adapterctl.errors import InvalidInput
from adapterctl.stores import pylock
from adapterctl.stores.distributions import record_digests

WHEEL = """
[[packages]]
name = "{name}"
version = "{version}"
[[packages.wheels]]
url = "https://h.example/{name}-{version}-py3-none-any.whl"
hashes = {{sha256 = "{digest}"}}
"""
HEAD = 'lock-version = "1.0"\ncreated-by = "hand"\n'


def lock(*, head: str = HEAD, **versions: str) -> str:
    wheels = (WHEEL.format(name=n, version=v, digest="0" * 64) for n, v in versions.items())
    return head + "".join(wheels)


def refusal(text: str) -> str:
    with pytest.raises(InvalidInput) as caught:
        pylock.selected(text, place="pylock.toml")
    return str(caught.value)


def test_what_an_installer_would_take_is_selected() -> None:
    elsewhere = lock(head="", colorama="0.4").replace(
        'version = "0.4"', 'version = "0.4"\nmarker = "sys_platform == \'amiga\'"', 1
    )
    text = lock(rich="14.0", numpy="2.3.0") + elsewhere
    assert pylock.selected(text, place="x") == {"rich": "14.0", "numpy": "2.3.0"}


REFUSED = {
    "no TOML": ("lock-version = ", "pylock.toml: not a lock file: Invalid value"),
    "another format": ("[package]", "pylock.toml: not a lock file: Missing required value"),
    "a package without a source": (
        HEAD + '[[packages]]\nname = "rich"\nversion = "14.0"\n',
        "pylock.toml: not a lock file: Exactly one of vcs, directory, archive",
    ),
    "another interpreter": (
        lock(head=HEAD + 'requires-python = "<3"\n', rich="14.0"),
        "pylock.toml: not for this environment: python_full_version",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_no_installer_would_take_here_is_refused(case: str) -> None:
    text, message = REFUSED[case]
    assert refusal(text).startswith(message)


def test_a_list_of_what_is_installed_claims_no_more_than_it_is() -> None:
    text = pylock.listed(
        {"rich": "14.0", "old": "2004d-legacy_x"}, digests={"rich": "a" * 64}, python="3.11.7+"
    )
    assert tomllib.loads(text) == {
        "lock-version": "1.0",
        "requires-python": "==3.11.7",
        "created-by": "adapterctl",
        "packages": [
            {"name": "old", "tool": {"adapterctl": {"version": "2004d-legacy_x"}}},
            {
                "name": "rich",
                "version": "14.0",
                "tool": {"adapterctl": {"record-sha256": "a" * 64}},
            },
        ],
        "tool": {"adapterctl": {"installable": False}},
    }
    assert "not a lock file" in refusal(text)


def test_own_locks_are_those_that_the_standard_names(tmp_path: Path) -> None:
    for name in ("pylock.gpu.toml", "pylock.toml", "pylock.a.b.toml", "uv.lock", "pylock-x.toml"):
        (tmp_path / name).write_text("")
    names = [path.name for path in pylock.own_locks(tmp_path)]
    assert names == ["pylock.toml", "pylock.gpu.toml"]


def test_the_digest_is_that_of_the_installed_record() -> None:
    import hashlib

    record = importlib.metadata.distribution("msgspec").read_text("RECORD")
    assert record is not None
    assert record_digests()["msgspec"] == hashlib.sha256(record.encode()).hexdigest()
