"""The record of an adopted version: an adapter made elsewhere, and what its folder says of itself.

It stands where a `VersionRecord` stands, ``registry/adapters/<adapter>/<version>.json``, and is
told apart by its tag, ``"kind": "adopted"``. How much it lacks is judged when it is read: a base
that is declared later closes a gap of a record that never changes.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

from adapterctl.records.noun import Name, Noun, Sha256, Sparse
from adapterctl.records.reading import read_json
from adapterctl.records.recipe import Owners
from adapterctl.records.run import StatedRun
from adapterctl.records.version import ArtifactPin, DatasetPin, FilePin, VersionRecord

ADOPTED = "adopted"

HOSTED_FILE = "hosted.json"
"""What stands in a version's folder in the place of an adapter that is at a provider."""

BaseNameKind = Literal["hub", "hub_cache", "modelscope", "local", "bare", "provider", "none"]


class StatedBase(Sparse, frozen=True, kw_only=True):
    """What an adapter says of its base, made out by its name alone; nobody has verified it.

    Attributes:
        kind: a Hub repository, a path into the Hub's or ModelScope's cache, a local path, a name
            without an organisation, a name at a provider, or nothing.
        stated: ``base_model_name_or_path`` as ``adapter_config.json`` has it.
        revision: ``revision`` as it stands there.
        repository: the repository that is named, ``ORG/NAME``, escapes undone.
        commit: the commit of ``repository``, from a cache path or from ``revision``.
        origin: of a quantised mirror, the repository that it is made from.
        provider: of a hosted fine-tune, whose name ``stated`` is.
    """

    kind: BaseNameKind
    stated: str | None = None
    revision: str | None = None
    repository: str | None = None
    commit: str | None = None
    origin: str | None = None
    provider: str | None = None

    @property
    def canonical(self) -> str | None:
        """The repository of the base itself, or ``None`` when only a path or a bare name is."""
        return self.origin or self.repository


class PeftRelease(Noun, frozen=True, kw_only=True):
    """First and last PEFT release that may have written the config; ``None`` where open."""

    min: str | None = None
    max: str | None = None


class HostedJob(Sparse, frozen=True, kw_only=True):
    """A fine-tune that lives at a provider: the weights are there, data and recipe are ours.

    Attributes:
        model: the fine-tuned model's id there.
        job: the id of the job that made it.
        created: when, as the provider says.
        recipe: what would rebuild it on open weights, by content.
        data: its training data, where they are stated and no file of the project.
    """

    provider: str
    model: str
    job: str | None = None
    region: str | None = None
    created: str | None = None
    recipe: FilePin | None = None
    data: str | None = None


class AdoptedVersion(Sparse, frozen=True, kw_only=True, tag_field="kind", tag=ADOPTED):
    """One immutable adopted version: the result without its sources.

    Attributes:
        origin: where it was taken from: a folder (relative when it lies in the project),
            ``hub:REPO@COMMIT``, ``s3://...``, ``mlflow:NAME/VERSION`` or ``PROVIDER:MODEL``.
        peft_type: ``None`` for a hosted fine-tune, which has no config either.
        config: ``adapter_config.json``, every field as stated.
        content_sha256: over weights and config; the same content again is the same version.
        owners: who answers for it, as a manifest said.
        train: its training data, as a manifest said.
        artifacts: the version's folder in the DVC remote; ``None`` without weights.
        weights_sha256: as in a `VersionRecord`; ``None`` without safetensors weights.
    """

    schema_version: Literal[1]
    adapter: Name
    version: int
    created: str
    created_by: str
    origin: str
    content_sha256: Sha256
    base: StatedBase
    peft_type: str | None = None
    peft_release: PeftRelease = PeftRelease()
    config: dict[str, Any] = {}
    adapter_config_sha256: Sha256 | None = None
    owners: Owners = Owners()
    train: DatasetPin | None = None
    artifacts: ArtifactPin | None = None
    weights_sha256: Sha256 | None = None
    run: StatedRun | None = None
    hosted: HostedJob | None = None

    @property
    def task(self) -> str | None:
        """``task_type`` as stated."""
        stated = self.config.get("task_type")
        return stated if isinstance(stated, str) else None


AnyRecord: TypeAlias = VersionRecord | AdoptedVersion
"""What may stand in ``registry/adapters/<adapter>/<version>.json``."""


class _Tag(msgspec.Struct, frozen=True):
    kind: str = ""


def read_record(raw: bytes, *, file: str) -> AnyRecord:
    """Returns the noun that a version's file holds.

    Raises:
        InvalidInput: the bytes are neither.
    """
    if _is_adopted(raw):
        return read_json(raw, AdoptedVersion, file=file)
    return read_json(raw, VersionRecord, file=file)


def _is_adopted(raw: bytes) -> bool:
    if _QUOTED not in raw:
        return False
    try:
        return msgspec.json.decode(raw, type=_Tag).kind == ADOPTED
    except msgspec.DecodeError:
        return False


_QUOTED = f'"{ADOPTED}"'.encode()
