"""The gates of `register`: what would make an orphan of an adapter, judged before it is built.

Every gate is a finding of DESIGN.md, section 7. One refuses when the adapter could not be rebuilt
from what would be registered, or nobody would see to it; the others are said and let through.
`params.yaml` can turn either way, and a waiver lets one finding through until a date.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

import msgspec

from adapterctl.records.noun import Noun
from adapterctl.records.policy import Level, People, Waiver
from adapterctl.records.recipe import Recipe, Serving
from adapterctl.records.run import RunFacts
from adapterctl.rules.audit.endings import endings
from adapterctl.rules.audit.judged import Frame
from adapterctl.rules.audit.upkeep import left
from adapterctl.rules.findings import ENDINGS, Finding, Severity, waived
from adapterctl.rules.lifecycle.almanac import Almanac, Status
from adapterctl.rules.overlap import Overlap
from adapterctl.rules.standing import consumers_of, owners_of

NAMED_ROWS = 10
"""So many overlapping rows are named; their number is always said."""


class Gate(Noun, frozen=True, kw_only=True):
    """A finding about an adapter that is to be registered; ``refuses``: not like this."""

    finding: Finding
    refuses: bool


class Prospect(Noun, frozen=True, kw_only=True):
    """An adapter that has no version yet, as far as `endings` asks of one."""

    recipe: Recipe
    status: Status
    aliases: list[str] = []
    passed: int | None = None

    @property
    def adapter(self) -> str:
        """The adapter's name."""
        return self.recipe.adapter

    @property
    def name(self) -> str:
        """What findings call it: there is no version to name."""
        return self.recipe.adapter

    @property
    def base(self) -> str:
        """The base it is to be built on."""
        return self.recipe.base

    @property
    def owners(self) -> list[str]:
        """The team that will own it, then the one that will cover for it."""
        return owners_of(self.recipe)

    @property
    def consumers(self) -> list[str]:
        """Who will be served."""
        return consumers_of(self.serving)

    @property
    def serving(self) -> list[Serving]:
        """Where they will be served."""
        return self.recipe.serving


def gate(
    recipe: Recipe, code: str, severity: Severity, *, message: str, mend: str, refuses: bool = True
) -> Gate:
    """Returns a gate about an adapter, with its people filled in."""
    finding = Finding(
        code=code,
        severity=severity,
        subject=f"adapter:{recipe.adapter}",
        message=message,
        owners=owners_of(recipe),
        base=recipe.base,
        mend=mend,
    )
    return Gate(finding=finding, refuses=refuses)


def decided(
    gates: Iterable[Gate],
    *,
    policy: Mapping[str, Level],
    waivers: Sequence[Waiver],
    today: date,
) -> list[Gate]:
    """Returns the gates as project policy and waivers leave them, refusing ones first."""
    told = []
    for each in gates:
        finding = waived(each.finding, waivers, today=today)
        level = policy.get(finding.code, "refuse" if each.refuses else "warn")
        refuses = level == "refuse" and finding.waived_until is None
        told.append(Gate(finding=finding, refuses=refuses))
    return sorted(told, key=lambda each: (not each.refuses, each.finding.code))


def of_people(recipe: Recipe, people: People, *, today: date) -> Iterator[Gate]:
    """Yields OWN001 and OWN002: nobody answers for it, or nobody will any more."""
    owners, where = recipe.owners, _recipe(recipe)
    if owners.team is None:
        mend = f"write owners.team in {where}"
        yield gate(recipe, "OWN001", "medium", message="no owner", mend=mend)
    if owners.backup is None:
        mend = f"write owners.backup in {where}"
        yield gate(recipe, "OWN001", "medium", message="no backup owner", mend=mend, refuses=False)
    missing = left(people, today=today)
    for gone in (missing[team] for team in owners_of(recipe) if team in missing):
        yield gate(
            recipe,
            "OWN002",
            "high",
            message=f"team {gone.team} has nobody left"
            + (f" since {gone.last}" if gone.last else ""),
            mend=f"name another team in {where}, or its members in registry/people.yaml",
        )


def of_selection(recipe: Recipe) -> Iterator[Gate]:
    """Yields DATA004: nothing says why these rows were chosen."""
    selection, where = recipe.data.train.selection, f"data.train.selection in {_recipe(recipe)}"
    if selection is None:
        yield gate(
            recipe,
            "DATA004",
            "medium",
            message=f"nothing says where the rows of {recipe.data.train.path} come from",
            mend=f"write {where}: the pool, and the rule or reason of the choice",
            refuses=False,
        )
    elif selection.rule is None and not (selection.reason or "").strip():
        yield gate(
            recipe,
            "DATA004",
            "medium",
            message=f"rows were chosen out of {selection.pool}, by no rule and for no reason given",
            mend=f"write rule: FILE.py:FUNCTION, or reason: TEXT, in {where}",
        )


def of_trust(recipe: Recipe) -> Iterator[Gate]:
    """Yields CODE005: code that came with the base runs here, with all that its user may do."""
    if recipe.trust_remote_code:
        yield gate(
            recipe,
            "CODE005",
            "medium",
            message=f"code in the folder of {recipe.base} runs with it",
            mend=f"remove trust_remote_code from {_recipe(recipe)} when transformers knows "
            "the architecture",
            refuses=False,
        )


def of_overlap(recipe: Recipe, found: Mapping[str, Overlap]) -> Iterator[Gate]:
    """Yields DATA006 for each evaluation set that shares rows with the training set."""
    for name, each in found.items():
        if not each.shared and not each.near:
            continue
        rows = [row for row, _ in (*each.shared, *each.near)]
        named = ", ".join(map(str, rows[:NAMED_ROWS])) + (", ..." if len(rows) > NAMED_ROWS else "")
        yield gate(
            recipe,
            "DATA006",
            "medium",
            message=f"{name}: {len(each.shared):,} rows stand in the training set, "
            f"{len(each.near):,} more nearly do: rows {named}",
            mend=f"leave them out of {recipe.data.evaluation[name].path}, or out of training",
            refuses=False,
        )


def of_run(recipe: Recipe, run: RunFacts) -> Iterator[Gate]:
    """Yields DATA002: a run elsewhere trained on examples that the recipe does not give."""
    path = recipe.data.train.path
    if run.rows is None:
        message = f"nothing tells whether the run trained on the rows of {path}"
        mend = "RegisterCallback compares them, where the dataset has a length"
        yield gate(recipe, "DATA002", "critical", message=message, mend=mend, refuses=False)
        return
    other = run.rows - run.same_rows - run.relabelled
    if run.relabelled:
        yield gate(
            recipe,
            "DATA002",
            "critical",
            message=f"{run.relabelled:,} of the run's {run.rows:,} examples have another label id",
            mend="number the labels in their sorted order, as label2id of the base's config",
        )
    if other:
        yield gate(
            recipe,
            "DATA002",
            "critical",
            message=f"{other:,} of the run's {run.rows:,} examples are not what "
            f"{recipe.preprocessing} gives of {path}",
            mend="train on what the preprocessing gives, or write into it what was done besides",
        )


def of_base(recipe: Recipe, status: Status, *, almanac: Almanac, frame: Frame) -> Iterator[Gate]:
    """Yields the ends in sight of the base; one whose rebuild-by has passed refuses."""
    prospect = Prospect(recipe=recipe, status=status)
    for finding in endings(prospect, almanac, frame):
        if finding.code not in ENDINGS:
            yield Gate(finding=finding, refuses=False)
            continue
        mend = f"write a base with more time under base in {_recipe(recipe)}"
        late = finding.severity in {"critical", "high"}
        yield Gate(finding=msgspec.structs.replace(finding, mend=mend), refuses=late)


def _recipe(recipe: Recipe) -> str:
    return f"registry/adapters/{recipe.adapter}/recipe.yaml"
