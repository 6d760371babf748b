"""Two small bases built on the spot: their tokenizers are trained, and they are pre-trained.

They stand for a base that dies and its successor, so they differ in all that a rebuild has to
bridge: architecture (OPT: learned positions, biases, two-matrix MLP; Llama: rotary positions,
three-matrix MLP), width, tokenizer (byte-level BPE; SentencePiece-like BPE with byte fallback) and
the names of their modules. They are language models from the start, so that both classification
and generation can be learned on them.

Hidden matrices are pre-trained with Muon, which reaches in seconds what AdamW does in minutes at
this size (K. Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    OPTConfig,
    OPTForCausalLM,
    PreTrainedTokenizerFast,
)

from adapterctl.training.determinism import cores, strict
from adapterctl.training.learning.muon import Muon
from adapterctl.training.quiet import quiet

Progress = Callable[[str, int, int], None]

CONTEXT = 128
"""Longest input in tokens."""

_PAD, _END, _START, _UNKNOWN = "<pad>", "</s>", "<s>", "<unk>"
_SPACE = "▁"
_IGNORED = -100
ROUNDS = 3


@dataclass(frozen=True, kw_only=True)
class Blueprint:
    """What one small base is, and how long it is pre-trained.

    Attributes:
        family: ``opt`` or ``llama``.
        width: of the residual stream; ``mlp_width`` inside the MLP.
        vocabulary: tokens, at most.
        steps: optimizer steps of ``batch`` texts each.
        muon_rate: learning rate of the hidden matrices; ``adam_rate`` of everything else.
    """

    name: str
    family: str
    width: int
    layers: int
    heads: int
    mlp_width: int
    vocabulary: int
    steps: int
    batch: int = 20
    muon_rate: float = 0.02
    adam_rate: float = 1e-2


OLD = Blueprint(
    name="ticket-base-1",
    family="opt",
    width=96,
    layers=2,
    heads=4,
    mlp_width=256,
    vocabulary=1_200,
    steps=260,
)
NEW = Blueprint(
    name="ticket-base-2",
    family="llama",
    width=128,
    layers=2,
    heads=4,
    mlp_width=224,
    vocabulary=1_300,
    steps=430,
)


def make_bases(
    out: Path,
    *,
    texts: Sequence[str],
    seed: int,
    progress: Progress,
    blueprints: Sequence[Blueprint] = (OLD, NEW),
    threads: int | None = None,
) -> list[Path]:
    """Writes one folder per blueprint into ``out``, as a Hub snapshot would be; returns them.

    Args:
        out: gets a folder named after each base; one that is there is replaced.
        texts: what tokenizers and bases learn from; no labels.
        seed: of the first weights and of the order of the texts. Equal arguments give equal
            bytes on one class of hardware with one set of libraries.
        progress: called after each step with the base's name, steps done and steps in all.
        blueprints: what to build.
        threads: intra-op threads; by default one per core.
    """
    with strict("cpu", threads=threads or cores()):
        return [
            _make(out / blueprint.name, blueprint, texts=texts, seed=seed, progress=progress)
            for blueprint in blueprints
        ]


def _make(
    folder: Path, blueprint: Blueprint, *, texts: Sequence[str], seed: int, progress: Progress
) -> Path:
    tokenizer = _TOKENIZERS[blueprint.family](texts, blueprint.vocabulary)
    torch.manual_seed(seed)
    model = _MODELS[blueprint.family](blueprint, tokenizer)
    _pretrain(model, tokenizer, blueprint=blueprint, texts=texts, seed=seed, progress=progress)
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    with quiet():
        model.save_pretrained(part)
        tokenizer.save_pretrained(part)
    shutil.rmtree(folder, ignore_errors=True)
    return part.rename(folder)


def _byte_level(texts: Sequence[str], size: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE as GPT-2 and OPT have it: every byte is a letter, spaces lead words."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[_PAD, _END],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=_PAD, bos_token=_END, eos_token=_END
    )


def _byte_fallback(texts: Sequence[str], size: int) -> PreTrainedTokenizerFast:
    """A BPE as Llama has it: over characters, bytes for what it never saw, digits one by one."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token=_UNKNOWN, fuse_unk=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Metaspace(replacement=_SPACE, prepend_scheme="first"),
            pre_tokenizers.Punctuation(),
            pre_tokenizers.Digits(individual_digits=True),
        ]
    )
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.ByteFallback(),
            decoders.Metaspace(replacement=_SPACE, prepend_scheme="first"),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[_PAD, _UNKNOWN, _START, _END, *(f"<0x{byte:02X}>" for byte in range(256))],
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=_PAD,
        unk_token=_UNKNOWN,
        bos_token=_START,
        eos_token=_END,
    )


def _opt(blueprint: Blueprint, tokenizer: PreTrainedTokenizerFast) -> OPTForCausalLM:
    return OPTForCausalLM(
        OPTConfig(
            hidden_size=blueprint.width,
            word_embed_proj_dim=blueprint.width,
            num_hidden_layers=blueprint.layers,
            num_attention_heads=blueprint.heads,
            ffn_dim=blueprint.mlp_width,
            max_position_embeddings=CONTEXT,
            dropout=0.0,
            **_marks(tokenizer),
        )
    )


def _llama(blueprint: Blueprint, tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    return LlamaForCausalLM(
        LlamaConfig(
            hidden_size=blueprint.width,
            num_hidden_layers=blueprint.layers,
            num_attention_heads=blueprint.heads,
            num_key_value_heads=blueprint.heads // 2,
            intermediate_size=blueprint.mlp_width,
            max_position_embeddings=CONTEXT,
            tie_word_embeddings=True,
            **_marks(tokenizer),
        )
    )


def _marks(tokenizer: PreTrainedTokenizerFast) -> dict[str, int]:
    return {
        "vocab_size": len(tokenizer),
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
    }


_TOKENIZERS = {"opt": _byte_level, "llama": _byte_fallback}
_MODELS = {"opt": _opt, "llama": _llama}


def _pretrain(
    model: Any,
    tokenizer: PreTrainedTokenizerFast,
    *,
    blueprint: Blueprint,
    texts: Sequence[str],
    seed: int,
    progress: Progress,
) -> None:
    """Causal language modelling, one text per row, at rates that rise quickly and fall to 0."""
    rows = [
        [*ids[: CONTEXT - 1], tokenizer.eos_token_id] for ids in tokenizer(list(texts))["input_ids"]
    ]
    optimizers = _optimizers(model, blueprint)
    schedules = [
        torch.optim.lr_scheduler.LambdaLR(each, _rise_and_fall(blueprint.steps))
        for each in optimizers
    ]
    batches = _batches(rows, blueprint.batch, seed=seed)
    model.train()
    for step in range(blueprint.steps):
        model(**_padded(next(batches), tokenizer.pad_token_id)).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for each in (*optimizers, *schedules):
            each.step()
        model.zero_grad()
        progress(blueprint.name, step + 1, blueprint.steps)
    model.eval()


def _optimizers(model: Any, blueprint: Blueprint) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the layers, AdamW for embeddings, norms and biases."""
    named = list(model.named_parameters())
    hidden = [weight for name, weight in named if ".layers." in name and weight.dim() == 2]
    rest = [weight for name, weight in named if not (".layers." in name and weight.dim() == 2)]
    return [
        Muon(hidden, lr=blueprint.muon_rate, rounds=ROUNDS),
        torch.optim.AdamW(
            rest, lr=blueprint.adam_rate, weight_decay=0.0, betas=(0.9, 0.98), fused=True
        ),
    ]


def _rise_and_fall(steps: int) -> Callable[[int], float]:
    warm_up = max(1, steps // 20)
    return lambda step: min((step + 1) / warm_up, (steps - step) / (steps - warm_up), 1.0)


def _batches(rows: Sequence[list[int]], size: int, *, seed: int) -> Iterator[list[list[int]]]:
    """Yields batches without end; rows of like length share one, so that little is padding."""
    rng = Random(seed)
    while True:
        order = rng.sample(range(len(rows)), len(rows))
        for start in range(0, len(order), 20 * size):
            near = sorted(order[start : start + 20 * size], key=lambda number: len(rows[number]))
            batches = [near[at : at + size] for at in range(0, len(near), size)]
            rng.shuffle(batches)
            yield from ([rows[number] for number in batch] for batch in batches)


def _padded(rows: list[list[int]], pad: int) -> dict[str, torch.Tensor]:
    """Returns ids and labels; padding stands last, where a causal base needs no mask to skip it."""
    longest = max(map(len, rows))
    return {
        "input_ids": torch.tensor([row + [pad] * (longest - len(row)) for row in rows]),
        "labels": torch.tensor([row + [_IGNORED] * (longest - len(row)) for row in rows]),
    }
