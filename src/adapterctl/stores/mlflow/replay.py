"""What MLflow is told about a record; pure, and the same at every replay.

Values depend on the record alone, so that a replay after an interruption writes what is there
already, which MLflow accepts: an equal param, an equal metric at the same time and step.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from adapterctl.records.adopted import AdoptedVersion, AnyRecord
from adapterctl.records.canonical import compact
from adapterctl.records.version import DatasetPin, TrailStep, VersionRecord
from adapterctl.stores.mlflow.entry import MirrorEntry

RECORD = "adapterctl.record"
PLACEHOLDER = "adapterctl.placeholder"
VERSION = "adapterctl.version"
STATE = "adapterctl.state"

# MLflow's limits (mlflow.utils.validation): beyond 6,000 characters it truncates a param, and a
# dataset digest has room for 36 characters, which is less than a sha256.
PARAM_LENGTH = 6_000
DATASET_DIGEST_LENGTH = 36

_KEY = re.compile(r"[\w./ -]{1,200}", re.ASCII)

_SECTIONS = ("lora", "training", "generation")
_SCALARS = ("task", "base", "preprocessing", "trainer", "evaluator")


def run_tags(entry: MirrorEntry) -> dict[str, str]:
    """Returns the run's tags; MLflow's own names where it has one."""
    record = entry.record
    code = record.code if isinstance(record, VersionRecord) else None
    own = {
        "mlflow.user": record.created_by,
        "mlflow.source.git.commit": code.commit if code else None,
        "mlflow.source.git.repoURL": code.repo if code else None,
    }
    return {key: value for key, value in own.items() if value} | version_tags(entry)


def version_tags(entry: MirrorEntry) -> dict[str, str]:
    """Returns the tags by which a version is found in MLflow's model registry."""
    record = entry.record
    if isinstance(record, AdoptedVersion):
        return _adopted_tags(entry, record)
    rebuilt = record.rebuilt_from
    tags = {
        RECORD: entry.record_digest,
        VERSION: str(record.version),
        "adapterctl.base": record.base.base,
        "adapterctl.base_revision": record.base.revision,
        "adapterctl.fingerprint": record.base.fingerprint,
        "adapterctl.task": record.recipe.task,
        "adapterctl.recipe": record.recipe_digest,
        "adapterctl.inputs": record.inputs_digest,
        "adapterctl.weights": record.weights_sha256,
        "adapterctl.code": record.code.digest,
        "adapterctl.team": record.recipe.owners.team,
        "adapterctl.rebuilt_from": str(rebuilt.version) if rebuilt else None,
        "adapterctl.parity": rebuilt.parity.verdict if rebuilt else None,
        "adapterctl.grade": entry.grade,
    }
    data = {f"adapterctl.data.{role}": pin.sha256 for role, pin in _data(record)}
    return {key: value for key, value in tags.items() if value} | data


def _adopted_tags(entry: MirrorEntry, record: AdoptedVersion) -> dict[str, str]:
    tags = {
        RECORD: entry.record_digest,
        VERSION: str(record.version),
        "adapterctl.adopted": "true",
        "adapterctl.base_stated": record.base.stated,
        "adapterctl.hosted": f"{record.hosted.provider}:{record.hosted.model}"
        if record.hosted
        else None,
        "adapterctl.base": record.base.canonical,
        "adapterctl.base_revision": record.base.commit,
        "adapterctl.weights": record.weights_sha256,
        "adapterctl.team": record.owners.team,
        "adapterctl.grade": entry.grade,
    }
    data = {f"adapterctl.data.{role}": pin.sha256 for role, pin in _data(record)}
    return {key: value for key, value in tags.items() if value} | data


def params(record: AnyRecord) -> dict[str, str]:
    """Returns the hyperparameters, ``lora.r`` and ``training.seed``, as text.

    Of an adopted version the fields of its config, ``stated.r``; MLflow refuses stranger keys.
    """
    if isinstance(record, AdoptedVersion):
        stated = {k: v for k, v in record.config.items() if v not in (None, "")}
        return {f"stated.{k}": _param(v) for k, v in sorted(stated.items()) if _KEY.fullmatch(k)}
    recipe = msgspec.to_builtins(record.recipe)
    flat = {key: recipe[key] for key in _SCALARS}
    for section in _SECTIONS:
        settings = recipe[section] or {}
        flat |= {f"{section}.{key}": value for key, value in settings.items()}
    if record.training:
        flat["target_modules"] = record.training.target_modules
    return {key: _param(value) for key, value in sorted(flat.items())}


def metrics(record: AnyRecord) -> dict[str, float]:
    """Returns ``<set>.<metric>``, and what the training run was, in numbers."""
    if isinstance(record, AdoptedVersion):
        return {}
    flat = {
        f"{name}.{metric}": value
        for name, values in record.metrics.items()
        for metric, value in values.items()
    }
    facts = msgspec.to_builtins(record.training) if record.training else {}
    numbers = {key: value for key, value in facts.items() if isinstance(value, int | float)}
    return flat | {f"train.{key}": float(value) for key, value in numbers.items()}


def curve(trail: Sequence[TrailStep]) -> Iterator[tuple[str, float, int]]:
    """Yields (metric, value, step) for every logged optimizer step."""
    for each in trail:
        yield "train.loss", float.fromhex(each.loss), each.step
        yield "train.learning_rate", float.fromhex(each.learning_rate), each.step
        if each.grad_norm is not None:
            yield "train.grad_norm", float.fromhex(each.grad_norm), each.step


def dataset_digest(pin: DatasetPin) -> str:
    """Returns the digest under which MLflow finds a dataset: the start of our sha256."""
    return pin.sha256[:DATASET_DIGEST_LENGTH]


def datasets(record: AnyRecord) -> list[Any]:
    """Returns MLflow's dataset inputs: digest and where DVC or S3 has them, never rows."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    return [
        DatasetInput(
            Dataset(
                name=pin.path,
                digest=dataset_digest(pin),
                source_type="dvc" if pin.version_id is None else "s3",
                source=_source(pin),
                profile=compact({"num_rows": pin.rows, "bytes": pin.size}).decode(),
            ),
            tags=[InputTag("mlflow.data.context", role), InputTag("sha256", pin.sha256)],
        )
        for role, pin in _data(record)
    ]


def milliseconds(record: AnyRecord) -> tuple[int, int]:
    """Returns start and end of the training run, in milliseconds since the epoch.

    The end is the moment of the record, so that a replay tells when the work was done, not when
    it was mirrored.
    """
    moment = datetime.fromisoformat(record.created)
    end = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    training = record.training if isinstance(record, VersionRecord) else None
    seconds = training.seconds if training else 0.0
    return round((end - seconds) * 1000), round(end * 1000)


def _data(record: AnyRecord) -> Iterator[tuple[str, DatasetPin]]:
    if isinstance(record, AdoptedVersion):
        if record.train is not None:
            yield "train", record.train
        return
    yield "train", record.train
    yield from sorted(record.evaluation.items())
    if record.selection:
        yield "pool", record.selection.pool


def _source(pin: DatasetPin) -> str:
    known = {"path": pin.path, "md5": pin.md5, "sha256": pin.sha256}
    there = {} if pin.version_id is None else {"version_id": pin.version_id}
    return compact({**known, **there}).decode()


def _param(value: Any) -> str:
    text = value if isinstance(value, str) else compact(value).decode()
    if len(text) < PARAM_LENGTH:
        return text
    mark = f"... (whole in recipe.yaml; sha256 {hashlib.sha256(text.encode()).hexdigest()})"
    return text[: PARAM_LENGTH - 1 - len(mark)] + mark
