"""What a teacher expects at each token that is learned, and the loss of learning it, too.

The teacher's `TOP` likeliest tokens are kept with their log-probabilities, and all others as one
bucket with what is left of the probability. Logits of a whole vocabulary would be a thousand times
as much: this is 256 bytes for a token.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from safetensors.torch import load, save

from adapterctl.rules.teaching import TRUST
from adapterctl.training.rows.text import Example


@dataclass(frozen=True, kw_only=True)
class Taught:
    """A teacher's likeliest next tokens, position by position, in the order that they are learned.

    Attributes:
        ids: ``(positions, top)``, int64.
        log_probabilities: of these among all tokens, ``(positions, top)``, float32.
    """

    ids: torch.Tensor
    log_probabilities: torch.Tensor

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, piece: slice) -> Taught:
        return Taught(ids=self.ids[piece], log_probabilities=self.log_probabilities[piece])

    def to(self, device: str) -> Taught:
        """Returns the same on a device."""
        return Taught(ids=self.ids.to(device), log_probabilities=self.log_probabilities.to(device))

    def loss(self, logits: torch.Tensor) -> torch.Tensor:
        """Returns the summed cross entropy of these positions' ``logits`` against the teacher.

        It is taken between distributions over the teacher's likeliest tokens and the bucket of
        all others. Giving the kept ones the whole probability instead would teach the pupil that
        nothing else ever comes, and be wrong about how sure the teacher is (Anshumann et al. 2025,
        "Sparse Logit Sampling", section 3).

        Args:
            logits: ``(positions, vocabulary)``, float32; the vocabulary holds more than ``top``.
        """
        whole = logits.logsumexp(-1)
        kept = logits.gather(-1, self.ids) - whole.unsqueeze(-1)
        others = logits.scatter(-1, self.ids, -torch.inf).logsumexp(-1) - whole
        shares = self.log_probabilities.exp()
        left = (1 - shares.sum(-1)).clamp(min=0)
        return -(shares * kept).sum() - (left * others).sum()


def beside(token: torch.Tensor, logits: torch.Tensor, taught: Taught | None) -> torch.Tensor:
    """Returns the loss of learning the teacher beside the token, as `rules.teaching` weighs them.

    Args:
        token: the summed cross entropy of the tokens themselves.
        logits: float32, at the learned positions only.
        taught: ``None`` without a teacher.
    """
    return token if taught is None else (1 - TRUST) * token + TRUST * taught.loss(logits)


def learned_tokens(example: Example) -> int:
    """Returns how many tokens of an example are predicted: nothing comes before the first."""
    return sum(example.loss_mask[1:])


def packed(taught: Taught) -> bytes:
    """Returns an example's `Taught` as `Example.taught` holds it."""
    ids: bytes = taught.ids.to(torch.int32).cpu().numpy().astype("<i4").tobytes()
    shares: bytes = taught.log_probabilities.cpu().numpy().astype("<f4").tobytes()
    return ids + shares


def joined(examples: Sequence[Example]) -> Taught | None:
    """Returns what a teacher expects of a batch, one example after the other."""
    if not any(example.taught for example in examples):
        return None
    parts = [_unpacked(example) for example in examples if learned_tokens(example)]
    return Taught(
        ids=torch.cat([part.ids for part in parts]),
        log_probabilities=torch.cat([part.log_probabilities for part in parts]),
    )


def file_of(answers: Sequence[Taught]) -> bytes:
    """Returns the safetensors file of a teacher's answers to a training set, in its order."""
    file: bytes = save(
        {
            "ids": torch.cat([one.ids for one in answers]).to(torch.int32),
            "log_probabilities": torch.cat([one.log_probabilities for one in answers]),
            "positions": torch.tensor([len(one) for one in answers]),
        }
    )
    return file


def answers_in(file: bytes) -> list[Taught]:
    """Returns the answers that `file_of` wrote."""
    held = load(file)
    sizes = held["positions"].tolist()
    ids, shares = held["ids"].long().split(sizes), held["log_probabilities"].split(sizes)
    return [
        Taught(ids=some, log_probabilities=their) for some, their in zip(ids, shares, strict=True)
    ]


def _unpacked(example: Example) -> Taught:
    half, positions = len(example.taught) // 2, learned_tokens(example)
    held = bytearray(example.taught)
    ids = torch.frombuffer(held, dtype=torch.int32, count=half // 4)
    shares = torch.frombuffer(held, dtype=torch.float32, count=half // 4, offset=half)
    return Taught(
        ids=ids.view(positions, -1).long(), log_probabilities=shares.view(positions, -1).clone()
    )
