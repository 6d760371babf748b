"""Losses of toy runs, as they have always been: a numeric choice does not change by accident."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.training_jobs import classified, completions, job, train_all

# The same with transformers 5.17 and 5.23; rounding on another CPU stays below the tolerance.
GOLDENS: dict[str, tuple[str, dict[str, Any], list[float]]] = {
    "classification": ("bert", {}, [1.097906, 1.097296, 1.102165, 1.106085, 1.094165, 1.118051]),
    "completion": (
        "llama",
        {"gradient_accumulation_steps": 2, "weight_decay": 0.1},
        [6.062371, 6.068042, 6.039987, 6.033025, 6.005718, 6.005905],
    ),
    "dora": (
        "bert",
        {"lora": {"use_dora": True}},
        [1.097378, 1.096891, 1.107492, 1.107503, 1.092609, 1.101925],
    ),
}


@pytest.mark.parametrize(("base", "settings", "golden"), GOLDENS.values(), ids=GOLDENS)
def test_losses_are_what_they_were(
    base: str,
    settings: dict[str, Any],
    golden: list[float],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    rows = classified(30) if base == "bert" else completions(30)
    [result] = train_all(
        [job(tmp_path, rows, warmup_steps=1, **settings)], request.getfixturevalue(base)
    )
    assert [float.fromhex(step.loss) for step in result.trail] == pytest.approx(golden, rel=1e-5)
