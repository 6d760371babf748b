"""A stray safetensors file, named by its content."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from adapterctl.errors import AdapterctlError, NotFound
from adapterctl.jobs.project import Project
from adapterctl.records.adopted import AnyRecord
from adapterctl.records.canonical import listing_digest
from adapterctl.records.event import Event
from adapterctl.rules.aliases import aliases
from adapterctl.rules.audit.same_weights import same_weights
from adapterctl.rules.findings import Skipped, skipped
from adapterctl.rules.weights import Name, Named, Tensor, contents
from adapterctl.stores.safetensors import config_digest, float_digests, tensor_digests
from adapterctl.stores.tensor_lists import read_lists

WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"
PICKLE = "adapter_model.bin"


def whatis(project: Project, path: Path) -> tuple[Named, list[Skipped]]:
    """Returns which adapter versions and bases have the very weights of a file.

    Args:
        project: whose registry is looked through, and nothing else.
        path: a safetensors file, a PEFT folder, or a base's folder.

    Raises:
        AdapterctlError: missing, truncated, a Git LFS pointer, or not safetensors.
    """
    tensors = tensor_digests(_weights(path), progress=project.display.progress)
    digest = listing_digest(tensor.line for tensor in tensors)
    broken: list[Skipped] = []
    config = config_digest(path) if (path / CONFIG).is_file() else None
    names = [
        *_adapters(project, digest, config=config, broken=broken),
        *_bases(project, digest, broken=broken),
    ]
    names = names or list(_alike(project, float_digests(tensors)))
    named = Named(
        path=str(path),
        weights_sha256=digest,
        names=names,
        contents=contents([Tensor(one.name, one.dtype, one.shape) for one in tensors]),
    )
    return named, broken


def _weights(path: Path) -> Path:
    if not path.exists():
        raise NotFound("no such file", place=str(path))
    if (path / WEIGHTS).is_file():
        return path / WEIGHTS
    if (path / PICKLE).is_file():
        raise NotFound(
            f"pickled weights only: {PICKLE}",
            place=str(path),
            hint="content is named by safetensors: load it with peft and save_pretrained() it",
        )
    if (path / CONFIG).is_file():
        raise NotFound(f"an adapter's folder without {WEIGHTS}", place=str(path))
    return path


def _adapters(
    project: Project, digest: str, *, config: str | None, broken: list[Skipped]
) -> Iterator[Name]:
    registry = project.registry
    for adapter in registry.adapters():
        for version in registry.versions(adapter):
            # Most records are not it, and finding that out needs no parsing.
            if digest.encode() not in registry.record_bytes(adapter, version):
                continue
            try:
                record = registry.any_record(adapter, version)
            except AdapterctlError as error:
                broken.append(skipped(f"adapter:{adapter}@{version}", error))
                continue
            if record.weights_sha256 == digest:
                yield _name(record, registry.events(adapter), config=config)


def _name(record: AnyRecord, events: Sequence[Event], *, config: str | None) -> Name:
    differs = None if config is None else config != record.adapter_config_sha256
    held = aliases(events)
    return Name(
        kind="adapter",
        name=f"{record.adapter}@{record.version}",
        aliases=[alias for alias, holder in held.items() if holder == record.version],
        config_differs=differs,
    )


def _alike(project: Project, digests: Sequence[str]) -> Iterator[Name]:
    """Yields bases that hold these tensors under other names, or these and others."""
    for base, its in read_lists(project.registry.folder / "bases").items():
        if same_weights(frozenset(digests), its):
            yield Name(kind="base", name=base, exact=False)


def _bases(project: Project, digest: str, *, broken: list[Skipped]) -> Iterator[Name]:
    for base in project.registry.bases():
        try:
            known = project.registry.base(base)
        except AdapterctlError as error:
            broken.append(skipped(f"base:{base}", error))
            continue
        if known.fingerprint == f"fp1:{digest}":
            yield Name(kind="base", name=base)
