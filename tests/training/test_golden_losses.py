"""Losses of toy runs, as they have always been: a numeric choice does not change by accident."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.training_jobs import classified, completions, job, train_all

# Padded, as every version was trained before: `reproduce` trains them so. The same with
# transformers 5.17 and 5.23; rounding on another CPU stays below the tolerance.
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


# The same settings without padding: LoRA's dropout has other elements to draw for.
UNPADDED: dict[str, list[float]] = {
    "classification": [1.101612, 1.098098, 1.103435, 1.108357, 1.088097, 1.108488],
    "completion": [6.062371, 6.068042, 6.040343, 6.034106, 6.00649, 6.005667],
    "dora": [1.098183, 1.096345, 1.103532, 1.114274, 1.093249, 1.108498],
}


@pytest.mark.parametrize("name", GOLDENS)
@pytest.mark.parametrize("padded", [True, False], ids=["padded", "unpadded"])
def test_losses_are_what_they_were(
    name: str, padded: bool, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    base, settings, losses = GOLDENS[name]
    rows = classified(30) if base == "bert" else completions(30)
    given = replace(job(tmp_path, rows, warmup_steps=1, **settings), padded=padded)
    [result] = train_all([given], request.getfixturevalue(base))
    golden = losses if padded else UNPADDED[name]
    assert result.facts.unpadded is not padded
    assert [float.fromhex(step.loss) for step in result.trail] == pytest.approx(golden, rel=1e-5)
