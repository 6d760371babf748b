"""A base that is loaded once answers for other labels as if it were loaded for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from adapterctl.jobs import sides
from adapterctl.jobs.inputs.sources import Sources
from adapterctl.records.parity import Prediction
from support.builds import build, surroundings
from support.tiny_bases import tiny_bert, tiny_llama, tiny_opt

MAKERS = {"bert": tiny_bert, "llama": tiny_llama, "opt": tiny_opt}


def sources_for(base: Path, folder: Path, *, labels: int) -> Sources:
    made = build(folder, base, "one").sources
    more = tuple(f"queue {number}" for number in range(labels - 2))
    return replace(made, labels=(*made.labels, *more))


def answers(sources: Sources, base: object, folder: Path) -> list[Prediction]:
    found = sides.evaluate(surroundings(folder), sources, base=base, adapter=None, side="bare")
    return found.predictions["gold"]


@pytest.mark.parametrize("family", sorted(MAKERS))
def test_another_number_of_labels_is_another_head_over_the_same_trunk(
    family: str, tmp_path: Path
) -> None:
    make: Callable[[Path], Path] = MAKERS[family]
    folder = make(tmp_path / family)
    two, three = (sources_for(folder, tmp_path, labels=labels) for labels in (2, 3))
    loaded = sides.open_base(two, device="cpu")
    beside = sides.open_beside(three, [loaded], device="cpu")
    assert beside.model.base_model is loaded.model.base_model
    by_itself = sides.open_base(three, device="cpu")
    assert answers(three, beside, tmp_path) == answers(three, by_itself, tmp_path)
    again = sides.open_beside(two, [loaded], device="cpu")
    assert again is loaded
    assert answers(two, again, tmp_path) == answers(
        two, sides.open_base(two, device="cpu"), tmp_path
    )
