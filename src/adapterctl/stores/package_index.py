"""The door to package indexes by their own API: which files a project has, and what is yanked.

Indexes, credentials in their addresses and the file of authorities are pip's own settings. The
API is the simple one: JSON (PEP 691), else HTML (PEP 503, PEP 592).
"""

from __future__ import annotations

import ast
import base64
import os
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import msgspec

from adapterctl.errors import AdapterctlError, NotFound, Unreachable
from adapterctl.rules.audit.yanked import IndexFile
from adapterctl.rules.redaction import redacted, without_credentials

DEFAULT = "https://pypi.org/simple"
"""Pip's own default."""

ACCEPT = (
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, "
    "text/html;q=0.1"
)
LARGEST = 64 << 20
"""No page of an index is longer than so many bytes."""

_NAMES = ("index-url", "extra-index-url", "no-index", "cert")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where pip looks for packages; ``indexes`` may hold credentials, and are not shown."""

    indexes: list[str] = field(default_factory=list, repr=False)
    cert: str | None = None


class _File(msgspec.Struct, frozen=True):
    filename: str
    url: str = ""
    hashes: dict[str, str] = {}
    yanked: bool | str = False


class _Page(msgspec.Struct, frozen=True):
    files: list[_File]


def settings(*, seconds: float, environment: Mapping[str, str] | None = None) -> Settings:
    """Returns pip's settings: its variables count before its files.

    Without pip in this environment, the variables alone.

    Args:
        seconds: the longest that pip is waited for.
        environment: variables; ``None`` are those of this process.
    """
    told = environment if environment is not None else os.environ
    here = {name: told.get(f"PIP_{name.upper().replace('-', '_')}", "") for name in _NAMES}
    filed = _filed(seconds) if not here["index-url"] or not here["extra-index-url"] else {}
    found = {name: here[name] or filed.get(name, "") for name in _NAMES}
    if found["no-index"].lower() in {"1", "true", "yes", "on"}:
        return Settings()
    indexes = [found["index-url"] or DEFAULT, *found["extra-index-url"].split()]
    each_once = dict.fromkeys(each.rstrip("/") for each in indexes)
    return Settings(indexes=list(each_once), cert=found["cert"] or None)


def _filed(seconds: float) -> dict[str, str]:
    """Returns what pip's files say; of one setting, what is for ``install`` alone comes last."""
    words = [sys.executable, "-m", "pip", "config", "list", "--disable-pip-version-check"]
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return {}
    found = dict(_settings(done.stdout))
    plain = {name.removeprefix("global."): value for name, value in found.items()}
    return plain | {
        name.removeprefix("install."): value
        for name, value in found.items()
        if name.startswith("install.")
    }


def _settings(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and not name.startswith(":env:"):
            yield name, str(ast.literal_eval(value)).strip()


def files(index: str, project: str, *, seconds: float, cert: str | None) -> list[IndexFile] | None:
    """Returns the files that an index has of a project; ``None`` when it has no such project.

    Args:
        index: address of the index, credentials included.
        project: its name, normalised.
        seconds: the longest that one answer is waited for.
        cert: file of authorities; ``None`` are the system's.

    Raises:
        Unreachable: the index does not answer.
        AdapterctlError: it refuses, or what it answers is no page of an index.
    """
    # A folder that holds an index is read as pip reads it.
    url = f"{index}/{project}/{'index.html' if index.startswith('file:') else ''}"
    try:
        with _open(url, seconds=seconds, cert=cert) as answer:
            kind = answer.headers.get_content_type()
            content, final = answer.read(LARGEST), answer.url
    except NotFound:
        return None
    try:
        page = _json(content) if kind.endswith("json") else _html(content, final)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise AdapterctlError(
            f"not a page of a package index: {error}", place=without_credentials(url)
        ) from None
    return page


def is_there(url: str, *, seconds: float, cert: str | None) -> bool:
    """Whether a file can be fetched, by its address in a lock.

    Raises:
        Unreachable: its place does not answer.
        AdapterctlError: it refuses.
    """
    try:
        _open(url, seconds=seconds, cert=cert, method="HEAD").close()
    except NotFound:
        return False
    return True


def _open(url: str, *, seconds: float, cert: str | None, method: str = "GET") -> Any:
    place = without_credentials(url)
    request = urllib.request.Request(place, method=method, headers={"Accept": ACCEPT})
    parts = urlsplit(url)
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        coded = base64.b64encode(pair.encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {coded}")
    try:
        context = _trusting(cert) if place.startswith("https:") else None
        return urllib.request.urlopen(request, timeout=seconds, context=context)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in {404, 410}:
            raise NotFound("no such page", place=place) from None
        raise AdapterctlError(
            f"{error.code}: {error.reason}",
            place=place,
            hint="look at pip's index-url: it must answer to the credentials that it holds",
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, FileNotFoundError):
            raise NotFound("no such page", place=place) from None
        raise Unreachable(
            f"it does not answer: {redacted(str(reason))}",
            place=place,
            hint="look at the network, and at pip's index-url (pip config list)",
        ) from None


@lru_cache
def _trusting(cert: str | None) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=cert)


def _json(content: bytes) -> list[IndexFile]:
    page = msgspec.json.decode(content, type=_Page)
    return [
        IndexFile(
            name=file.filename,
            sha256=file.hashes.get("sha256"),
            yanked=file.yanked if isinstance(file.yanked, str) else "" if file.yanked else None,
        )
        for file in page.files
    ]


def _html(content: bytes, url: str) -> list[IndexFile]:
    links = _Links(url)
    links.feed(content.decode())
    return links.files


class _Links(HTMLParser):
    """The links of a project's page, each a file."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self.files: list[IndexFile] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Takes a link: the file's name is the end of its address, its hash the fragment."""
        told = dict(attrs)
        if tag != "a" or not told.get("href"):
            return
        link = urlsplit(urljoin(self._url, told["href"]))
        name, _, digest = link.fragment.partition("=")
        self.files.append(
            IndexFile(
                name=unquote(link.path.rpartition("/")[2]),
                sha256=digest if name == "sha256" else None,
                yanked=(told["data-yanked"] or "") if "data-yanked" in told else None,
            )
        )
