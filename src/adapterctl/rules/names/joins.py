"""Which names in the feeds are a base's, and by which rule each was found.

A name at one provider is compared with what feeds say of that provider alone. The name of a
repository is compared with every provider's names for its weights, and, as a place that weights
are fetched from, only with itself, old and new: a mirror is not gone when what it mirrors is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from adapterctl.records.base import Base
from adapterctl.rules.names.meanings import How, Meaning, anywhere, at_provider
from adapterctl.rules.names.renames import Renames

EXPLAINED: dict[How, str] = {
    "exact": "the same name",
    "capitals": "the same but for capitals",
    "spelling": "the provider's spelling of it",
    "mirror": "what it is made from",
    "renamed": "its other name on the Hub",
    "table": "the provider's name for it, by the table of names",
}


class Subject(NamedTuple):
    """What a feed calls a base.

    Attributes:
        provider: where; ``None`` for the weights themselves, wherever they are served.
        by_hand: a person said it, of a base of the registry: it is compared as it stands alone.
    """

    name: str
    provider: str | None
    by_hand: bool = False


class Join(NamedTuple):
    """A feed's name that is a base's.

    Attributes:
        ours: the base's name that it was found by.
        subject: the feed's.
        how: by which rule.
    """

    ours: str
    subject: Subject
    how: How


class Joins:
    """The names of all feeds, looked up by what they mean."""

    def __init__(self, subjects: Iterable[Subject], renames: Renames) -> None:
        self._renames = renames
        self._as_stated: dict[str, list[Subject]] = {}
        self._repositories: dict[str, list[Subject]] = {}
        self._there: dict[tuple[str, str], list[tuple[Subject, Meaning]]] = {}
        self._anywhere: dict[str, list[tuple[Subject, Meaning]]] = {}
        for subject in dict.fromkeys(subjects):
            self._add(subject)

    def _add(self, subject: Subject) -> None:
        self._as_stated.setdefault(subject.name, []).append(subject)
        if subject.by_hand:
            return
        if subject.provider is None:
            place = self._renames.newest(subject.name).lower()
            self._repositories.setdefault(place, []).append(subject)
            return
        meant = at_provider(subject.name, subject.provider)
        self._there.setdefault((meant.provider or "", meant.base), []).append((subject, meant))
        self._anywhere.setdefault(meant.base, []).append((subject, meant))

    def of_base(self, base: Base) -> list[Join]:
        """Returns the feeds' names of a declared base, each once; its own as they stand, first."""
        source = base.source
        found = [
            *(
                join
                for name in names_of(base)
                for join in self._as_it_stands(name)
                if not _is_another(base, join)
            ),
            *(join for name in [source.hub, *base.names] if name for join in self._of_name(name)),
        ]
        if source.provider and source.model:
            found += self._at(source.model, at_provider(source.model, source.provider))
        return _each_once(found)

    def of_stated(self, name: str) -> list[Join]:
        """Returns the feeds' names of a base that is only stated."""
        return _each_once([*self._as_it_stands(name), *self._of_name(name)])

    def _as_it_stands(self, name: str) -> Iterator[Join]:
        for subject in self._as_stated.get(name, ()):
            yield Join(name, subject, "exact")

    def _of_name(self, name: str) -> Iterator[Join]:
        now = self._renames.newest(name)
        moved = now.lower() != name.lower()
        for subject in self._repositories.get(now.lower(), ()):
            same = not moved and subject.name.lower() == name.lower()
            yield Join(name, subject, "capitals" if same else "renamed")
        meant = anywhere(now)
        if meant.provider is not None:
            yield from self._at(name, meant)
            return
        for subject, theirs in self._anywhere.get(meant.base, ()):
            yield Join(name, subject, "renamed" if moved else _how(meant, theirs))

    def _at(self, name: str, meant: Meaning) -> Iterator[Join]:
        for subject, theirs in self._there.get((meant.provider or "", meant.base), ()):
            yield Join(name, subject, _how(meant, theirs))


def _is_another(base: Base, join: Join) -> bool:
    """Whether a feed's name, equal to what a team calls a repository, is known for another's."""
    provider, repository = join.subject.provider, base.source.hub
    if join.ours != base.base or provider is None or repository is None or join.subject.by_hand:
        return False
    theirs = at_provider(join.subject.name, provider)
    is_known = theirs.how == "table" or "/" in theirs.base
    return is_known and theirs.base != anywhere(repository).base


def _how(ours: Meaning, theirs: Meaning) -> How:
    """Returns the rule that did the most."""
    used = (ours.how, theirs.how)
    order: Sequence[How] = ("table", "mirror", "spelling")
    return next((how for how in order if how in used), "capitals")


def _each_once(found: Iterable[Join]) -> list[Join]:
    """Returns the first join of each subject: a rule that did less was asked before."""
    first: dict[Subject, Join] = {}
    for join in found:
        first.setdefault(join.subject, join)
    return list(first.values())


def names_of(base: Base) -> list[str]:
    """Returns what dates may call a base: its names, and what its source calls it."""
    stated = [base.base, *base.names, base.source.model, base.source.hub]
    return list(dict.fromkeys(name for name in stated if name))
