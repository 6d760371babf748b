"""The probe of a version: a few fixed rows, and what the adapter made of them."""

from __future__ import annotations

from adapterctl.records.noun import Sha256, Sparse


class ProbeAnswer(Sparse, frozen=True, kw_only=True):
    """One row of ``probe.jsonl``, which lies under DVC and never in git.

    Of sensitive data there are no more than names and digests.

    Attributes:
        set: the set that the row is from.
        row: its number among the prepared rows of the set, from 0.
        id: the row's own ``id`` field as text, or else its number.
        text_sha256: of the rendered text.
        tokens_sha256: of the token ids.
        mask_sha256: of the loss mask.
        output_sha256: of output and scores.
        text: what was tokenized.
        input_ids: what the base reads.
        output: the label, or the generated text.
        scores: as in a `Prediction`.
    """

    set: str
    row: int
    id: str
    text_sha256: Sha256
    tokens_sha256: Sha256
    mask_sha256: Sha256
    output_sha256: Sha256
    text: str | None = None
    input_ids: list[int] = []
    output: str | None = None
    scores: dict[str, float] = {}
