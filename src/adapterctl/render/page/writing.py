"""How templates are filled in: everything escaped, no credentials, only web addresses are links."""

from __future__ import annotations

import re
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

from adapterctl.render.audit.summary import count
from adapterctl.render.plain import plain_text
from adapterctl.rules.redaction import without_credentials, without_secrets

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_WEB = re.compile(r"^https?://[^\s/?#]+")

_DAY = re.compile(r"\b\d{4}-\d\d-\d\d\b")

_MINUS = "−"


def filled(template: str, **values: Any) -> str:
    """Returns a template of this room with ``values`` in it."""
    return _environment().get_template(template).render(values)


def asset(name: str) -> str:
    """Returns a file of this room that goes into the site as it is."""
    from importlib.resources import files

    return files(__package__).joinpath(name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("adapterctl.render.page"),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(link=link, days=days, slack=slack, count=count, away=away)
    return environment


def _shown(value: Any) -> Any:
    """What every expression of a template goes through before it is escaped."""
    if not isinstance(value, str) or hasattr(value, "__html__"):
        return "" if value is None else value
    return without_secrets(value if value.isprintable() else plain_text(value))


def link(text: str) -> Markup | str:
    """Returns a link to a web address; any other text, ``javascript:`` too, stays text."""
    from markupsafe import Markup

    address = _shown(without_credentials(text.strip()))
    if not _WEB.match(address):
        return text
    return Markup('<a href="{0}" rel="noreferrer">{0}</a>').format(address)


def days(text: str) -> Markup:
    """Returns a sentence with its days marked as such, so that no line breaks inside one."""
    from markupsafe import Markup, escape

    marked = _DAY.sub(lambda day: f"<time>{day.group()}</time>", str(escape(_shown(text))))
    return Markup(marked)


def slack(days: int | None) -> str:
    """Returns ``17 d``, or ``-17 d`` with a minus sign, or a dash without a firm date."""
    if days is None:
        return "–"
    return f"{_MINUS}{-days:,} d" if days < 0 else f"{days:,} d"


def away(day: date, today: date) -> str:
    """Returns ``in 43 d``, ``today`` or ``8 d ago``."""
    days = (day - today).days
    if days == 0:
        return "today"
    return f"in {days:,} d" if days > 0 else f"{-days:,} d ago"
