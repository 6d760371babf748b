"""The nouns of mapping LoRA from one base to another: the question, and what is found.

`placing` answers it for the target modules, `carrying` for every other setting.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from adapterctl.errors import AdapterctlError
from adapterctl.records.base import BaseShape, LinearShape
from adapterctl.records.noun import Noun, Sparse
from adapterctl.records.recipe import LoraSettings, Recipe
from adapterctl.rules.mapping.choice import chosen, is_all_linear, is_saved
from adapterctl.rules.mapping.roles import EXPERTS, HEAD, by_role, role_of

OTHER = "other"
"""Stands for the modules that the table of roles does not know."""


class Group(Sparse, frozen=True, kw_only=True):
    """Modules that differ in their layer number only.

    Attributes:
        pattern: their name, with ``*`` for the number.
        features_in: input width; ``None`` when the base is not here to be asked.
        features_out: output width.
    """

    pattern: str
    count: int
    features_in: int | None = None
    features_out: int | None = None


class RoleMatch(Noun, frozen=True, kw_only=True):
    """One role on both sides, and how one came from the other."""

    role: str
    old: list[Group]
    new: list[Group]
    how: str


class Blocker(Noun, frozen=True, kw_only=True):
    """Something that stops a rebuild, and what to write or run so that it does not."""

    what: str
    mend: str

    def __str__(self) -> str:
        return f"{self.what} ({self.mend})"


def blockers_of(error: AdapterctlError) -> list[Blocker]:
    """Returns the problems of an error as what blocks a plan."""
    return [
        Blocker(
            what=f"{problem.place}: {problem.what}" if problem.place else problem.what,
            mend=problem.hint or "correct it and plan again",
        )
        for problem in error.problems
    ]


class RoleMap(Noun, frozen=True, kw_only=True):
    """The LoRA settings for the successor, and where they come from.

    Attributes:
        lora: the settings to train with.
        notes: what changes without stopping anything.
    """

    lora: LoraSettings
    matches: list[RoleMatch]
    notes: list[str]
    blockers: list[Blocker]


@dataclass(frozen=True, kw_only=True)
class Placed:
    """Modules of the old base, and those of the successor that stand for them."""

    role: str
    old: tuple[str, ...]
    new: tuple[str, ...]
    how: str


Finding = Placed | Blocker | str
"""A placement, something that blocks, or a note."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is to be mapped onto what.

    Attributes:
        recipe: the old version's.
        old: the old base, or ``None`` when it is not here any more.
        overrides: ``role_map`` of the recipe as it stands today. A key is a role or the end of
            an old module's name; its value roles or name endings of the successor, or an empty
            list to leave the key out.
        recorded: the modules that the old version's record names; they serve without ``old``.
    """

    recipe: Recipe
    old: BaseShape | None
    new: BaseShape
    overrides: Mapping[str, str | list[str]]
    recorded: Sequence[str] = ()

    @property
    def lora(self) -> LoraSettings:
        """The old version's LoRA settings."""
        return self.recipe.lora

    @property
    def stays_all_linear(self) -> bool:
        """Whether the word ``all-linear`` says everything there is to say."""
        return is_all_linear(self.lora) and not self.lora.exclude_modules and not self.overrides

    @property
    def unknown_heads(self) -> list[str]:
        """The successor's classification heads that PEFT does not save by itself, like T5's."""
        heads = by_role(self.new.linears).get(HEAD, []) if self.recipe.task == "SEQ_CLS" else []
        return self._unsaved(heads)

    @property
    def must_save(self) -> list[str]:
        """What must be trained whole on the successor and what PEFT does not save by itself."""
        return self._unsaved(dict.fromkeys([*self.new.fresh, *self.unknown_heads]))

    def _unsaved(self, names: Iterable[str]) -> list[str]:
        task = self.recipe.task
        return [name for name in names if not is_saved(name, LoraSettings(), task=task)]

    def asked(self) -> list[str]:
        """Returns what of the old base has LoRA, in every layer: modules, and experts.

        What a word means on a mixture of experts changes between releases of PEFT: the record
        knows which experts were adapted.

        Raises:
            re.error: the recipe's expression is none.
        """
        if self.old is None:
            return list(self.recorded)
        everywhere = msgspec.structs.replace(self.lora, layers_to_transform=None)
        found = chosen(everywhere, self.old.linears, task=self.recipe.task)
        known = {linear.name for linear in self.old.linears}
        experts = (name for name in self.recorded if (role_of(name) or "").startswith(EXPERTS))
        return list(dict.fromkeys([*found, *(name for name in experts if name in known)]))


def roles_of(names: Iterable[str]) -> dict[str, list[str]]:
    """Returns role to names, in their order."""
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(role_of(name) or OTHER, []).append(name)
    return found


def groups(names: Iterable[str], linears: Iterable[LinearShape]) -> list[Group]:
    """Returns ``names`` with their layer numbers folded, in their order."""
    widths = {linear.name: (linear.features_in, linear.features_out) for linear in linears}
    folded: dict[tuple[str, int | None, int | None], int] = {}
    for name in names:
        key = (re.sub(r"(?<=\.)\d+(?=\.)", "*", name), *widths.get(name, (None, None)))
        folded[key] = folded.get(key, 0) + 1
    return [
        Group(pattern=pattern, count=count, features_in=wide, features_out=out)
        for (pattern, wide, out), count in folded.items()
    ]


def mend_in_role_map(entry: str) -> str:
    """Returns the words for an entry of ``role_map``."""
    return f"write in recipe.yaml: role_map: {{{entry}}}"


def entry(role: str, homes: Sequence[str]) -> str:
    """Returns one entry of ``role_map``: ``mlp.up: [mlp.up, mlp.gate]``, or ``mlp.up: []``."""
    return f"{role}: {homes[0]}" if len(homes) == 1 else f"{role}: [{', '.join(homes)}]"
