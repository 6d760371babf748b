"""What one name means, said in a form that can be compared, and by which rule."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, NamedTuple

from adapterctl.rules.lifecycle.providers import provider_name
from adapterctl.rules.names.families import repository_of
from adapterctl.rules.names.known import known
from adapterctl.rules.names.mirrors import origin_of
from adapterctl.rules.names.spellings import open_weights, plain, whose

How = Literal["exact", "capitals", "spelling", "mirror", "renamed", "table"]
"""As it stands; but for capitals; by a rule of spelling; as the repository that a mirror is made
from; by a new name on the Hub; by the table of known names."""


class Meaning(NamedTuple):
    """What a name stands for.

    Attributes:
        base: a repository of the Hub, or a provider's own name, in small letters.
        how: by which rule; ``capitals`` where none was needed.
        provider: whose name it is; ``None`` for names that are the same everywhere.
    """

    base: str
    how: How
    provider: str | None


@lru_cache(maxsize=65_536)
def at_provider(name: str, provider: str) -> Meaning:
    """Returns what a provider's name for a base means; the name itself where no rule knows it."""
    provider = provider_name(provider)
    text = plain(name, provider)
    for spelt in dict.fromkeys(open_weights(text, provider)):
        if meant := known(spelt, provider):
            return Meaning(meant.lower(), "table", provider)
        if meant := repository_of(spelt):
            same = meant.lower() == name.lower()
            return Meaning(meant.lower(), "capitals" if same else "spelling", provider)
    return Meaning(text, "capitals" if text == name.lower() else "spelling", provider)


@lru_cache(maxsize=65_536)
def anywhere(name: str) -> Meaning:
    """Returns what a name means that nobody's provider was said of: a repository, or an alias.

    A form that one provider alone writes is that provider's; a mirror's repository is the base
    that it is made from.
    """
    if provider := whose(name):
        return at_provider(name, provider)
    if origin := origin_of(name):
        return Meaning(origin.lower(), "mirror", None)
    meant = repository_of(name) if "/" in name else None
    if meant is None or meant.lower() == name.lower():
        return Meaning(name.lower(), "capitals", None)
    return Meaning(meant.lower(), "spelling", None)
