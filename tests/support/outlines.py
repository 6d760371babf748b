"""What an HTML page consists of: its outline, links and marks, read with Python's own parser."""

from __future__ import annotations

import re
from html.parser import HTMLParser

SHOWN = ("title", "h1", "h2", "h3", "h4", "caption", "th", "label", "summary", "button")
PLACES = ("header", "nav", "main", "section", "article", "form", "table", "footer", "details")
_SPACES = re.compile(r"(?<=\S)\s+")

VOID = frozenset({"meta", "link", "input", "br"})


class Page(HTMLParser):
    """A page taken apart; elements that are not closed, or closed wrongly, are an error.

    Attributes:
        outline: landmarks, headings, table titles and labels, indented by depth.
        links: every ``href`` and ``src``.
        ids: every id, in order.
        attributes: names of all attributes.
        text: all that can be read.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.outline: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.attributes: set[str] = set()
        self.elements: list[str] = []
        self.text = ""
        self._open: list[str] = []
        self._depth = 0
        self.feed(html)
        self.close()
        assert not self._open, f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes an element."""
        named = dict(attrs)
        assert len(named) == len(attrs), f"an attribute twice in <{tag}>: {attrs}"
        self.attributes |= named.keys()
        self.elements.append(tag)
        self.links += [str(named[key]) for key in ("href", "src") if key in named]
        self.ids += [str(named["id"])] if "id" in named else []
        if tag in PLACES:
            self.outline.append("  " * self._depth + f"[{tag}] {named.get('aria-label') or ''}")
            self._depth += 1
        if tag in SHOWN:
            self.outline.append("  " * self._depth + f"{tag}: ")
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes an element of SVG that is closed at once."""
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        """Notes that an element ends."""
        assert self._open.pop() == tag, f"</{tag}> where another ends: {self._open}"
        self._depth -= tag in PLACES

    def handle_data(self, data: str) -> None:
        """Notes a text."""
        self.text += data
        if set(self._open) & set(SHOWN) and "option" not in self._open:
            self.outline[-1] += data.replace("\n", " ")

    @property
    def shown(self) -> str:
        """The outline as text."""
        return "".join(f"{_SPACES.sub(' ', line).rstrip()}\n" for line in self.outline)
