"""A small BERT built on the spot: its own vocabulary, briefly pre-trained on the texts given.

It stands for the base that dies. Masked tokens are predicted, as BERT's first objective does; no
label is ever seen. Equal arguments give equal bytes on one machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Progress = Callable[[str, int, int], None]

SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
PAD, MASK = 0, 4
MASKED = 0.15
IGNORED = -100


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How large the base is and how long it is pre-trained.

    Attributes:
        vocabulary: entries at most.
        max_length: tokens per text while pre-training.
        learning_rate: highest rate; it rises over the first tenth and falls to 0.
    """

    hidden: int = 192
    layers: int = 2
    heads: int = 4
    vocabulary: int = 3000
    positions: int = 128
    steps: int = 2000
    batch: int = 48
    max_length: int = 32
    learning_rate: float = 1e-3
    seed: int = 3


def build(folder: Path, texts: Sequence[str], plan: Plan, *, progress: Progress) -> dict[str, Any]:
    """Writes the base as a Hugging Face folder.

    Returns:
        what it is: sizes, ``parameters``, and ``first_loss`` and ``last_loss`` of the
        pre-training in nats per masked token, each a mean over 20 steps.
    """
    import torch
    from transformers import BertForMaskedLM, BertModel

    tokenizer = _tokenizer(texts, plan)
    config = _config(len(tokenizer), plan)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.seed)
        masked = BertForMaskedLM(config)
        base = BertModel(config)
        losses = list(_pretrain(masked, _batches(tokenizer, texts, plan), plan, progress=progress))
    # The pooler, which predicting masked tokens never trains, stays as it was drawn.
    base.load_state_dict(masked.bert.state_dict(), strict=False)
    base.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return {
        "hidden_size": plan.hidden,
        "layers": plan.layers,
        "vocabulary": len(tokenizer),
        "parameters": sum(weights.numel() for weights in base.parameters()),
        "pretraining_steps": plan.steps,
        "first_loss": round(sum(losses[:20]) / len(losses[:20]), 3),
        "last_loss": round(sum(losses[-20:]) / len(losses[-20:]), 3),
    }


def _tokenizer(texts: Sequence[str], plan: Plan) -> Any:
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
    from tokenizers.trainers import WordPieceTrainer
    from transformers import BertTokenizerFast

    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = WordPieceTrainer(
        vocab_size=plan.vocabulary,
        min_frequency=2,
        special_tokens=list(SPECIALS),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", SPECIALS.index("[CLS]")), ("[SEP]", SPECIALS.index("[SEP]"))],
    )
    return BertTokenizerFast(tokenizer_object=tokenizer, model_max_length=plan.positions)


def _config(vocabulary: int, plan: Plan) -> Any:
    from transformers import BertConfig

    return BertConfig(
        vocab_size=vocabulary,
        hidden_size=plan.hidden,
        num_hidden_layers=plan.layers,
        num_attention_heads=plan.heads,
        intermediate_size=4 * plan.hidden,
        max_position_embeddings=plan.positions,
        pad_token_id=PAD,
    )


def _batches(tokenizer: Any, texts: Sequence[str], plan: Plan) -> Iterator[Any]:
    """Yields (ids, mask, targets) without end, in an order drawn anew for each pass."""
    import torch

    encoded = tokenizer(list(texts), truncation=True, max_length=plan.max_length)["input_ids"]
    draw = torch.Generator().manual_seed(plan.seed)
    while True:
        order = torch.randperm(len(encoded), generator=draw).tolist()
        for start in range(0, len(order), plan.batch):
            rows = [torch.tensor(encoded[number]) for number in order[start : start + plan.batch]]
            ids = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=PAD)
            words = ids >= len(SPECIALS)
            hidden = words & (torch.rand(ids.shape, generator=draw) < MASKED)
            targets = torch.where(hidden, ids, torch.tensor(IGNORED))
            yield torch.where(hidden, torch.tensor(MASK), ids), (ids != PAD).long(), targets


def _pretrain(
    model: Any, batches: Iterator[Any], plan: Plan, *, progress: Progress
) -> Iterator[float]:
    import torch

    optimizer = torch.optim.AdamW(model.parameters(), lr=plan.learning_rate, weight_decay=0.01)
    rate = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=plan.learning_rate,
        total_steps=plan.steps,
        pct_start=0.1,
        anneal_strategy="linear",
        cycle_momentum=False,
    )
    model.train()
    for step, (ids, mask, targets) in zip(range(1, plan.steps + 1), batches, strict=False):
        loss = model(input_ids=ids, attention_mask=mask, labels=targets).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        rate.step()
        optimizer.zero_grad()
        progress(f"pre-training the old base, loss {loss.item():.2f}", step, plan.steps)
        yield loss.item()
