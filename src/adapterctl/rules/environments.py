"""Which facts of an environment can change the bytes of an adapter, and which cannot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

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

TRAINERS = (
    "axolotl",
    "datasets",
    "deepspeed",
    "liger-kernel",
    "llamafactory",
    "ms-swift",
    "trl",
    "unsloth",
    "unsloth-zoo",
    "xformers",
)
"""Distributions whose code takes part where a trainer command trains, and nowhere else."""

RESULT_BEARING_VARIABLES = (
    "ATEN_CPU_CAPABILITY",
    "CUBLAS_WORKSPACE_CONFIG",
    "MKL_CBWR",
    "NVIDIA_TF32_OVERRIDE",
)
"""Environment variables that choose how numbers are computed."""


class Differences(NamedTuple):
    """What differs between two environments, each as ``name: recorded -> running``."""

    can_change: list[str]
    cannot_change: list[str]


def result_bearing(environment: Environment, *, own_trainer: bool = False) -> dict[str, Any]:
    """Returns the part of an environment that belongs to the five sources.

    Of an adapter with a trainer of its own, the well-known trainers belong to it.
    The CPU's name is left out. The instruction set counts, because other instructions round
    differently, and so does the number of threads, by which torch cuts its work.
    """
    versions = environment.distributions
    names = (*RESULT_BEARING, *(TRAINERS if own_trainer else ()))
    return {
        "python": environment.python.rpartition(".")[0],
        "platform": environment.platform,
        "cpu_capability": environment.cpu_capability if environment.device == "cpu" else None,
        "threads": environment.threads if environment.device == "cpu" else None,
        "device": environment.device,
        "cuda": environment.cuda,
        "distributions": {name: versions[name] for name in names if name in versions},
    }


def differences(
    recorded: Environment, running: Environment, *, own_trainer: bool = False
) -> list[str]:
    """Returns what differs and can change results, as ``name: recorded -> running``.

    To the five sources it adds what they leave out because it changes by itself: the driver,
    and the variables that choose how numbers are computed.
    """
    old, new = (_bearing(each, own_trainer=own_trainer) for each in (recorded, running))
    return _differing(old, new)


def compared(recorded: Environment, running: Environment) -> Differences:
    """Returns all that differs, split into what can change results and what cannot."""
    can_change = differences(recorded, running)
    rest = _differing(_everything(recorded), _everything(running))
    told = {line.partition(":")[0] for line in can_change}
    return Differences(can_change, [line for line in rest if line.partition(":")[0] not in told])


def lock_gaps(locked: Mapping[str, str | None], installed: Mapping[str, str]) -> list[str]:
    """Returns why a lock would not give the installed environment; empty when it would.

    Distributions that are installed beside the lock count when they can change results.

    Args:
        locked: what an installer would install: name to version, ``None`` for any.
        installed: name to version.
    """
    absent = [_named(name, version) for name, version in locked.items() if name not in installed]
    other = [
        f"{name} {version} ({installed[name]} is installed)"
        for name, version in locked.items()
        if name in installed and version is not None and not _same(version, installed[name])
    ]
    beside = [
        _named(name, installed[name])
        for name in RESULT_BEARING
        if name in installed and name not in locked
    ]
    told = {
        "locked and not installed": absent,
        "locked in another version": other,
        "installed and not locked": beside,
    }
    return [f"{what}: {', '.join(sorted(names))}" for what, names in told.items() if names]


def _same(version: str, other: str) -> bool:
    from packaging.version import InvalidVersion, Version

    try:
        return Version(version) == Version(other)
    except InvalidVersion:
        return version == other


def _named(name: str, version: str | None) -> str:
    return name if version is None else f"{name} {version}"


def _bearing(environment: Environment, *, own_trainer: bool) -> dict[str, Any]:
    facts = result_bearing(environment, own_trainer=own_trainer)
    versions = facts.pop("distributions")
    variables = environment.variables
    return {
        **facts,
        "driver": environment.driver,
        **versions,
        **{name: variables[name] for name in RESULT_BEARING_VARIABLES if name in variables},
    }


def _everything(environment: Environment) -> dict[str, Any]:
    return {
        "python": environment.python,
        "cpu_model": environment.cpu_model,
        "cpu_capability": environment.cpu_capability,
        "threads": environment.threads,
        **environment.distributions,
        **environment.variables,
    }


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return [
        f"{name}: {old.get(name)} -> {new.get(name)}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]
