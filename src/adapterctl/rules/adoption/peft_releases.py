"""Which PEFT releases may have written a config that does not say its ``peft_version``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from adapterctl.records.adopted import PeftRelease
from adapterctl.rules.adoption.peft_keys import CAME, COMMON, RELEASES, WENT

LORA = "LORA"


def release_of(config: Mapping[str, Any]) -> PeftRelease:
    """Returns the range of releases, from ``peft_version`` or else from the keys.

    PEFT writes every field it knows, so the keys of a LoRA are those of its release. Where no
    release has exactly these keys, somebody has edited the config: then every release that
    knows them may have written it. Of other types only the fields that all types share are dated.
    """
    stated = config.get("peft_version")
    if isinstance(stated, str) and stated:
        version = stated.partition("@")[0]
        return PeftRelease(min=version, max=version)
    if config.get("peft_type") != LORA:
        return PeftRelease(min=_first_with(COMMON.intersection(config)))
    return _by_keys(frozenset(config))


def _by_keys(keys: frozenset[str]) -> PeftRelease:
    known = keys & frozenset().union(*fields_by_release().values())
    fitting = [name for name, fields in fields_by_release().items() if known == fields] or [
        name for name, fields in fields_by_release().items() if known <= fields
    ]
    if not fitting:
        return PeftRelease()
    # Keys that no release has come from a later one, or from a fork.
    newer = keys != known and fitting[-1] == RELEASES[-1]
    return PeftRelease(min=fitting[0], max=None if newer else fitting[-1])


def _first_with(keys: frozenset[str]) -> str | None:
    came = [number for number, name in enumerate(RELEASES) if keys.intersection(CAME.get(name, ()))]
    return RELEASES[max(came)] if came else None


@cache
def fields_by_release() -> dict[str, frozenset[str]]:
    """Returns release to the keys that it writes, in order of release."""
    fields: frozenset[str] = frozenset()
    table: dict[str, frozenset[str]] = {}
    for name in RELEASES:
        fields = (fields - frozenset(WENT.get(name, ()))) | frozenset(CAME.get(name, ()))
        table[name] = fields
    return table
