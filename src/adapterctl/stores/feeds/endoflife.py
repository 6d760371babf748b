"""endoflife.date: a product's page, Markdown under YAML, or its API v1, JSON."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from adapterctl.errors import InvalidInput
from adapterctl.records.canonical import digest
from adapterctl.records.yaml_text import Document, parse
from adapterctl.rules.feeds.endoflife import Release
from adapterctl.rules.feeds.rows import Row, Snapshot, Stated
from adapterctl.stores.feeds.reading import (
    Progress,
    day_in,
    inside,
    must_have,
    parsed,
    text_of,
    typed,
)

LABEL = "endoflife"

_FENCE = "---"
_REPLACEMENT = "recommendedReplacement"


class _Cycle(Stated, frozen=True, kw_only=True):
    """A release as the page writes it."""

    releaseCycle: str
    eoas: str | bool | None = None
    eol: str | bool | None = None
    recommendedReplacement: str | None = None


class _Page(Stated, frozen=True, kw_only=True):
    """A product's page."""

    releases: list[_Cycle]
    permalink: str | None = None
    releasePolicyLink: str | None = None


class _ApiRelease(Stated, frozen=True, kw_only=True):
    """A release as the API writes it; its flags were computed when it answered."""

    name: str
    eoasFrom: str | None = None
    eolFrom: str | None = None
    isEoas: bool | None = None
    custom: dict[str, str | None] | None = None


class _Product(Stated, frozen=True, kw_only=True):
    """A product in the API's answer."""

    name: str
    releases: list[_ApiRelease]
    links: dict[str, str | None] = {}


def read(path: Path, progress: Progress) -> Snapshot:
    """Returns the releases of a product; the day is the name's, or the API's ``generated_at``."""
    file, text = str(path), text_of(path)
    if text.lstrip().startswith(("{", "[")):
        answer = parsed(text, file=file)
        products = typed(_products(answer, file), _Product, progress=progress, label=LABEL)
        rows = [each for document, one in products for each in _of_product(document, one)]
        stated = answer.get("generated_at")
    else:
        pages = typed(_page(text, path), _Page, progress=progress, label=LABEL)
        rows = [each for document, one in pages for each in _of_page(document, one, path.stem)]
        stated = None
    return Snapshot(
        feed="endoflife",
        rows=must_have(rows, file=file),
        day=day_in(path.name) or day_in(stated if isinstance(stated, str) else None),
        covers=tuple(dict.fromkeys(f"{each.data.product}/" for each in rows)),
    )


def _page(text: str, path: Path) -> Iterator[tuple[Document, Any]]:
    """The closing fence ends the YAML; what stands above it keeps its lines."""
    lines = text.splitlines()
    ends = [number for number, line in enumerate(lines) if number and line.rstrip() == _FENCE]
    if lines[:1] != [_FENCE] or not ends:
        hint = "name a page of _products/ or an answer of /api/v1/products/"
        raise InvalidInput.one("no YAML between two lines of ---", place=f"{path}:1", hint=hint)
    document = parse("\n".join(lines[: ends[0]]), file=str(path))
    yield document, document.data


def _products(answer: Any, file: str) -> Iterator[tuple[Document, Any]]:
    result = answer.get("result") if isinstance(answer, dict) else None
    if not isinstance(result, dict | list):
        hint = "name an answer of /api/v1/products/"
        raise InvalidInput.one("result: missing", place=file, hint=hint)
    products = result if isinstance(result, list) else [result]
    for number, product in enumerate(products):
        place = f"result[{number}]" if isinstance(result, list) else "result"
        yield inside(file, place, product), product


def _of_page(document: Document, page: _Page, stem: str) -> Iterator[Row[Release]]:
    product = (page.permalink or stem).strip("/")
    for cycle, raw in zip(page.releases, document.data["releases"], strict=True):
        release = Release(
            product=product,
            name=cycle.releaseCycle,
            eoas=cycle.eoas,
            eol=cycle.eol,
            replacement=cycle.recommendedReplacement,
            policy=page.releasePolicyLink,
        )
        yield _row(release, raw)


def _of_product(document: Document, product: _Product) -> Iterator[Row[Release]]:
    for stated, raw in zip(product.releases, document.data["releases"], strict=True):
        release = Release(
            product=product.name,
            name=stated.name,
            eoas=stated.isEoas if stated.eoasFrom is None else stated.eoasFrom,
            eol=stated.eolFrom,
            replacement=(stated.custom or {}).get(_REPLACEMENT),
            policy=product.links.get("releasePolicy"),
        )
        yield _row(release, raw)


def _row(release: Release, raw: Any) -> Row[Release]:
    key = f"{release.product}/{release.name}"
    return Row(key=key, digest=digest(raw), data=release)
