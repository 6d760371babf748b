"""Recipes for tests that are about something else."""

from __future__ import annotations

from adapterctl.records.recipe import (
    Data,
    EvaluationData,
    LoraSettings,
    Recipe,
    TrainData,
    TrainingSettings,
)


def classifier(
    *,
    adapter: str = "support-router",
    base: str = "old-base",
    task: str = "SEQ_CLS",
    lora: LoraSettings | None = None,
    training: TrainingSettings | None = None,
    **fields,
) -> Recipe:
    """A small recipe with one training set and one evaluation set."""
    metric = "accuracy" if task == "SEQ_CLS" else "exact_match"
    return Recipe(
        schema_version=1,
        adapter=adapter,
        base=base,
        task=task,
        data=Data(
            train=TrainData(path="data/train.jsonl"),
            evaluation={"gold": EvaluationData(path="data/gold.jsonl", metrics=[metric])},
        ),
        preprocessing=f"registry/adapters/{adapter}/prepare.py:prepare",
        lora=lora or LoraSettings(),
        training=training or TrainingSettings(),
        **fields,
    )
