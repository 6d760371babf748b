"""Answers written by a base, token by token: greedy, by beams, or drawn from a seed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import (
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    TemperatureLogitsWarper,
    TopPLogitsWarper,
)

from adapterctl.errors import InvalidInput
from adapterctl.records.recipe import Generation
from adapterctl.training.learning.batches import Ids, Progress, answer_each, padded
from adapterctl.training.loading import LoadedBase
from adapterctl.training.quiet import quiet
from adapterctl.training.rows.formats import Unrenderable, render
from adapterctl.training.rows.text import Example

Prompt = tuple[Ids, str]
"""A prompt's tokens, and the key of its draws (empty when nothing is drawn)."""


def check_generation(generation: Generation) -> None:
    """Refuses settings that do not go together.

    Raises:
        InvalidInput: beams are asked for together with a temperature.
    """
    if generation.temperature > 0 and generation.num_beams > 1:
        raise InvalidInput.one(
            f"num_beams {generation.num_beams} with temperature {generation.temperature}",
            place="generation",
            hint="beams need temperature 0; drawn answers need num_beams 1",
        )


@dataclass(frozen=True, kw_only=True)
class Writer:
    """A base that answers prompts; the base's own sampling settings are not followed.

    Attributes:
        base: a CAUSAL_LM base, bare or adapted.
        generation: length, temperature, top-p, beams.
        seed: of the draws. Each row's draws are keyed by it and the row's id, whatever else is
            in its batch.
        stops: tokens that end an answer.
    """

    base: LoadedBase
    generation: Generation
    seed: int
    stops: tuple[int, ...]

    def write(
        self, prompts: Sequence[Example], *, batch_size: int, progress: Progress
    ) -> list[str]:
        """Returns the text written after each prompt, special tokens left out."""
        inputs = [self._input(prompt) for prompt in prompts]
        # Close to the end of the context an answer is shorter: alone, it binds no other row.
        tight = [item for item in inputs if self._room(item) < self.generation.max_new_tokens]
        loose = [item for item in inputs if self._room(item) >= self.generation.max_new_tokens]
        written: dict[Prompt, str] = {}
        for size, part in ((1, tight), (batch_size, loose)):
            texts = answer_each(part, self._answer, size=size, label="answers", progress=progress)
            written.update(zip(part, texts, strict=True))
        return [written[item] for item in inputs]

    def cut(self, prompts: Sequence[Example]) -> list[str]:
        """Returns the ids of prompts that lose their beginning, so that an answer has room."""
        longest = self._longest_prompt()
        return [p.id for p in prompts if longest and len(p.input_ids) > longest]

    def _input(self, prompt: Example) -> Prompt:
        longest = self._longest_prompt()
        ids = prompt.input_ids[-longest:] if longest else prompt.input_ids
        return ids, prompt.id if self.generation.temperature > 0 else ""

    def _longest_prompt(self) -> int | None:
        """An answer gets what it asks for, but no prompt gives up more than half the context."""
        context = self.base.context_length
        if context is None:
            return None
        return context - min(self.generation.max_new_tokens, context // 2)

    def _room(self, prompt: Prompt) -> int:
        wanted, context = self.generation.max_new_tokens, self.base.context_length
        return wanted if context is None else min(wanted, context - len(prompt[0]))

    def _answer(self, batch: list[Prompt]) -> list[str]:
        ids, attention = padded(
            [ids for ids, _ in batch],
            fill=self.base.pad_token_id,
            device=self.base.device,
            left=True,
        )
        config = GenerationConfig(
            max_new_tokens=min(self._room(prompt) for prompt in batch),
            do_sample=False,
            num_beams=self.generation.num_beams,
            eos_token_id=list(self.stops) or None,
            pad_token_id=self.base.pad_token_id,
        )
        with quiet(), torch.inference_mode():
            written = self.base.model.generate(
                input_ids=ids,
                attention_mask=attention,
                generation_config=config,
                logits_processor=self._drawing(batch),
            )
        new = written[:, ids.shape[1] :].tolist()
        return [self._text(prompt[0], tokens) for prompt, tokens in zip(batch, new, strict=True)]

    def _drawing(self, batch: list[Prompt]) -> LogitsProcessorList:
        if self.generation.temperature == 0:
            return LogitsProcessorList()
        steps: list[Any] = [TemperatureLogitsWarper(self.generation.temperature)]
        if self.generation.top_p < 1:
            steps.append(TopPLogitsWarper(self.generation.top_p))
        return LogitsProcessorList([*steps, Draws(self.seed, [key for _, key in batch])])

    def _text(self, prompt: Ids, new: list[int]) -> str:
        """Decodes an answer behind its prompt: alone, some tokenizers drop its first space."""
        ends = [at for at, token in enumerate(new) if token in self.stops]
        answer = new[: ends[0]] if ends else new
        before, whole = (
            self.base.tokenizer.decode(
                list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
            for ids in (prompt, (*prompt, *answer))
        )
        return str(whole[len(before) :])


class Draws(LogitsProcessor):  # type: ignore[misc]
    """Turns the greedy choice into a draw from the softmax, by the Gumbel-max trick.

    ``argmax(logits + g)`` with independent standard Gumbel ``g`` is distributed as
    ``softmax(logits)`` (Gumbel 1954; Maddison et al. 2014, arXiv:1411.0030). Each row has a
    generator of its own, so its draws do not depend on its neighbours.
    """

    def __init__(self, seed: int, keys: Sequence[str]) -> None:
        self._generators = [_generator(f"{seed}:{key}") for key in keys]

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Returns the logits with one Gumbel draw added to each."""
        uniform = torch.stack(
            [
                torch.rand(scores.shape[-1], generator=generator, dtype=torch.float64)
                for generator in self._generators
            ]
        )
        return scores - torch.log(-torch.log(uniform)).to(scores)


def _generator(key: str) -> torch.Generator:
    digest = hashlib.sha256(key.encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big", signed=True))


def end_tokens(base: LoadedBase, *, chat: bool) -> tuple[int, ...]:
    """Returns the tokens that end an answer, sorted.

    The tokenizer's end token, those that the base's generation settings name, and for
    conversations the special token by which the chat template ends an assistant's turn.
    """
    stated = base.model.generation_config.eos_token_id
    found = {base.tokenizer.eos_token_id}
    found.update(stated if isinstance(stated, list) else [stated])
    if chat:
        found.add(_turn_end(base.tokenizer))
    return tuple(sorted(found - {None}))


def _turn_end(tokenizer: Any) -> int | None:
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    try:
        rendering = render({"messages": turns}, task="CAUSAL_LM", tokenizer=tokenizer)
    except Unrenderable:
        return None
    answer = rendering.answers[0]
    tail = rendering.text[answer.words[1] : answer.stop].lstrip()
    first: list[int] = tokenizer(tail, add_special_tokens=False)["input_ids"][:1]
    return first[0] if first and first[0] in tokenizer.added_tokens_decoder else None
