"""Muon: momentum whose matrices are made orthogonal before each step.

K. Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024); the polynomial
is theirs. ``torch.optim.Muon`` is the same in bfloat16, which is 20 times slower on CPUs that
have no instructions for it; here it is float32 throughout.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch

_POLYNOMIAL = (3.4445, -4.7750, 2.0315)
_TINY = 1e-7


class Muon(torch.optim.Optimizer):  # type: ignore[misc]
    """For the matrices inside the layers only; embeddings, norms and biases need another one.

    Args:
        matrices: parameters with two dimensions.
        lr: learning rate; the update's root mean square is about 1 per row.
        momentum: of Nesterov's kind.
        rounds: of the Newton-Schulz iteration; 5 in the paper, 3 are enough for small matrices.
    """

    def __init__(
        self,
        matrices: Iterable[torch.nn.Parameter],
        *,
        lr: float,
        momentum: float = 0.95,
        rounds: int = 3,
    ) -> None:
        super().__init__(matrices, {"lr": lr, "momentum": momentum, "rounds": rounds})

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def step(self, closure: None = None) -> None:
        """Takes one step along the gradients."""
        for group in self.param_groups:
            for matrix in group["params"]:
                self._move(matrix, group)

    def _move(self, matrix: torch.nn.Parameter, group: dict[str, float]) -> None:
        gradient = matrix.grad
        if gradient is None:
            return
        state = self.state[matrix]
        running = state.setdefault("momentum", torch.zeros_like(gradient))
        running.lerp_(gradient, 1 - group["momentum"])
        ahead = gradient.lerp(running, group["momentum"])
        tall = max(1.0, matrix.shape[0] / matrix.shape[1]) ** 0.5
        update = orthogonal(ahead, rounds=int(group["rounds"]))
        matrix.add_(update, alpha=-group["lr"] * tall)


def orthogonal(matrix: torch.Tensor, *, rounds: int) -> torch.Tensor:
    """Returns about U V' of a matrix U S V', shape (rows, columns), by Newton-Schulz iteration."""
    a, b, c = _POLYNOMIAL
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    x = wide / wide.norm().clamp(min=_TINY)
    for _ in range(rounds):
        square = x @ x.T
        x = torch.addmm(x, torch.addmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return x if wide is matrix else x.T
