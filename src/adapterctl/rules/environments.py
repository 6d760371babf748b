"""Which facts of an environment can change the bytes of an adapter, and which cannot."""

from __future__ import annotations

from typing import Any

from adapterctl.records.version import Environment

RESULT_BEARING = (
    "accelerate",
    "adapterctl",
    "bitsandbytes",
    "flash-attn",
    "numpy",
    "peft",
    "safetensors",
    "tokenizers",
    "torch",
    "transformers",
    "triton",
)
"""Distributions whose code takes part in preprocessing, training or saving."""


def result_bearing(environment: Environment) -> dict[str, Any]:
    """Returns the part of an environment that belongs to the five sources.

    The CPU's name is left out. The instruction set counts, because other instructions round
    differently, and so does the number of threads, by which torch cuts its work.
    """
    versions = environment.distributions
    return {
        "python": environment.python.rpartition(".")[0],
        "platform": environment.platform,
        "cpu_capability": environment.cpu_capability if environment.device == "cpu" else None,
        "threads": environment.threads if environment.device == "cpu" else None,
        "device": environment.device,
        "cuda": environment.cuda,
        "distributions": {name: versions[name] for name in RESULT_BEARING if name in versions},
    }


def differences(recorded: Environment, running: Environment) -> list[str]:
    """Returns what differs and can change results, as ``name: recorded -> running``."""
    old, new = _flat(result_bearing(recorded)), _flat(result_bearing(running))
    names = sorted(old.keys() | new.keys())
    return [
        f"{name}: {old.get(name)} -> {new.get(name)}"
        for name in names
        if old.get(name) != new.get(name)
    ]


def _flat(facts: dict[str, Any]) -> dict[str, Any]:
    return {**facts, **facts["distributions"], "distributions": None}
