"""Where roles can go on the successor: their homes, and what is nearest where there is none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from adapterctl.records.base import BaseShape
from adapterctl.records.recipe import LoraSettings
from adapterctl.rules.mapping.choice import is_saved, spell
from adapterctl.rules.mapping.roles import EXPERTS, by_role, parts_of
from adapterctl.rules.mapping.targets import Question

_NEAREST: dict[str, tuple[str, ...]] = {
    "mlp.gate": ("experts.gate", "mlp.up"),
    "mlp.up": ("experts.up",),
    "mlp.down": ("experts.down",),
    "experts.gate": ("mlp.gate", "mlp.up"),
    "experts.up": ("mlp.up",),
    "experts.down": ("mlp.down",),
    "shared_expert.gate": ("mlp.gate", "experts.gate", "mlp.up"),
    "shared_expert.up": ("mlp.up", "experts.up"),
    "shared_expert.down": ("mlp.down", "experts.down"),
    **{f"cross_attention.{part}": (f"attention.{part}",) for part in ("q", "k", "v", "o")},
}
"""Role to what does most nearly its work, the best first. Nothing goes there unasked."""


@dataclass(frozen=True, kw_only=True)
class Homes:
    """Where roles can go on the successor.

    Attributes:
        available: its roles, with the names that have them.
        by_old: the roles that the old adapter stands on, with its names.
        known: the roles that the old base has at all, fused ones taken apart; ``None`` when it is
            not here.
        reach_experts: whether the settings are such that PEFT can adapt experts.
    """

    new: BaseShape
    available: Mapping[str, Sequence[str]]
    by_old: Mapping[str, Sequence[str]]
    known: frozenset[str] | None
    reach_experts: bool

    @property
    def asked(self) -> frozenset[str]:
        """The roles that the old adapter stands on, fused ones taken apart."""
        return frozenset(part for role in self.by_old for part in parts_of(role))

    def home(self, part: str) -> str | None:
        """Returns the role for an unfused one: itself, or the one that it is fused into."""
        if part in self.available:
            return part
        return next((role for role in self.available if part in parts_of(role)), None)

    def strangers(self, home: str) -> list[str]:
        """Returns what ``home`` would adapt besides, that the old base had and left alone."""
        return [
            part
            for part in parts_of(home)
            if part not in self.asked and (self.known is None or part in self.known)
        ]

    def asked_of(self, home: str) -> list[str]:
        """Returns the parts of ``home`` that the old adapter stands on."""
        return [part for part in parts_of(home) if part in self.asked]

    def olds_in(self, home: str) -> list[str]:
        """Returns the old adapter's roles that ``home`` holds a part of."""
        return [role for role in self.by_old if set(parts_of(role)) & set(parts_of(home))]

    def called(self, *roles: str) -> str:
        """Returns what the successor calls the modules of ``roles``."""
        wanted = [name for role in roles for name in self.available[role]]
        spelled = spell(wanted, [linear.name for linear in self.new.linears])
        return spelled if isinstance(spelled, str) else ", ".join(spelled)

    def nearest(self, role: str) -> list[str]:
        """Returns the successor's roles that stand nearest to an old one; none may be."""
        if role in self.available:
            return [role]
        return list(dict.fromkeys(home for part in parts_of(role) for home in self._near(part)))

    def _near(self, part: str) -> list[str]:
        wanted = (part, *_NEAREST.get(part, ()))
        found = (home for each in wanted if (home := self.home(each)))
        return [home for home in found if self.reach_experts or not home.startswith(EXPERTS)][:1]


def homes(question: Question, by_old: Mapping[str, Sequence[str]]) -> Homes:
    """Returns the homes for the roles of an adapter."""
    lora = question.lora
    return Homes(
        new=question.new,
        available=_available(question),
        by_old=by_old,
        known=_parts_in(question.old),
        reach_experts=not (lora.use_dora or lora.lora_bias),
    )


def listed(words: Iterable[str]) -> str:
    """Returns ``a, b and c``."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def _available(question: Question) -> dict[str, tuple[str, ...]]:
    saving = LoraSettings(modules_to_save=question.must_save)
    free = [
        linear
        for linear in question.new.linears
        if not is_saved(linear.name, saving, task=question.recipe.task)
    ]
    return {role: tuple(names) for role, names in by_role(free).items() if role}


def _parts_in(base: BaseShape | None) -> frozenset[str] | None:
    if base is None:
        return None
    return frozenset(part for role in by_role(base.linears) if role for part in parts_of(role))
