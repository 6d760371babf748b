"""The likely cause of a reproduction that differs, from where it differs and what changed since."""

from __future__ import annotations

from collections.abc import Sequence

from adapterctl.rules.trails import Divergence

_ARITHMETIC = (
    ("cpu_capability", "another instruction set adds up in another order"),
    ("ATEN_CPU_CAPABILITY", "another instruction set adds up in another order"),
    ("MKL_CBWR", "another instruction set adds up in another order"),
    ("device", "another kind of device computes otherwise"),
    ("threads", "torch cuts its work by the number of threads"),
    ("cuda", "another CUDA release has other kernels"),
    ("driver", "another driver compiles other kernels"),
    ("CUBLAS_WORKSPACE_CONFIG", "cuBLAS chooses its algorithms by its workspace"),
    ("NVIDIA_TF32_OVERRIDE", "TF32 rounds to ten bits"),
    ("torch", "another torch has other kernels"),
    ("platform", "another platform has other mathematics libraries"),
    ("transformers", "another transformers computes the base otherwise"),
    ("peft", "another peft computes or saves adapters otherwise"),
)
"""What changes numbers, and why, the most likely first."""

_TEXT = (
    ("tokenizers", "another tokenizers cuts text otherwise"),
    ("transformers", "another transformers renders and encodes otherwise"),
    ("python", "another Python may run the preprocessing otherwise"),
    ("adapterctl", "another adapterctl prepares rows otherwise"),
)
"""What changes rows and token ids, and why."""


def likely_cause(
    *,
    same_rows: bool,
    differing_sets: Sequence[str],
    divergence: Divergence | None,
    environment: Sequence[str],
) -> str:
    """Returns why two builds of the same five sources are likely to differ.

    Args:
        same_rows: preprocessing gave the recorded bytes.
        differing_sets: the sets for which it did not.
        divergence: the first step that differs, when one does.
        environment: what differs and can change results, each as ``name: recorded -> running``.
    """
    if not same_rows:
        where = f"preprocessing gives other rows or tokens for {', '.join(differing_sets)}"
        return f"{where}: {_reason(_TEXT, environment) or _UNSTABLE}"
    where = _where(divergence)
    return f"{where}: {_reason(_ARITHMETIC, environment) or _unexplained(divergence)}"


_UNSTABLE = "nothing in the environment explains it; does it depend on time, chance or order?"


def _reason(known: Sequence[tuple[str, str]], environment: Sequence[str]) -> str | None:
    lines = {line.partition(":")[0]: line for line in environment}
    for name, why in known:
        if name in lines:
            return f"{why} ({lines[name]})"
    return f"the environment differs ({environment[0]})" if environment else None


def _where(divergence: Divergence | None) -> str:
    """Says which computation differs first: each field of a step follows from those before it."""
    if divergence is None:
        return "training agrees step by step, and only what was saved differs"
    step = divergence.step
    if not divergence.fields:
        return f"one of the two trails ends at step {step}"
    first = "the first forward pass differs" if step == 1 else f"step {step} differs in its loss"
    for field, words in (
        ("step", f"step {step} has another number"),
        ("loss", first),
        ("learning_rate", f"the schedule differs at step {step}"),
        ("grad_norm", f"the backward pass differs at step {step}, after an equal loss"),
    ):
        if field in divergence.fields:
            return words
    return f"the optimizer differs at or before step {step}, after equal gradients"


def _unexplained(divergence: Divergence | None) -> str:
    if divergence is None:
        return "nothing in the environment explains it; is the record that of this version?"
    return (
        "nothing in the environment explains it; reproduce it again: another step then is a fault "
        "of the machine or an operation that is not deterministic, the same step a change that no "
        "pin covers"
    )
