"""A sweep of the learning rate: which rates, on which rows, and which one wins."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence

from adapterctl.records.parity import Prediction
from adapterctl.records.recipe import Task
from adapterctl.rules.planning.ladder import FACTORS, HELD_OUT


def rates(carried: float) -> list[float]:
    """Returns the learning rates to try, to three digits; the carried one is among them."""
    return [carried if factor == 1 else float(f"{carried * factor:.3g}") for factor in FACTORS]


def held_out(texts: Sequence[str]) -> list[int]:
    """Returns which rows trials do not learn from; equal texts are always on the same side.

    Chosen by the digest of the text, so that the order of the rows is of no matter.
    """
    digests = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
    distinct = sorted(set(digests))
    held = set(distinct[: round(len(distinct) * HELD_OUT)])
    return [row for row, digest in enumerate(digests) if digest in held]


def mean_loss(answers: Sequence[Prediction], *, task: Task) -> float:
    """Returns the cross entropy per target of what was answered, in nats; infinite for a miss."""
    if task == "SEQ_CLS":
        shares = [answer.scores[f"p:{answer.reference}"] for answer in answers]
        return -sum(math.log(share) if share > 0 else -math.inf for share in shares) / len(shares)
    tokens = sum(answer.scores["tokens"] for answer in answers)
    return sum(answer.scores["nll"] for answer in answers) / tokens if tokens else math.inf


def best(losses: Mapping[float, float], *, carried: float) -> float:
    """Returns the rate with the lowest loss; of equal ones the nearest to the carried one."""
    return min(losses, key=lambda rate: (losses[rate], abs(rate / carried - 1)))
