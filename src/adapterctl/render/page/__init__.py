"""An audit as a static site: an index and a page per adapter; nouns in, texts by path out.

- `index`: the outlook, the timeline of bases, the table of adapters, what to do.
- `adapter`: one adapter's dates, versions, parity reports and pins.
- `axis`: where days stand on a timeline; `writing`: how templates are filled in.
- ``templates/``, ``style.css``, ``page.js``: what the browser gets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from adapterctl.render.page import adapter, index, writing
from adapterctl.rules.audit.overview import Dossier, Overview


def site(seen: Overview, dossiers: Iterable[Dossier]) -> Iterator[tuple[str, str]]:
    """Yields (path, text) of every file; an adapter's page is made when its turn comes."""
    yield "style.css", writing.asset("style.css")
    yield "page.js", writing.asset("page.js")
    yield "index.html", index.page(seen)
    for dossier in dossiers:
        yield f"adapters/{dossier.adapter}.html", adapter.page(dossier, seen)
