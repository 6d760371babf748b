"""The message that a team gets about what is new: short enough for every chat."""

from __future__ import annotations

from collections import Counter

from adapterctl.render.audit.summary import people, said
from adapterctl.render.plain import plain
from adapterctl.rules.audit.notices import News, Notice

LONGEST = 1_800
"""Characters of a message; the shortest limit among well-known chats is 2,000, title included."""


def words(notice: Notice) -> tuple[str, str]:
    """Returns title and body: what is new or worse, who has to move, and the mend."""
    notice = plain(notice)
    number = Counter(each.change for each in notice.news)
    kinds = ", ".join(f"{number[kind]:,} {kind}" for kind in ("new", "worse") if number[kind])
    whose = f" for {notice.team}" if notice.team else ""
    return f"adapterctl audit: {kinds}{whose}", _body(notice)


def _body(notice: Notice) -> str:
    shown: list[str] = []
    length = 0
    for each in notice.news:
        entry = _entry(each)
        length += len(entry) + 1
        if shown and length > LONGEST:
            break
        shown.append(entry)
    more = len(notice.news) - len(shown)
    cut = f" --owner {notice.team}" if notice.team else ""
    return "\n".join([*shown, *([f"and {more:,} more: adapterctl audit{cut}"] if more else [])])


def _entry(each: News) -> str:
    one = each.finding
    return (
        f"{one.code} {one.severity} {one.subject}{people(one)}, {each.change}\n"
        f"    {said(one)}\n"
        f"    > {one.mend}"
    )
