"""A team's own evaluator: its command line and placeholders, and which metric it gives."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from adapterctl.records.recipe import Evaluator, Recipe
from adapterctl.rules.contradiction import Contradiction
from adapterctl.rules.parity.metrics import EVALUATOR
from adapterctl.rules.trainer_commands import in_command, in_config, names_in

KEY = "evaluator"

PLACEHOLDERS = ("rows", "out", "config", "seed", "judge")

NEEDED = {"rows": "where the answers to judge lie", "out": "where to write its scores"}


def evaluator_of(recipe: Recipe) -> Evaluator | None:
    """Returns the recipe's own evaluator, ``None`` for the builtin metrics alone."""
    return recipe.evaluator if isinstance(recipe.evaluator, Evaluator) else None


def judged_sets(recipe: Recipe) -> list[str]:
    """Returns the evaluation sets whose answers the evaluator judges."""
    if evaluator_of(recipe) is None:
        return []
    sets = recipe.data.evaluation.items()
    return [name for name, each in sets if EVALUATOR in each.metrics]


def evaluator_mistakes(recipe: Recipe) -> Iterator[Contradiction]:
    """Yields what is wrong with an evaluator, as far as the recipe alone can tell."""
    command = evaluator_of(recipe)
    if command is None:
        for name, each in recipe.data.evaluation.items():
            if EVALUATOR in each.metrics:
                path = ("data", "evaluation", name, "metrics", each.metrics.index(EVALUATOR))
                mend = 'add `evaluator: {command: "... {rows} ... {out}"}`'
                yield Contradiction(path, "the recipe names no evaluator", mend)
        return
    yield from _in_templates(command)
    yield from in_command(command, key=KEY)
    yield from in_config(command, key=KEY)
    if not judged_sets(recipe):
        hint = f"add {EVALUATOR} to the metrics of an evaluation set, or remove it"
        yield Contradiction((KEY,), "no metric reads its scores", hint)


def _in_templates(command: Evaluator) -> Iterator[Contradiction]:
    templates: dict[tuple[str, ...], str] = {(KEY, "command"): command.command}
    templates |= {(KEY, "set", key): value for key, value in command.set.items()}
    for path, template in templates.items():
        for name in names_in(template):
            if name not in PLACEHOLDERS:
                near = difflib.get_close_matches(name, PLACEHOLDERS, n=1)
                known = " ".join(f"{{{each}}}" for each in PLACEHOLDERS)
                hint = f"did you mean {{{near[0]}}}?" if near else f"known: {known}"
                yield Contradiction(path, f"unknown placeholder {{{name}}}", hint)
            elif name == "config" and command.config is None:
                yield Contradiction(path, f"{{config}} without {KEY}.config", "name the file")
            elif name == "judge" and command.judge is None:
                mend = "name the model that judges: adapterctl bases add"
                yield Contradiction(path, f"{{judge}} without {KEY}.judge", mend)
    for name, what in NEEDED.items():
        if not any(name in names_in(template) for template in templates.values()):
            mend = f"write {{{name}}} in {KEY}.command"
            yield Contradiction((KEY,), f"the evaluator is not told {what}", mend)
