"""adapterctl keeps LoRA adapters rebuildable when their base models die.

The house, from the top; an import only goes down:

- `cli`: words in, one job, one exit code; one file per verb. Start at `cli.verbs`.
- `jobs`: what each verb does: fetch through stores, ask rules, write back.
- `render`: results to text and JSON; pure.
- `stores`: one door per outside thing: registry, dvc, mlflow, git, hub, safetensors, ...
- `training`: the only room that knows torch: prepare, train, evaluate, determinism.
- `rules`: decisions, without I/O, clock or randomness: lifecycle, findings, parity, plans.
- `records`: the nouns, as they stand in ``registry/``.
- `errors`: one small family of errors.

From Python::

    import datetime, adapterctl
    adapterctl.audit(as_of=datetime.date(2026, 11, 23))   # typed findings
    adapterctl.list(as_of=...), adapterctl.show("support-router@champion", as_of=...)
    loaded = adapterctl.load("support-router@champion")   # base and adapter, fingerprint checked
"""

from __future__ import annotations

from typing import Any

__all__ = ["audit", "list", "load", "show"]

_HOMES = {
    "audit": "adapterctl.jobs.api",
    "list": "adapterctl.jobs.api",
    "show": "adapterctl.jobs.api",
    "load": "adapterctl.jobs.load",
    # MLflow's name for what it calls when a packaged adapter is loaded.
    "_load_pyfunc": "adapterctl.jobs.load",
}


def __getattr__(name: str) -> Any:
    """Imports a part of the public API when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
