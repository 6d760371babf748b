"""What a plan rests on, and what decides the build that it describes.

A saved plan is run only while all of it is as it was: see `difference`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from adapterctl.records.base import BaseDigests, Fingerprint
from adapterctl.records.canonical import digest
from adapterctl.records.noun import Name, Noun, Sha256
from adapterctl.records.recipe import Recipe
from adapterctl.rules.environments import result_bearing
from adapterctl.rules.planning.facts import Facts
from adapterctl.rules.trainer_commands import command_of


class Basis(Noun, frozen=True, kw_only=True):
    """What a plan was made from, by its digests.

    Attributes:
        record: of the old version, over its canonical JSON: data, code, base, recipe, all of it.
        fingerprint: of the successor; ``digests`` of what stands beside its weights.
        role_map: of the recipe as it stood.
        environment: what of it can change results.
        config: of a trainer command, over its text; ``None`` without one.
    """

    record: Sha256
    fingerprint: Fingerprint | None
    digests: BaseDigests
    role_map: dict[str, str | list[str]]
    environment: dict[str, Any]
    config: Sha256 | None = None


class Decision(Noun, frozen=True, kw_only=True):
    """What decides a build: from which version, onto what, by which recipe, up to which rung.

    Attributes:
        can_run: nothing blocked it.
        rungs: what the rebuild climbs, until one passes.
    """

    adapter: Name
    from_version: int
    to: Name
    can_run: bool
    basis: Basis
    recipe: Recipe
    rungs: list[str]

    @property
    def name(self) -> str:
        """The old version: ``router@1``."""
        return f"{self.adapter}@{self.from_version}"


def basis_of(facts: Facts) -> Basis:
    """Returns what a plan from these facts rests on."""
    own = command_of(facts.record.recipe) is not None
    text = facts.trainer.config if facts.trainer else None
    return Basis(
        record=digest(facts.record),
        fingerprint=facts.new_base.fingerprint,
        digests=facts.new_base.digests,
        role_map=dict(facts.recipe.role_map),
        environment=result_bearing(facts.running, own_trainer=own),
        config=None if text is None else hashlib.sha256(text.encode()).hexdigest(),
    )


def difference(saved: Decision, now: Decision) -> list[str]:
    """Returns what is not as it was when a plan was saved, each as ``what: then -> now``.

    What follows from something else that is named is left out.
    """
    then, today = saved.basis, now.basis
    found = [
        *_moved("record", then.record[:12], today.record[:12]),
        *_moved(f"fingerprint of {saved.to}", then.fingerprint, today.fingerprint),
        *_inside(f"{saved.to}: ", then.digests, today.digests),
        *_moved("role_map", then.role_map, today.role_map),
        *_inside("", _flat(then.environment), _flat(today.environment)),
        *_moved("trainer config", then.config, today.config),
    ]
    return found or [
        *_inside("", _flat(saved.recipe), _flat(now.recipe)),
        *_moved("rungs", saved.rungs, now.rungs),
        *_moved("can run", saved.can_run, now.can_run),
    ]


def _moved(what: str, then: object, now: object) -> Iterator[str]:
    if then != now:
        yield f"{what}: {_shown(then)} -> {_shown(now)}"


def _inside(where: str, then: object, now: object) -> Iterator[str]:
    before, after = msgspec.to_builtins(then), msgspec.to_builtins(now)
    for name in sorted(before.keys() | after.keys()):
        yield from _moved(f"{where}{name}", before.get(name), after.get(name))


def _flat(value: object) -> dict[str, Any]:
    """Returns nested names joined by dots."""
    plain: Mapping[str, Any] = msgspec.to_builtins(value)
    flat: dict[str, Any] = {}
    for name, inner in plain.items():
        if isinstance(inner, dict) and inner:
            flat |= {f"{name}.{key}": each for key, each in _flat(inner).items()}
        else:
            flat[name] = inner
    return flat


def _shown(value: object) -> str:
    return "none" if value is None else str(msgspec.to_builtins(value))
