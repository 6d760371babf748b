"""A recipe read with all that decides whether it can be honoured."""

from __future__ import annotations

from collections.abc import Iterator

from adapterctl.errors import Problem
from adapterctl.records.reading import merge, read_yaml
from adapterctl.records.recipe import Recipe
from adapterctl.records.yaml_text import parse
from adapterctl.rules.contradiction import Contradiction
from adapterctl.rules.recipes import contradictions
from adapterctl.rules.trainer_commands import command_of, config_mistakes, is_outside
from adapterctl.stores.registry.reading import ProjectFiles, text_of


def read_recipe(files: ProjectFiles, raw: bytes, *, file: str) -> Recipe:
    """Returns the recipe in a file's content.

    Raises:
        InvalidInput: naming every problem of the recipe, and of its trainer's config, with its
            place.
    """
    text = text_of(raw, file)
    recipe = read_yaml(text, Recipe, file=file)
    wrong = [*contradictions(recipe), *_in_trainer_config(files, recipe)]
    if wrong:
        document = parse(text, file=file)
        merge(Problem(place=document.place(w.path), what=w.what, hint=w.hint) for w in wrong)
    return recipe


def _in_trainer_config(files: ProjectFiles, recipe: Recipe) -> Iterator[Contradiction]:
    """Yields what is wrong with a trainer's config that lies in this repository."""
    command = command_of(recipe)
    if command is None or command.config is None or recipe.code is not None:
        return
    if not is_outside(command.config):
        raw = files.read(command.config)
        text = None if raw is None else text_of(raw, command.config)
        yield from config_mistakes(command, text)
