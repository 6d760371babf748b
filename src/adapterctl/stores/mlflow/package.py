"""The packaged folder: a PEFT adapter that MLflow can load, too.

``adapter_config.json`` and the weights stay where PEFT looks for them; ``MLmodel`` and
``adapterctl.json`` stand beside them, and the preprocessing in ``code/``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from adapterctl.errors import NotFound
from adapterctl.records.base import BaseSource, Fingerprint
from adapterctl.records.noun import Name, Noun, Sha256
from adapterctl.records.reading import read_json
from adapterctl.records.recipe import Generation, Task
from adapterctl.records.version import FilePin
from adapterctl.rules.adoption.adopted import built
from adapterctl.stores.mlflow.entry import MirrorEntry

FILE = "adapterctl.json"
CODE = "code"


class Package(Noun, frozen=True, kw_only=True):
    """``adapterctl.json``: what prediction needs beside weights and base.

    Attributes:
        record: sha256 of the record.
        base_dir: where the base lay on the machine that mirrored it; a hint.
        labels: in the order of their ids; empty for a task without labels.
        max_length: longest input, in tokens.
        code: the bundled import closure of ``entry_point``, below ``code/``.
    """

    schema_version: Literal[1]
    adapter: Name
    version: int
    record: Sha256
    base: Name
    source: BaseSource
    revision: str | None
    fingerprint: Fingerprint
    base_dir: str | None
    task: Task
    labels: list[str]
    max_length: int
    batch_size: int
    generation: Generation | None
    entry_point: str
    code: list[FilePin]
    trust_remote_code: bool


def package_of(entry: MirrorEntry) -> Package:
    """Returns what is written beside the adapter of ``entry``."""
    record = built(entry.record)
    recipe = record.recipe
    return Package(
        schema_version=1,
        adapter=record.adapter,
        version=record.version,
        record=entry.record_digest,
        base=record.base.base,
        source=record.base.source,
        revision=record.base.revision,
        fingerprint=record.base.fingerprint,
        base_dir=str(entry.base_dir) if entry.base_dir else None,
        task=recipe.task,
        labels=record.labels,
        max_length=recipe.training.max_length,
        batch_size=recipe.training.per_device_eval_batch_size,
        generation=recipe.generation,
        entry_point=record.code.entry_point,
        code=record.code.files,
        trust_remote_code=recipe.trust_remote_code,
    )


def read_package(folder: Path) -> Package:
    """Reads the package of a folder that MLflow handed out.

    Raises:
        NotFound: the folder has none.
        InvalidInput: it is not such a file.
    """
    path = folder / FILE
    if not path.is_file():
        raise NotFound(
            f"{FILE} is not there",
            place=str(folder),
            hint="load a version that adapterctl mirrored",
        )
    return read_json(path.read_bytes(), Package, file=str(path))


def mlmodel_text(entry: MirrorEntry, *, run_id: str, loader_module: str) -> str:
    """Returns ``MLmodel``: the flavor ``python_function``, loaded by ``loader_module``."""
    from mlflow.models import Model

    described = Model(
        artifact_path="adapter",
        run_id=run_id,
        utc_time_created=entry.record.created,
        model_uuid=entry.record_digest[:32],
    )
    described.add_flavor(
        "python_function",
        loader_module=loader_module,
        python_version=built(entry.record).environment.python,
    )
    return str(described.to_yaml())
