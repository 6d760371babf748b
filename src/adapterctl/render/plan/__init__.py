"""A rebuild plan in every form; `text` and `fleet` are read by people, `answers` by scripts."""

from adapterctl.render.plan.answers import as_json, fleet_as_json
from adapterctl.render.plan.fleet import fleet_as_text
from adapterctl.render.plan.text import as_text
from adapterctl.render.plan.words import duration

__all__ = ["as_json", "as_text", "duration", "fleet_as_json", "fleet_as_text"]
