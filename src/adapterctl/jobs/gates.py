"""What stands between a recipe and its registration: every gap at once, while it can be closed.

Needs no weights. What the preprocessing shows when it is run stands in `watching`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from adapterctl.errors import InvalidInput, Problem, Refused
from adapterctl.jobs.capsule import must_agree, read_capsule
from adapterctl.jobs.inputs import retention
from adapterctl.jobs.inputs.code_root import code_root
from adapterctl.jobs.inputs.pinning import chosen_rows
from adapterctl.jobs.inputs.sources import Row, Sources, data_paths, gather, located, raw_rows
from adapterctl.jobs.inputs.watching import outside, watch
from adapterctl.jobs.project import Project
from adapterctl.jobs.waive import waive
from adapterctl.records.canonical import compact
from adapterctl.records.capsule import Capsule
from adapterctl.records.recipe import Recipe
from adapterctl.records.run import RunFacts
from adapterctl.records.version import FilePin
from adapterctl.rules import gates as rules
from adapterctl.rules.audit.judged import Frame
from adapterctl.rules.codes import check_code
from adapterctl.rules.gates import Gate, gate
from adapterctl.rules.recipes import TRAIN
from adapterctl.stores.code import pinned
from adapterctl.stores.imports import unresolved

if TYPE_CHECKING:
    from adapterctl.stores.git import GitFacts

CODE_ALONE = frozenset({"CODE001", "CODE002", "CODE004"})
"""Refused by these, the preprocessing cannot be run from its bundle."""


class NotRebuildable(Refused):
    """A registration refused; ``gates`` are all of its gaps, those that only warn included."""

    def __init__(self, gates: list[Gate]) -> None:
        self.gates = gates
        self.problems = tuple(_problem(each) for each in gates if each.refuses)
        Exception.__init__(self, "\n".join(map(str, self.problems)))


@dataclass(frozen=True, kw_only=True)
class Examined:
    """The gates of one recipe, decided, and the files that its preprocessing needs."""

    gates: list[Gate]
    code: tuple[FilePin, ...]


def _problem(each: Gate) -> Problem:
    """Returns a gate as an error names it."""
    finding = each.finding
    return Problem(
        place=finding.subject, what=f"{finding.code} {finding.message}", hint=finding.mend
    )


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What `register --check` found; ``rows`` are counted per set where its code may run."""

    recipe: Recipe
    gates: list[Gate]
    rows: dict[str, int]


def check(project: Project, recipe_path: Path, *, capsule: Path | None = None) -> Checked:
    """Runs only the gates that need no weights in memory; writes nothing.

    Args:
        project: where.
        recipe_path: the recipe.
        capsule: what a run elsewhere left: its recipe, as used, and its rows are judged instead.
    """
    kept = None if capsule is None else read_capsule(capsule)
    recipe = kept.recipe if kept else project.registry.recipe_at(located(project, recipe_path))
    examined = examine(project, recipe, run=kept.run if kept else None)
    sources = _gathered(project, recipe, examined, capsule=kept)
    rows = {name: len(rows) for name, rows in sources.rows.items()} if sources else {}
    return Checked(recipe=recipe, gates=examined.gates, rows=rows)


def accept(
    project: Project, recipe_path: Path, codes: Sequence[str], *, reason: str, until: date
) -> list[str]:
    """Accepts gaps of the recipe's adapter until a day; returns the files written.

    Raises:
        InvalidInput: an unknown code, no reason, or a day in the past; nothing is written.
    """
    recipe = project.registry.recipe_at(located(project, recipe_path))
    home = project.registry.recipe_path(recipe.adapter)
    if not home.is_file():
        raise InvalidInput.one(
            f"adapter {recipe.adapter!r} is not in the registry: nothing of it can be accepted",
            place=str(recipe_path),
            hint=f"copy it to {home.relative_to(project.root).as_posix()} first",
        )
    subject = [f"adapter:{recipe.adapter}"]
    for code in codes:
        check_code(code)
    accepted = [waive(project, code, subject, reason=reason, until=until) for code in codes]
    return sorted({path for each in accepted for path in each.written})


def passed(
    project: Project,
    recipe: Recipe,
    *,
    run: RunFacts | None = None,
    capsule: Capsule | None = None,
) -> Sources:
    """Returns the sources of a recipe that may be registered; says what it only warns of.

    Args:
        project: where.
        recipe: what is to be registered.
        run: what is known of a run elsewhere, where there was one.
        capsule: what it left, which holds the same.

    Raises:
        NotRebuildable: a gate refuses; every gap is named.
        InvalidInput: data, code or labels are not usable, or not those of the run.
        Mismatch: the base's weights changed since they were added.
    """
    examined = examine(project, recipe, run=capsule.run if capsule else run)
    sources = _gathered(project, recipe, examined, capsule=capsule)
    if sources is None or any(each.refuses for each in examined.gates):
        raise NotRebuildable(examined.gates)
    for each in examined.gates:
        project.display.say(f"warning: {_problem(each)}")
    return sources


def _gathered(
    project: Project, recipe: Recipe, examined: Examined, *, capsule: Capsule | None
) -> Sources | None:
    """Gathers whatever the gates say, for bad input goes before a judgement.

    Where the code is what they refuse, nothing can be gathered.
    """
    if any(each.refuses and each.finding.code in CODE_ALONE for each in examined.gates):
        return None
    sources = gather(project, recipe, code=examined.code)
    if capsule is not None:
        must_agree(capsule, sources)
    return sources


def examine(project: Project, recipe: Recipe, *, run: RunFacts | None = None) -> Examined:
    """Looks at everything that can be judged without weights; writes nothing.

    Raises:
        InvalidInput: data cannot be read, or the preprocessing fails where its author runs it.
    """
    raw = {name: raw_rows(project, path) for name, path in data_paths(recipe).items()}
    found = [
        *rules.of_people(recipe, project.registry.people(), today=project.today),
        *rules.of_selection(recipe),
        *rules.of_trust(recipe),
        *_rule(project, recipe, raw[TRAIN]),
        *_base(project, recipe),
        *retention.gates(project, recipe),
        *(rules.of_run(recipe, run) if run else ()),
    ]
    code: tuple[FilePin, ...] = ()
    if recipe.preprocessing.partition(":")[0].endswith(".ipynb"):
        found += _notebook(project, recipe)
    else:
        watched = watch(project, recipe, raw)
        code = watched.code
        found += [*watched.gates, *_committed(project, recipe, code)]
    decided = rules.decided(
        found,
        policy=project.policy.gates,
        waivers=project.registry.waivers(),
        today=project.today,
    )
    return Examined(gates=decided, code=code)


def _notebook(project: Project, recipe: Recipe) -> Iterator[Gate]:
    """Yields CODE004, and what can be said of a notebook's code without running it."""
    root, path = code_root(project, recipe), recipe.preprocessing.partition(":")[0]
    yield gate(
        recipe,
        "CODE004",
        "medium",
        message=f"{recipe.preprocessing} is in a notebook, which no clean process can run",
        mend="move the function into a .py file, and name that",
    )
    for foreign in unresolved(root, [path]):
        yield outside(recipe, foreign)
    yield from _committed(project, recipe, tuple(pinned(root, [path])))


def _rule(project: Project, recipe: Recipe, train: list[Row]) -> Iterator[Gate]:
    """Yields DATA005: the selection's rule, run again, gives other rows or none."""
    selection = recipe.data.train.selection
    if selection is None:
        return
    pool = raw_rows(project, selection.pool)
    try:
        chosen = chosen_rows(code_root(project, recipe), selection, pool)
    except InvalidInput as error:
        yield _other_rows(recipe, f"{error.problems[0].place}: {error.problems[0].what}")
        return
    trained = sorted(compact(row) for row in train)
    if chosen is None:
        strange = len(set(trained) - {compact(row) for row in pool})
        if strange:
            yield _other_rows(recipe, f"{strange:,} rows are not in the pool {selection.pool}")
    elif sorted(compact(pool[number]) for number in chosen) != trained:
        yield _other_rows(
            recipe,
            f"{selection.rule} chooses {len(chosen):,} rows of the pool that are not the "
            f"{len(train):,} rows of {recipe.data.train.path}",
        )


def _other_rows(recipe: Recipe, message: str) -> Gate:
    mend = "correct the rule, or write the training set with it"
    return gate(recipe, "DATA005", "high", message=message, mend=mend)


def _base(project: Project, recipe: Recipe) -> Iterator[Gate]:
    """Yields what is known of how long the base lives."""
    base = project.registry.base(recipe.base)
    almanac = project.almanac({base.base: base})
    status = almanac.status_on(
        project.today,
        base=recipe.base,
        serving=recipe.serving,
        lead_days=project.policy.lead_time_days,
    )
    frame = Frame(today=project.today, horizon_days=project.policy.horizon_days)
    yield from rules.of_base(recipe, status, almanac=almanac, frame=frame)


def _committed(project: Project, recipe: Recipe, code: tuple[FilePin, ...]) -> Iterator[Gate]:
    """Yields CODE003: no commit holds the code as it stands, or none that others can fetch."""
    from adapterctl.stores.git import facts

    path = project.registry.recipe_path(recipe.adapter).relative_to(project.root).as_posix()
    paths = [pin.path for pin in code]
    if not (project.root / path).is_file():
        yield _not_at_home(recipe, path)
    elif recipe.code is None:
        yield from _uncommitted(recipe, facts(project.root, [*paths, path]), path=path)
    else:
        yield from _uncommitted(recipe, facts(code_root(project, recipe), paths), path=paths[0])
        yield from _uncommitted(recipe, facts(project.root, [path]), path=path)


def _not_at_home(recipe: Recipe, path: str) -> Gate:
    return gate(
        recipe,
        "CODE003",
        "high",
        message="the recipe is not in the registry",
        mend=f"copy it to {path}, git add {path}, then git commit",
    )


def _uncommitted(recipe: Recipe, found: GitFacts, *, path: str) -> Iterator[Gate]:
    if found.commit is None or found.dirty:
        dirty = ", ".join(found.dirty)
        yield gate(
            recipe,
            "CODE003",
            "high",
            message=f"not committed: {dirty}" if dirty else "not under git",
            mend=f"git add {' '.join(found.dirty) or path}, then git commit",
        )
    elif not found.pushed:
        remote = f"no branch of {found.remote} reaches" if found.remote else "no git remote holds"
        yield gate(
            recipe,
            "CODE003",
            "high",
            message=f"{remote} commit {found.commit[:12]}: it is on this machine only",
            mend="git push" if found.remote else "git remote add origin URL, then git push",
            refuses=found.remote is not None,
        )
