"""A capsule: what a training run elsewhere leaves behind, to be registered later.

Its folder holds ``capsule.json``, ``recipe.yaml`` as its author wrote it, ``adapter/`` as PEFT
writes it, the preprocessing in ``code/``, and ``pylock.toml``.
"""

from __future__ import annotations

from typing import Literal

from adapterctl.records.base import Fingerprint
from adapterctl.records.noun import Name, Noun, Sha256
from adapterctl.records.recipe import Recipe
from adapterctl.records.run import RunFacts
from adapterctl.records.version import (
    Environment,
    FilePin,
    LockPin,
    PreparedPin,
    TrainingFacts,
)


class Capsule(Noun, frozen=True, kw_only=True):
    """``capsule.json``: the five as they were where the run was.

    Attributes:
        recipe: as used.
        base: fingerprint of the folder that the run loaded.
        prepared: what the recipe's preprocessing gave there on the training set.
        code: the import closure of the preprocessing, by content.
    """

    schema_version: Literal[1]
    adapter: Name
    created: str
    recipe: Recipe
    base: Fingerprint
    prepared: PreparedPin
    code: list[FilePin]
    environment: Environment
    lock: LockPin
    training: TrainingFacts
    run: RunFacts
    weights_sha256: Sha256
    adapter_config_sha256: Sha256
