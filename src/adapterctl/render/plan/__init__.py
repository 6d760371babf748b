"""A rebuild plan in every form: for people, for a pull request, for scripts."""

from adapterctl.render.plan.answers import as_json, fleet_as_json
from adapterctl.render.plan.fleet import fleet_as_text
from adapterctl.render.plan.markdown import as_markdown, fleet_as_markdown
from adapterctl.render.plan.text import as_text
from adapterctl.render.plan.words import duration, size

__all__ = [
    "as_json",
    "as_markdown",
    "as_text",
    "duration",
    "fleet_as_json",
    "fleet_as_markdown",
    "fleet_as_text",
    "size",
]
