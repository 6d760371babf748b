"""Asking for a mapping between two families in one line."""

from __future__ import annotations

import re

from ruamel.yaml import YAML

from adapterctl.records.recipe import LoraSettings
from adapterctl.rules.mapping.carrying import map_targets
from adapterctl.rules.mapping.targets import Question, RoleMap
from support.families import shape
from support.recipes import classifier


def ask(old: str, new: str, *, role_map=None, task="SEQ_CLS", **lora) -> RoleMap:
    """Maps an adapter with these LoRA settings from one family's small base to another's."""
    recipe = classifier(lora=LoraSettings(**lora), task=task)
    return map_targets(
        Question(
            recipe=recipe, old=shape(old, task), new=shape(new, task), overrides=role_map or {}
        )
    )


def whats(found: RoleMap) -> list[str]:
    """What blocks, without the mends."""
    return [blocker.what for blocker in found.blockers]


def as_mended(found: RoleMap) -> dict[str, str | list[str]]:
    """The ``role_map`` that the mends of what blocks say to write, read as the YAML that it is."""
    role_map: dict[str, str | list[str]] = {}
    for blocker in found.blockers:
        said = re.search(r"write in recipe\.yaml: role_map: (\{.*?\})", blocker.mend)
        assert said, f"nothing to write into the recipe: {blocker}"
        for role, homes in YAML(typ="safe").load(said[1]).items():
            role_map.setdefault(role, homes)
    return role_map
