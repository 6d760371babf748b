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
    Trainer(..., callbacks=[adapterctl.RegisterCallback("registry/adapters/mine/recipe.yaml")])
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["RegisterCallback", "audit", "list", "load", "show"]

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


def RegisterCallback(
    recipe: str | Path,
    *,
    capsule: str | Path | None = None,
    project: str | Path | None = None,
    device: str = "auto",
) -> Any:
    """Returns a ``transformers.TrainerCallback`` that registers what a run really used.

    Before the first step it refuses a run that could not be registered: another base than the
    recipe's, data or preprocessing that fail. At the end it writes down base, rows, code, settings
    and environment as they were used, and registers the adapter as ``register`` does. What cannot
    be registered then is said, and kept: ``.filed`` is the version, or ``.error`` the reason.

    Args:
        recipe: path of the recipe.
        capsule: a folder to leave the run in, for ``register --capsule`` on a machine that has
            git, DVC and MLflow; nothing of them is needed here then.
        project: the folder that holds ``registry/``; default: the nearest one above the recipe.
        device: where the adapter is evaluated afterwards: ``auto``, ``cpu`` or ``cuda``.

    Raises:
        InvalidInput: the recipe cannot be read.
    """
    from adapterctl.cli.progress import Display
    from adapterctl.jobs.callback import registering

    return registering(
        recipe, capsule=capsule, project=project, device=device, now=_now, display=Display()
    )


def _now() -> datetime:
    return datetime.now(UTC)
