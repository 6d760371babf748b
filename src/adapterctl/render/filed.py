"""What a registration, a build or an evaluation gave, as text and JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from adapterctl.records.version import TrainingFacts, VersionRecord

Metrics = Mapping[str, Mapping[str, float]]


def version_text(record: VersionRecord, *, new: bool, pending: str | None) -> str:
    """Returns the lines that tell a person what was registered."""
    name = f"{record.adapter}@{record.version}"
    state = "registered" if new else "is registered already, from the same five sources"
    lines = [f"{name} {state}", f"  base         {record.base.base}  {record.base.fingerprint}"]
    lines += [f"  weights      sha256 {record.weights_sha256}"]
    if record.training is not None:
        lines.append(f"  training     {training_words(record.training)}")
    lines += [f"  {line}" for line in metric_lines(record.metrics)]
    if pending is not None:
        lines.append(f"  MLflow       pending ({pending}); when it answers: adapterctl sync")
    return "\n".join(lines)


def training_words(facts: TrainingFacts) -> str:
    """Returns a run in a line; a trainer command may be silent of steps and losses."""
    took = f"{facts.rows:,} rows in {facts.seconds:,.1f} s"
    text = took if facts.steps is None else f"{facts.steps:,} steps on {took}"
    if facts.first_loss is not None and facts.last_loss is not None:
        text += f"; loss {facts.first_loss:.3f} -> {facts.last_loss:.3f}"
    return text if facts.trainer == "builtin" else f"{text}, by {facts.trainer}"


def metric_lines(metrics: Metrics) -> list[str]:
    """Returns one line per evaluation set."""
    return [
        f"{name:<12} " + "  ".join(f"{metric} {value:.4f}" for metric, value in values.items())
        for name, values in metrics.items()
    ]


def version_result(record: VersionRecord, *, new: bool, pending: str | None) -> dict[str, Any]:
    """Returns the registration as JSON shows it."""
    return {
        "adapter": record.adapter,
        "version": record.version,
        "new": new,
        "base": record.base.base,
        "fingerprint": record.base.fingerprint,
        "weights_sha256": record.weights_sha256,
        "inputs_digest": record.inputs_digest,
        "metrics": record.metrics,
        "training": record.training,
        "mirror_pending": pending,
    }


def git_add(paths: Sequence[str]) -> str:
    """Returns the command that puts written files under git, as DVC prints it."""
    return f"To track the changes with git, run:\n\n    git add {' '.join(paths)}\n"
