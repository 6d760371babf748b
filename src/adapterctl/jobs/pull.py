"""Fetching the verified adapter folder of a version, for vLLM or anyone; needs no torch."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from adapterctl.errors import InvalidInput, Mismatch
from adapterctl.jobs.project import Project
from adapterctl.records.adopted import AdoptedVersion, AnyRecord
from adapterctl.records.version import VersionRecord
from adapterctl.rules.adoption.adopted import SAFETENSORS, at_a_provider
from adapterctl.rules.standing import base_of
from adapterctl.stores.safetensors import config_digest, weights_digest


@dataclass(frozen=True, kw_only=True)
class Pulled:
    """Where the folder is now, and what was checked.

    Attributes:
        base: of an adopted version, what it says of its base.
        fingerprint: of the base; ``None`` for an adopted version.
        weights_sha256: ``None`` for an adopted version with pickled weights.
    """

    adapter: str
    version: int
    out: Path
    base: str
    fingerprint: str | None
    weights_sha256: str | None


def pull(project: Project, wanted: str, *, out: Path) -> Pulled:
    """Fetches the adapter folder of ``wanted`` into the new folder ``out`` and re-hashes it.

    Raises:
        InvalidInput: ``out`` exists and is not empty, or the version has no weights.
        Mismatch: the bytes are not the registered ones.
    """
    adapter, version = project.version_of(wanted)
    record = project.registry.any_record(adapter, version)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InvalidInput.one("exists already", place=str(out), hint="name a new folder")
    part = out.with_name(f".{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        found = _fetch(project, record, part, out=out)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return Pulled(
        adapter=adapter,
        version=version,
        out=out,
        base=base_of(record, None),
        fingerprint=record.base.fingerprint if isinstance(record, VersionRecord) else None,
        weights_sha256=found,
    )


def _fetch(project: Project, record: AnyRecord, part: Path, *, out: Path) -> str | None:
    """Brings the adapter to ``part``, and to ``out`` when its digests are right; returns one."""
    if isinstance(record, AdoptedVersion) and record.hosted is not None:
        raise at_a_provider(record)
    if record.artifacts is None:
        raise InvalidInput.one(
            f"{record.adapter}@{record.version} was imported without weights",
            hint="put the weights beside its adapter_config.json, and adapterctl import the folder",
        )
    project.dvc.fetch_folder(record.artifacts, part, only="adapter", from_remote=False)
    weights = part / "adapter" / SAFETENSORS
    # Pickled weights have no digest but their file's, which the fetch has compared.
    found = weights_digest(weights) if record.weights_sha256 is not None else None
    config = config_digest(part / "adapter" / "adapter_config.json")
    if (found, config) != (record.weights_sha256, record.adapter_config_sha256):
        raise Mismatch(
            f"WGT004 the weights of {record.adapter}@{record.version} are not the registered ones",
            place=str(out),
            hint=f"adapterctl verify {record.adapter}@{record.version}",
        )
    (part / "adapter").replace(out)
    return found
