"""A plan on file: what it decides, sealed by a digest, beside the answer that people read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from adapterctl.errors import Mismatch, Refused
from adapterctl.records.canonical import digest
from adapterctl.records.noun import Name, Noun, Sha256
from adapterctl.rules.planning.basis import Decision, difference


class SavedPlan(Noun, frozen=True, kw_only=True):
    """What ``plan --save`` writes: canonical JSON.

    Attributes:
        digest: sha256 over the canonical JSON of ``decides``.
        saved: when, UTC.
        on_base: the base that all of them stood on, of a fleet; ``None`` for one adapter.
        to: the successor.
        decides: what a rebuild does, most urgent first.
        answer: the plans as they were shown, without row texts; nothing is read from it.
    """

    schema_version: Literal[1]
    digest: Sha256
    saved: str
    on_base: Name | None
    to: Name
    decides: list[Decision]
    answer: list[Any]

    @property
    def names(self) -> list[str]:
        """The versions to rebuild, most urgent first."""
        return [one.name for one in self.decides]


def sealed(
    decides: Sequence[Decision], answer: Sequence[Any], *, to: str, on_base: str | None, at: str
) -> SavedPlan:
    """Returns decisions with their seal."""
    return SavedPlan(
        schema_version=1,
        digest=digest(list(decides)),
        saved=at,
        on_base=on_base,
        to=to,
        decides=list(decides),
        answer=list(answer),
    )


def must_be_sealed(plan: SavedPlan, *, place: str) -> None:
    """Refuses a file whose decisions are not the ones that were saved.

    Raises:
        Mismatch: they were changed.
    """
    found = digest(plan.decides)
    if found != plan.digest:
        raise Mismatch(
            f"the plan was changed after it was saved: {found[:12]} instead of {plan.digest[:12]}",
            place=place,
            hint="change the recipe or its role_map instead, and save a new plan: "
            f"{_again(plan)} --save FILE",
        )


def must_still_hold(plan: SavedPlan | None, now: Decision) -> None:
    """Refuses to run a plan that rests on something else by now; no plan holds always.

    Raises:
        Refused: naming all that differs.
    """
    if plan is None:
        return
    then = next((one for one in plan.decides if one.name == now.name), None)
    changed = difference(then, now) if then else ["it is not in the plan"]
    if changed:
        raise Refused(
            f"the plan saved at {plan.saved} does not hold any more: {'; '.join(changed)}",
            place=f"{now.name} -> {now.to}",
            hint=f"put it back, or read and save a new plan: {_again(plan)} --save FILE",
        )


def _again(plan: SavedPlan) -> str:
    if plan.on_base is not None:
        return f"adapterctl plan --on-base {plan.on_base} --to {plan.to}"
    return f"adapterctl plan {', '.join(plan.names)} --to {plan.to}"
