"""Packages of versions' locks are asked for at pip's index: yanked, or missing (ENV002)."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from adapterctl.records.version import LockPin
from adapterctl.stores import package_index
from support.indexes import only as only_index
from support.worlds import ADAPTER, Place, Web, only, serving, silent, skips, told

JSON = "application/vnd.pypi.simple.v1+json"
WHEEL = "gravel-1.2-py3-none-any.whl"
SHA = "a" * 64


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """An index on loopback, the only one that pip is told of."""
    made = Web()
    with serving(made) as url:
        monkeypatch.setenv("INDEX", url)
        only_index(monkeypatch, f"{url}/simple/")
        # With both set, pip's own files are not asked for, which takes half a second.
        monkeypatch.setenv("PIP_EXTRA_INDEX_URL", f"{url}/simple")
        yield made


def lock(
    place: Place, text: str, *, kind: Literal["project", "resolved", "installed"] = "project"
) -> None:
    """Registers a version with this lock beside its record."""
    content = f'lock-version = "1.0"\ncreated-by = "test"\n{text}'.encode()
    gaps = ["a list"] if kind == "installed" else []
    pin = LockPin(kind=kind, sha256=hashlib.sha256(content).hexdigest(), gaps=gaps)
    record = place.serve(lock=pin)
    place.door.lock_path(ADAPTER, record.version).write_bytes(content)


def wheel(name: str, version: str, *, url: str = "", sha256: str = SHA) -> str:
    file = f"{name}-{version}-py3-none-any.whl"
    return (
        f'[[packages]]\nname = "{name}"\nversion = "{version}"\n'
        f'wheels = [{{name = "{file}", url = "{url or f"https://files.invalid/{file}"}", '
        f'hashes = {{sha256 = "{sha256}"}}}}]\n'
    )


def page(web: Web, project: str, *files: dict[str, Any]) -> None:
    web.json(f"/simple/{project}/", {"name": project, "files": list(files)}, JSON)


def file(name: str = WHEEL, sha256: str = SHA, **more: Any) -> dict[str, Any]:
    return {"filename": name, "url": f"x/{name}", "hashes": {"sha256": sha256}, **more}


def test_a_package_that_is_there_is_no_finding(place: Place, web: Web) -> None:
    lock(place, wheel("gravel", "1.2"))
    page(web, "gravel", file())
    answer = place.ask()
    assert (answer.findings, answer.skipped) == ([], [])
    assert answer.asked is not None and "the package index" in answer.asked


def test_a_yanked_package_is_found_with_its_reason(place: Place, web: Web) -> None:
    lock(place, wheel("gravel", "1.2"))
    page(web, "gravel", file(yanked="CVE-1"), file("gravel-1.3-py3-none-any.whl"))
    found = only(place.ask())
    assert (found.code, found.severity) == ("ENV002", "medium")
    message = "1 locked package may not be installed again: gravel 1.2 yanked (CVE-1)"
    assert found.message == message
    assert "adapterctl register registry/adapters/support-router/recipe.yaml" in found.mend


def test_a_missing_package_is_found_unless_its_own_address_has_it(
    place: Place, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    url = f"{os.environ['INDEX']}/files/{WHEEL}"
    lock(place, wheel("gravel", "1.2", url=url))
    page(web, "gravel", file("gravel-1.3-py3-none-any.whl"))
    message = "1 locked package may not be installed again: gravel 1.2 missing at the index"
    assert told(place.ask()) == [("ENV002", message)]
    web.pages[f"/files/{WHEEL}"] = (200, "application/zip", b"")
    assert told(place.ask()) == []


def test_another_file_under_the_same_name_is_found(place: Place, web: Web) -> None:
    lock(place, wheel("gravel", "1.2"))
    page(web, "gravel", file(sha256="b" * 64))
    [(code, message)] = told(place.ask())
    assert code == "ENV002"
    assert message.endswith(f"gravel 1.2 another file is now {WHEEL}")


def test_an_index_that_speaks_html_is_understood(place: Place, web: Web) -> None:
    lock(place, wheel("gravel", "1.2"))
    link = f'<a href="../../f/{WHEEL}#sha256={SHA}" {{}}>{WHEEL}</a>'
    web.pages["/simple/gravel/"] = (200, "text/html", link.format("").encode())
    assert told(place.ask()) == []
    body = link.format('data-yanked="broken"').encode()
    web.pages["/simple/gravel/"] = (200, "text/html", body)
    assert told(place.ask())[0][1].endswith("gravel 1.2 yanked (broken)")


def test_a_list_of_what_was_installed_is_judged_by_versions_that_were_at_the_index(
    place: Place, web: Web
) -> None:
    packages = {"gravel": "1.2.0", "sand": "2.13.0+cpu", "ours": "0.1", "stone": "3"}
    text = "".join(f'[[packages]]\nname = "{n}"\nversion = "{v}"\n' for n, v in packages.items())
    lock(place, text, kind="installed")
    page(web, "gravel", file("gravel-1.2.tar.gz", yanked=True), file(yanked=True))
    page(web, "sand", file("sand-2.13.0-py3-none-any.whl"))
    page(web, "stone", file("stone-3.1-py3-none-any.whl"))
    [found] = [each for each in place.ask().findings if each.code == "ENV002"]
    assert found.message == (
        "2 locked packages may not be installed again: gravel 1.2.0 yanked, stone 3 missing at "
        "the index"
    )


def test_folders_commits_and_archives_are_at_no_index(place: Place, web: Web) -> None:
    lock(
        place,
        '[[packages]]\nname = "a"\nversion = "1"\nvcs = {type = "git", url = "x"}\n'
        '[[packages]]\nname = "b"\ndirectory = {path = "b"}\n',
    )
    assert told(place.ask()) == []
    assert web.asked == []


def test_a_package_of_many_versions_is_asked_for_once(place: Place, web: Web) -> None:
    for version in ("1.2", "1.3"):
        lock(place, wheel("gravel", version))
    page(web, "gravel", file(), file("gravel-1.3-py3-none-any.whl"))
    assert told(place.ask(every=True)) == []
    assert [path for path, _ in web.asked] == ["/simple/gravel/"]


def test_credentials_of_the_index_go_to_it_and_nowhere_else(
    place: Place, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    secret = os.environ["INDEX"].replace("//", "//ana:s3cret@")
    monkeypatch.setenv("PIP_INDEX_URL", f"{secret}/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", f"{secret}/simple")
    lock(place, wheel("gravel", "1.2"))
    web.pages["/simple/gravel/"] = (401, "text/plain", b"")
    answer = place.ask()
    assert answer.findings == []
    [skip] = answer.skipped
    assert skip.subject == "the package index" and "401" in skip.reason
    assert "s3cret" not in str(answer) and "ana:" not in str(answer)
    [(_, headers)] = web.asked
    assert headers["Authorization"] == "Basic YW5hOnMzY3JldA=="


def test_a_lock_that_is_not_the_recorded_one_is_skipped(place: Place, web: Web) -> None:
    lock(place, wheel("gravel", "1.2"))
    place.door.lock_path(ADAPTER, 1).write_text("changed")
    answer = place.ask()
    assert skips(answer) == {
        "adapter:support-router@1": "1.pylock.toml is not the lock that was recorded"
    }
    assert answer.skipped[0].mend == "git checkout registry/adapters/support-router/1.pylock.toml"


def test_an_index_that_knows_nothing_is_no_proof(place: Place, web: Web) -> None:
    lock(place, wheel("gravel", "1.2") + wheel("sand", "1"))
    answer = place.ask()
    assert answer.findings == []
    assert skips(answer) == {"the package index": "it knows none of 2 projects"}


def test_what_one_index_has_needs_no_word_of_another(
    place: Place, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "http://127.0.0.1:9/simple")
    lock(place, wheel("gravel", "1.2") + wheel("sand", "1"))
    page(web, "gravel", file())
    page(web, "sand", file("sand-1-py3-none-any.whl", yanked="bad"))
    answer = place.ask()
    assert answer.findings == []
    reason = skips(answer)["the package index"]
    assert "it does not answer" in reason and reason.endswith("(1 of 2 projects)")
    page(web, "sand", file("sand-1-py3-none-any.whl"))
    answer = place.ask()
    assert (answer.findings, answer.skipped) == ([], [])


def test_an_index_that_is_away_or_never_answers_is_one_skip(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock(place, wheel("gravel", "1.2") + wheel("sand", "1"))
    only_index(monkeypatch, "http://127.0.0.1:9/simple")
    [(subject, reason)] = skips(place.ask()).items()
    assert subject == "the package index"
    assert "it does not answer: " in reason and reason.endswith("(2 of 2 projects)")
    place.allow(1)
    with silent() as url:
        only_index(monkeypatch, f"{url}/simple")
        start = time.monotonic()
        answer = place.ask()
        assert time.monotonic() - start < 5
    assert answer.findings == [] and list(skips(answer)) == ["the package index"]


# pip's settings


def test_pips_files_count_where_its_variables_say_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX", "PIP_CERT"):
        monkeypatch.delenv(name, raising=False)
    config = tmp_path / "pip.conf"
    config.write_text("[global]\nindex-url = http://a/simple/\nextra-index-url = http://b/s\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    found = package_index.settings(seconds=20)
    assert found.indexes[:2] == ["http://a/simple", "http://b/s"]
    assert "http" not in repr(found)
    monkeypatch.setenv("PIP_INDEX_URL", "http://c/simple")
    assert package_index.settings(seconds=20).indexes[0] == "http://c/simple"
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert package_index.settings(seconds=20).indexes == []


def test_without_any_setting_it_is_pips_own_default(monkeypatch: pytest.MonkeyPatch) -> None:
    only_index(monkeypatch, "")
    assert package_index.settings(seconds=20).indexes[0] == package_index.DEFAULT
    import subprocess
    import sys

    words = [sys.executable, "-m", "pip", "install", "--help"]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert package_index.DEFAULT in "".join(said.split())
