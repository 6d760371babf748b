"""A base without its weights: the modules that transformers builds from ``config.json`` alone.

They are built on torch's ``meta`` device: names and shapes are the real ones and take no memory,
whatever the base's size.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from adapterctl.errors import InvalidInput, NotFound
from adapterctl.records.recipe import Task
from adapterctl.training.quiet import quiet

_AUTO_CLASSES = {
    "SEQ_CLS": "AutoModelForSequenceClassification",
    "CAUSAL_LM": "AutoModelForCausalLM",
    "TOKEN_CLS": "AutoModelForTokenClassification",
    "FEATURE_EXTRACTION": "AutoModel",
}


def config_of(base_dir: Path, *, trust_remote_code: bool = False, **changed: Any) -> Any:
    """Returns a base's config; ``changed`` overrides what it says, like ``num_labels``.

    Raises:
        NotFound: there is no ``config.json``.
        InvalidInput: transformers cannot read it.
    """
    from transformers import AutoConfig

    file = base_dir / "config.json"
    if not file.is_file():
        raise NotFound(
            "no config.json in the base's folder",
            place=str(base_dir),
            hint="a base is a Hugging Face folder: give the one that holds config.json",
        )
    try:
        with quiet():
            return AutoConfig.from_pretrained(
                str(base_dir),
                local_files_only=True,
                trust_remote_code=trust_remote_code,
                **changed,
            )
    except (OSError, ValueError) as error:
        raise InvalidInput.one(
            f"transformers cannot read it: {str(error).splitlines()[0]}",
            place=str(file),
            hint="a newer transformers may know the architecture; code inside the folder runs "
            "only with trust_remote_code: true",
        ) from error


def blueprint(config: Any, *, task: Task, place: str, trust_remote_code: bool = False) -> Any:
    """Returns the model that transformers builds for ``task``, on the ``meta`` device.

    Raises:
        InvalidInput: the architecture is not offered for this task.
    """
    import transformers

    kind = getattr(transformers, _AUTO_CLASSES[task])
    try:
        with quiet(), torch.random.fork_rng(devices=[]), torch.device("meta"):
            return kind.from_config(config, trust_remote_code=trust_remote_code)
    except ValueError as error:
        if "Unrecognized configuration class" not in str(error):
            raise
        raise InvalidInput.one(
            f"{config.model_type} cannot be built for {task}",
            place=place,
            hint="choose a base whose architecture transformers offers for this task",
        ) from error
