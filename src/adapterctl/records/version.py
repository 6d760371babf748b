"""The record of an adapter version: ``registry/adapters/<adapter>/<version>.json``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from adapterctl.records.base import BaseDigests, BaseSource, Fingerprint
from adapterctl.records.noun import Name, Noun, Sha256, Sparse
from adapterctl.records.parity import ParityReport, Verdict
from adapterctl.records.recipe import Recipe
from adapterctl.records.run import Departure, RunFacts

Md5 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}(\.dir)?$")]


class FilePin(Noun, frozen=True, kw_only=True):
    """One file by content; ``path`` is relative to the folder it is pinned in."""

    path: str
    sha256: Sha256
    size: int


class DatasetPin(Sparse, frozen=True, kw_only=True):
    """A data file or folder: DVC's md5, our sha256, size in bytes, row count.

    For a folder ``sha256`` is taken over the sorted lines ``<sha256>  <path>`` of ``files``.

    Attributes:
        version_id: of data that stay in their bucket: the version of the object that ``path``, an
            ``s3://`` address, names; DVC does not have it. ``None`` for data under DVC.
    """

    path: str
    md5: Md5
    sha256: Sha256
    size: int
    rows: int | None = None
    files: list[FilePin] = []
    version_id: str | None = None


class SelectionPin(Sparse, frozen=True, kw_only=True):
    """Which rows of the pool were chosen; ``indices_sha256`` over their numbers, one per line."""

    pool: DatasetPin
    chosen: int | None = None
    indices_sha256: Sha256 | None = None
    rule: str | None = None
    reason: str | None = None
    labelled_by: str | None = None


class BasePin(Sparse, frozen=True, kw_only=True):
    """The base as it was when the version was built."""

    base: Name
    source: BaseSource
    fingerprint: Fingerprint
    revision: str | None = None
    digests: BaseDigests = BaseDigests()
    family: str | None = None
    architecture: str | None = None


class CodePin(Sparse, frozen=True, kw_only=True):
    """Repository, commit and the bundled import closure of the entry point.

    Attributes:
        repo: URL of the repository (credentials removed), or ``None`` without a remote.
        commit: the commit that holds the code, or ``None`` outside git.
        ref: a branch or tag that the commit is reachable from.
        committed: recipe and import closure are committed as they stand.
        digest: sha256 over the sorted lines ``<sha256>  <path>`` of ``files``.
    """

    entry_point: str
    files: list[FilePin]
    digest: Sha256
    repo: str | None = None
    commit: str | None = None
    ref: str | None = None
    committed: bool = False


class PreparedPin(Noun, frozen=True, kw_only=True):
    """Output of the preprocessing on one set (B1): rows, and what the tokenizer made of them.

    ``rows_sha256`` is taken over the canonical JSON lines of the prepared rows;
    ``encoded_sha256`` over rendered text, token ids and loss mask of each row.
    """

    rows: int
    rows_sha256: Sha256
    encoded_sha256: Sha256


class Environment(Noun, frozen=True, kw_only=True):
    """What the version was built with.

    Attributes:
        platform: ``linux-x86_64``.
        cpu_capability: torch's instruction-set level (``AVX2``, ``AVX512``, ...).
        threads: intra-op threads of torch.
        device: ``cpu``, or the GPU's name.
        variables: environment variables by allow-list.
    """

    python: str
    platform: str
    cpu_model: str
    cpu_capability: str
    threads: int
    device: str
    cuda: str | None
    driver: str | None
    deterministic: bool
    distributions: dict[str, str]
    variables: dict[str, str] = {}


class LockPin(Sparse, frozen=True, kw_only=True):
    """The version's lock of its distributions: ``<version>.pylock.toml`` (PEP 751).

    Attributes:
        kind: ``project``: the project's own lock; ``resolved``: found at an index, with the
            hashes of what would be installed; ``installed``: no more than names, versions and
            RECORD digests, which no installer takes.
        sha256: of the file; credentials are redacted before it is taken.
        source: file name of the project's own lock.
        gaps: why it would not install what was running; empty when it would.
    """

    kind: Literal["project", "resolved", "installed"]
    sha256: Sha256
    source: str | None = None
    gaps: list[str] = []


class ArtifactPin(Noun, frozen=True, kw_only=True):
    """The version's folder in the DVC remote: ``adapter/``, ``code/``, ``predictions/``, ..."""

    md5: Md5
    size: int
    files: list[FilePin]


class TrailStep(Sparse, frozen=True, kw_only=True):
    """One logged optimizer step (B3); floats as ``float.hex`` text, so equal means equal.

    ``weights_sha256`` is taken over the trainable tensors after the step, on logged steps.
    """

    step: int
    loss: str
    learning_rate: str
    grad_norm: str | None = None
    weights_sha256: Sha256 | None = None


class TrainingFacts(Sparse, frozen=True, kw_only=True):
    """What the training run was, in numbers; ``seconds`` is wall-clock.

    Attributes:
        steps: ``None``, like the other numbers that may be, where a trainer command does not
            tell.
        target_modules: the modules that really got LoRA.
        trainer: ``builtin``, or the command that trained.
        departures: where a trainer command did not do as the recipe says; the record's recipe is
            then as used.
        unpadded: the examples of a batch ran without padding. It decides the last bits: what was
            padded is padded again to reproduce it.
        arithmetic: how numbers were computed, by `rules.arithmetic`'s number.
        shards: over how many processes the base was spread.
    """

    rows: int
    seconds: float
    trainable_parameters: int
    target_modules: list[str]
    labels: list[str]
    trainer: str
    steps: int | None = None
    epochs: float | None = None
    tokens: int | None = None
    first_loss: float | None = None
    last_loss: float | None = None
    trail_sha256: Sha256 | None = None
    departures: list[Departure] = []
    unpadded: bool = False
    arithmetic: int = 1
    shards: int = 1


class Climbed(Sparse, frozen=True, kw_only=True):
    """What became of one rung of the ladder.

    Attributes:
        verdict: of its candidate; ``None`` where it came to none, ``why`` says the reason.
        parity: its report, where another rung's candidate was filed.
        details: what the rung found out, such as the losses of a sweep.
    """

    rung: str
    verdict: Verdict | None = None
    why: str | None = None
    parity: ParityReport | None = None
    details: dict[str, Any] = {}


class RebuiltFrom(Sparse, frozen=True, kw_only=True):
    """Where a candidate comes from, by which rung, and how it compares.

    Attributes:
        ladder: every rung that was tried, from the lowest.
        begun: inputs digest of the lowest rung, where a higher one was filed: the same rebuild
            again is known by it.
        derived: it learned salvaged answers of the old version, whose data were gone: nobody may
            call it rebuilt.
    """

    version: int
    base: Name
    rung: str
    parity: ParityReport
    changes: dict[str, Any] = {}
    ladder: list[Climbed] = []
    begun: Sha256 | None = None
    derived: bool = False


class VersionRecord(Sparse, frozen=True, kw_only=True):
    """One immutable adapter version: the five sources, the result, and how it was judged.

    Attributes:
        inputs_digest: sha256 of the canonical JSON of the five; the same five again is the
            same version.
        weights_sha256: over the sorted lines (tensor name, dtype, shape, sha256 of its bytes).
        adapter_config_sha256: of ``adapter_config.json`` in canonical form.
        metrics: evaluation set to metric to value.
        labels: sorted training labels: their positions are the label ids; empty without labels.
        lock: ``None`` in versions that were registered before locks were kept.
        run: of another trainer, by what it says of itself; ``recipe`` is then as used.
    """

    schema_version: Literal[1]
    adapter: Name
    version: int
    created: str
    created_by: str
    inputs_digest: Sha256
    recipe_digest: Sha256
    recipe: Recipe
    base: BasePin
    train: DatasetPin
    evaluation: dict[str, DatasetPin]
    code: CodePin
    environment: Environment
    artifacts: ArtifactPin
    weights_sha256: Sha256
    adapter_config_sha256: Sha256
    metrics: dict[str, dict[str, float]]
    labels: list[str] = []
    prepared: dict[str, PreparedPin] = {}
    selection: SelectionPin | None = None
    training: TrainingFacts | None = None
    rebuilt_from: RebuiltFrom | None = None
    lock: LockPin | None = None
    run: RunFacts | None = None
