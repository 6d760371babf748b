"""A base: a base model at one revision, and how its identity is known."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from adapterctl.records.noun import Date, Name, Noun, Sha256, Sparse

ShortDigest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{16}$")]
"""The first 16 digits of a sha256."""

Fingerprint = Annotated[str, msgspec.Meta(pattern=r"^fp1:[0-9a-f]{64}$")]


class BaseSource(Sparse, frozen=True, kw_only=True):
    """Where a base is fetched from: exactly one of ``path``, ``hub`` and ``provider``.

    Attributes:
        path: a local folder, relative to the project unless absolute.
        hub: a repository of the Hugging Face Hub, ``org/name``.
        provider: a hosted base's provider; ``model`` is its name there.
    """

    path: str | None = None
    hub: str | None = None
    provider: str | None = None
    model: str | None = None
    region: str | None = None


class BaseDigests(Sparse, frozen=True, kw_only=True):
    """Digests of what stands beside the weights; ``None`` where the base has no such file.

    ``config`` is taken over the canonical JSON of ``config.json`` without the keys that a copy
    changes (``_name_or_path``, ``transformers_version``); ``tokenizer`` over the sorted lines
    (file name, sha256) of the tokenizer's files; ``chat_template`` over the template's text;
    ``code`` over the same lines of the Python files, which run where a recipe trusts them.
    """

    config: Sha256 | None = None
    tokenizer: Sha256 | None = None
    chat_template: Sha256 | None = None
    code: Sha256 | None = None


Blob = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{40}$")]
"""A git object id, in hexadecimal."""


class BaseFile(Sparse, frozen=True, kw_only=True):
    """One file of a base by content: a large one by sha256, a small one as git's blob."""

    path: str
    size: int
    sha256: Sha256 | None = None
    blob: Blob | None = None


class Base(Sparse, frozen=True, kw_only=True):
    """``registry/bases/<base>.yaml``.

    Attributes:
        revision: a commit, or ``sha256:<digest>`` of the content; never a branch.
        fingerprint: identity of the weights (DESIGN.md, section 3).
        fingerprint_file: where a stage of dvc.yaml writes the identity, for a base that is built
            on the spot and therefore has no committed fingerprint.
        files: identity at the level of files, as the Hub lists them, of a base that was declared
            without its weights; what completes it has to agree.
        family: the architecture family as ``config.json`` says in ``model_type``.
    """

    schema_version: Literal[1]
    base: Name
    source: BaseSource
    revision: str | None = None
    fingerprint: Fingerprint | None = None
    fingerprint_file: str | None = None
    files: list[BaseFile] = []
    digests: BaseDigests = BaseDigests()
    family: str | None = None
    architecture: str | None = None
    parameters: int | None = None
    bytes: int | None = None
    names: list[str] = []
    mirror: str | None = None
    licence: str | None = None
    successors: list[Name] = []
    added: Date | None = None


class BaseIdentity(Sparse, frozen=True, kw_only=True):
    """What fingerprinting a folder of weights finds out.

    Attributes:
        float_digests: over the bytes of each floating-point tensor, each once, sorted: what the
            same weights under other names have in common.
        files: digests of whole files, where they were asked for.
    """

    fingerprint: Fingerprint
    digests: BaseDigests
    family: str | None = None
    architecture: str | None = None
    parameters: int = 0
    bytes: int = 0
    tensors: int = 0
    float_digests: list[ShortDigest] = []
    files: list[BaseFile] = []


class LinearShape(Noun, frozen=True, kw_only=True):
    """One linear (or fused) layer of a base: a place where LoRA can stand.

    Attributes:
        name: dotted module path, ``encoder.layer.0.attention.self.query``.
        kind: ``Linear``, ``Conv1D``, ``Embedding``, or ``Experts``: one tensor that holds a layer's
            experts, which is no module.
        features_in: input width.
        features_out: output width.
    """

    name: str
    kind: str
    features_in: int
    features_out: int


class BaseShape(Noun, frozen=True, kw_only=True):
    """What a plan must know of a base, read without loading its weights.

    Attributes:
        hidden_size: width of the residual stream.
        context_length: longest input in tokens; ``None`` when the config sets no limit.
        tokenizer_kind: how it cuts text: ``WordPiece``, ``byte-level BPE``, ``Unigram``, ...
        vocabulary_sha256: over every token with its id.
        special_tokens: role (``pad_token``, ...) to token text.
        added_tokens: those beside the vocabulary proper that play no such role.
        fresh: layers of the task's head, the last one left out, that the folder has no weights
            for.
    """

    family: str
    architecture: str
    hidden_size: int
    layers: int
    vocabulary: int
    context_length: int | None
    parameters: int
    tokenizer_class: str
    special_tokens: dict[str, str]
    chat_template: str | None
    linears: list[LinearShape]
    fresh: list[str] = []
    tokenizer_kind: str = ""
    vocabulary_sha256: str = ""
    added_tokens: list[str] = []
