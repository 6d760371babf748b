"""A few conversations, rendered by the old base's chat template and by the successor's."""

from __future__ import annotations

from collections.abc import Sequence

from adapterctl.jobs.inputs.sources import Row
from adapterctl.jobs.planning.bases import Side
from adapterctl.records.version import VersionRecord
from adapterctl.rules.planning.conversations import Conversations, compare_rendered
from adapterctl.rules.probe import probe_rows
from adapterctl.rules.recipes import TRAIN


def conversations(
    old: Side | None, new: Side, *, rows: Sequence[Row] | None, record: VersionRecord, to: str
) -> Conversations | None:
    """Returns how probe rows of the training set are rendered on both sides.

    ``None`` where there is no conversation among them, or no old base to compare with.
    """
    from adapterctl.training.rows.rendered import conversations_in, emptied, rendered

    recipe = record.recipe
    if old is None or not rows or recipe.task != "CAUSAL_LM":
        return None
    numbers = conversations_in(rows)
    talks = [rows[number] for number in numbers]
    chosen = [number for _, number in probe_rows({TRAIN: talks})]
    if not chosen:
        return None
    longest = max((talks[number] for number in chosen), key=lambda row: len(str(emptied(row))))
    asked = [*(talks[number] for number in chosen), emptied(longest)]
    before, after = (
        rendered(side.folder, asked, trust_remote_code=recipe.trust_remote_code)
        for side in (old, new)
    )
    *texts, frame = zip(before, after, strict=True)
    return compare_rendered(
        {numbers[number]: text for number, text in zip(chosen, texts, strict=True)},
        frame,
        names=(record.base.base, to),
        sensitive=recipe.data.train.sensitive,
    )
