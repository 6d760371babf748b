"""A registered version in memory: its base, fingerprint checked, with the adapter on it."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapterctl.errors import NotFound
from adapterctl.jobs import filing
from adapterctl.jobs.inputs.base_folder import checked
from adapterctl.jobs.project import Project, require

if TYPE_CHECKING:
    from adapterctl.stores.mlflow import Loaded, RawRows
    from adapterctl.training.loading import LoadedBase

Rows = list[dict[str, Any]]


def load(wanted: str, project: Path | str = ".", *, device: str = "auto") -> LoadedBase:
    """Returns base and adapter of ``NAME``, ``NAME@3`` or ``NAME@champion``, ready to be asked.

    ``.model`` is the ``PreTrainedModel`` with the adapter on it, ``.tokenizer`` its tokenizer.

    Raises:
        Mismatch: base or adapter are not the registered ones; another base is refused.
    """
    require("torch", extra="train", needed_for="loading an adapter")
    from adapterctl.training.adapted import load_adapted
    from adapterctl.training.determinism import resolve_device

    root = Path(project).resolve()
    there = Project(root=root, now=datetime.min.replace(tzinfo=UTC))
    there.registry.must_exist()
    record = there.registry.record(*there.version_of(wanted))
    return load_adapted(
        checked(there, record.base),
        filing.fetched(there, record) / "adapter",
        task=record.recipe.task,
        device=resolve_device(device),
        num_labels=len(record.labels) or None,
        trust_remote_code=record.recipe.trust_remote_code,
    )


def _load_pyfunc(path: str) -> RawRows:
    """Loads a packaged adapter for MLflow; see ``stores.mlflow.load_pyfunc``."""
    from adapterctl.stores.hub import cached
    from adapterctl.stores.mlflow import load_pyfunc
    from adapterctl.stores.safetensors import identify

    def fingerprint(folder: Path) -> str:
        return identify(folder, cache=None, progress=lambda *_: None).fingerprint

    return load_pyfunc(
        Path(path),
        predictor=_predictor,
        identify=fingerprint,
        locate=cached,
        environ=os.environ,
    )


def _predictor(loaded: Loaded) -> Callable[[Rows], Rows]:
    from adapterctl.training.asking.predictor import Predictor
    from adapterctl.training.determinism import resolve_device

    package = loaded.package
    predictor = Predictor(
        loaded.base_dir,
        loaded.folder,
        task=package.task,
        labels=package.labels,
        max_length=package.max_length,
        generation=package.generation,
        trust_remote_code=package.trust_remote_code,
        prepare=_imported(loaded.folder / "code", package.entry_point),
        device=resolve_device("auto"),
    )
    return predictor.predict


def _imported(root: Path, entry_point: str) -> Callable[[Rows], Rows]:
    """Imports the bundled preprocessing into this process, with the bundle first on the path."""
    path, _, function = entry_point.rpartition(":")
    spec = importlib.util.spec_from_file_location(
        f"adapterctl_bundle_{Path(path).stem}", root / path
    )
    if spec is None or spec.loader is None:
        raise NotFound("the bundled preprocessing is not there", place=str(root / path))
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(root))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(root))
    prepare: Callable[[Rows], Rows] = getattr(module, function)
    return prepare
