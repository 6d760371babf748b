"""Does it pay to put several adapters' examples through a frozen base together?

A step of N adapters is taken in two ways on the same base and rows: in turns, a forward and a
backward pass for each; and together, all rows in one pass, where each low-rank pair sees its own.
Beside the times stands whether an adapter's gradients are the same bits in both.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch.nn.functional import linear

from adapterctl.training.determinism import cores
from adapterctl.training.learning.unpadded import Layout

TOKENS, ADAPTERS = (256, 1024, 4096, 16384), (1, 2, 4, 8, 16, 32)
LIMIT = 16384
"""Tokens in all adapters together: what fits memory and time; 16k for one adapter alone."""
EXAMPLE, RANK, SHORT, HIGHEST = 32, 16, 4096, 200
"""Tokens of an example; a pair's rank; tokens of a cell that is timed three times; token ids."""


class Shared(torch.nn.Module):  # type: ignore[misc]  # torch is Any to mypy
    """A frozen layer with pairs, of which each sees its own part of the row."""

    parts: Sequence[tuple[int, int]] = ()
    """Which adapters have a part in the row, and how many tokens; the same for all layers."""

    def __init__(self, frozen: Any, adapters: int) -> None:
        super().__init__()
        self.frozen = frozen
        self.a = [_small(RANK, frozen.in_features) for _ in range(adapters)]
        self.b = [_small(frozen.out_features, RANK) for _ in range(adapters)]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns the layer's output, with what each pair adds to its part."""
        out = self.frozen(x)
        pieces = x.split([size for _, size in Shared.parts], dim=1)
        added = [
            linear(linear(piece, self.a[who]), self.b[who])
            for (who, _), piece in zip(Shared.parts, pieces, strict=True)
        ]
        together: torch.Tensor = out + torch.cat(added, dim=1)
        return together


def sweep(base: Path, name: str, *, most: int = max(TOKENS)) -> Iterator[dict[str, Any]]:
    """Yields for each number of tokens and adapters the seconds of both ways, and their ratio."""
    torch.set_num_threads(cores())
    ready = _prepared(base, adapters=max(ADAPTERS))
    for tokens in (each for each in TOKENS if each <= most):
        for adapters in (n for n in ADAPTERS if n * tokens <= LIMIT and n * tokens <= 16 * most):
            runs = 3 if tokens * adapters <= SHORT else 1
            turns, together = [], []
            for _ in range(runs):
                spent, one = _timed(ready, [[n] for n in range(adapters)], tokens)
                turns.append(spent)
                spent, other = _timed(ready, [[*range(adapters)]], tokens)
                together.append(spent)
            yield {
                "base": name,
                "tokens": tokens,
                "adapters": adapters,
                "seconds_in_turns": round(min(turns), 4),
                "seconds_together": round(min(together), 4),
                "times_faster_together": round(min(turns) / min(together), 3),
                "same_bits": all(map(torch.equal, one, other)),
                "close": all(map(_close, one, other)),
            }


class _Ready(NamedTuple):
    """A model, and the low-rank pairs in it."""

    model: Any
    pairs: list[torch.Tensor]


def _prepared(base: Path, *, adapters: int) -> _Ready:
    from transformers import AutoModel

    model = AutoModel.from_pretrained(base).requires_grad_(False).eval()
    model.config.use_cache = False
    layers = []
    for place, parent in list(model.named_modules()):
        for name, child in list(parent.named_children()):
            # A pooler reads one token of each row.
            if isinstance(child, torch.nn.Linear) and "layer" in place:
                layer = Shared(child, adapters)
                setattr(parent, name, layer)
                layers.append(layer)
    Layout(model).use("CAUSAL_LM")
    return _Ready(model, [part for layer in layers for part in (*layer.a, *layer.b)])


def _timed(ready: _Ready, passes: list[list[int]], tokens: int) -> tuple[float, list[torch.Tensor]]:
    """Returns seconds of a step, and all gradients."""
    for part in ready.pairs:
        part.grad = None
    started = time.perf_counter()
    for who in passes:
        Shared.parts = [(each, tokens) for each in who]
        rows = torch.cat([_rows(each, tokens) for each in who])
        states = ready.model(input_ids=rows, attention_mask=torch.ones_like(rows)).last_hidden_state
        states.square().sum().backward()
    spent = time.perf_counter() - started
    return spent, [part.grad for part in ready.pairs if part.grad is not None]


def _close(one: torch.Tensor, other: torch.Tensor) -> bool:
    return bool((one - other).norm() <= 1e-4 * other.norm())


def _rows(seed: int, tokens: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(10, HIGHEST, (tokens // EXAMPLE, EXAMPLE), generator=generator)


def _small(*shape: int) -> torch.Tensor:
    return (torch.randn(shape) * 0.05).requires_grad_()
