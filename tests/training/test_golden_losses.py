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


# And together: layers that read one input share what is dropped of it; DoRA has no such.
JOINED: dict[str, list[float]] = {
    "classification": [1.099589, 1.099545, 1.10248, 1.108327, 1.092424, 1.111406],
    "completion": [6.062371, 6.068042, 6.040553, 6.033307, 6.006548, 6.0068],
    "dora": UNPADDED["dora"],
}

# And quick: the base's own dropout is drawn otherwise, attention's for other groups, and the last
# layer's for first tokens alone. Llama has none of it.
QUICK: dict[str, list[float]] = {
    "classification": [1.096046, 1.098129, 1.102607, 1.103568, 1.090975, 1.107577],
    "completion": JOINED["completion"],
    "dora": [1.093466, 1.097888, 1.102978, 1.107259, 1.095107, 1.10587],
}
WAYS: dict[str, tuple[dict[str, Any], dict[str, list[float]]]] = {
    "padded": ({"padded": True, "arithmetic": 2}, {n: each[2] for n, each in GOLDENS.items()}),
    "unpadded": ({"arithmetic": 2}, UNPADDED),
    "joined": ({"arithmetic": 3}, JOINED),
    "quick": ({}, QUICK),
}


@pytest.mark.parametrize("name", GOLDENS)
@pytest.mark.parametrize("way", WAYS)
def test_losses_are_what_they_were(
    name: str, way: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    base, settings, _ = GOLDENS[name]
    how, goldens = WAYS[way]
    rows = classified(30) if base == "bert" else completions(30)
    given = replace(job(tmp_path, rows, warmup_steps=1, **settings), **how)
    [result] = train_all([given], request.getfixturevalue(base))
    assert result.facts.unpadded is (way != "padded")
    assert [float.fromhex(step.loss) for step in result.trail] == pytest.approx(
        goldens[name], rel=1e-5
    )
