"""What training on a GPU is measured on: Llamas with random weights, and rows of two kinds."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapterctl.records.recipe import LoraSettings, TrainingSettings
from adapterctl.training.rows.text import Example

RANK, RATE, SEED = 16, 1e-4, 7
MODULES = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A Llama by its sizes, and how many rows of its longest go through it at once."""

    name: str
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    inner: int
    vocabulary: int
    longest: int
    batch: int

    @property
    def weights(self) -> int:
        """Weights in matrix products: every linear layer, and the head."""
        head = self.hidden // self.heads
        attention = self.hidden * head * 2 * (self.heads + self.kv_heads)
        layer = attention + 3 * self.hidden * self.inner
        return self.layers * layer + self.hidden * self.vocabulary

    def operations(self, lengths: list[int]) -> float:
        """Floating-point operations that rows of these lengths need.

        A frozen weight takes a multiplication and an addition per token forward, and as many for
        the gradient of its input. Causal attention looks at half of the pairs: two products
        forward and four back. LoRA itself, below 1 %, is left out.
        """
        pairs = sum(length * length for length in lengths) / 2
        return 4 * self.weights * sum(lengths) + 12 * self.layers * self.hidden * pairs


def _llama(name: str, sizes: tuple[int, ...], *, batch: int) -> Shape:
    hidden, layers, heads, inner = sizes
    return Shape(
        name=name,
        hidden=hidden,
        layers=layers,
        heads=heads,
        kv_heads=8,
        inner=inner,
        vocabulary=128_256,
        longest=4096,
        batch=batch,
    )


SHAPES = {
    shape.name: shape
    for shape in (
        _llama("1B", (2048, 16, 32, 8192), batch=4),
        _llama("3B", (3072, 28, 24, 8192), batch=2),
        _llama("8B", (4096, 32, 32, 14_336), batch=1),
        Shape(
            name="small",
            hidden=32,
            layers=2,
            heads=4,
            kv_heads=2,
            inner=64,
            vocabulary=96,
            longest=48,
            batch=2,
        ),
    )
}
FULL = ("1B", "3B", "8B")


@dataclass(frozen=True, kw_only=True)
class Work:
    """The same rows for every way, learned once.

    Attributes:
        folder: the base.
        warm: steps at the start that are not timed.
        device: ``cuda`` or ``cpu``.
        rank: of the adapter.
    """

    name: str
    shape: Shape
    folder: Path
    examples: list[Example]
    batch: int
    warm: int
    device: str
    rank: int = RANK

    @property
    def steps(self) -> int:
        """Optimizer steps; the rows are a multiple of the batch."""
        return len(self.examples) // self.batch

    @property
    def tokens(self) -> int:
        """Real tokens, those of the warm-up among them."""
        return sum(len(example.input_ids) for example in self.examples)

    @property
    def operations(self) -> float:
        """Floating-point operations that the rows need."""
        return self.shape.operations([len(example.input_ids) for example in self.examples])

    @property
    def training(self) -> TrainingSettings:
        """The settings that all ways share."""
        return TrainingSettings(
            num_train_epochs=1,
            per_device_train_batch_size=self.batch,
            learning_rate=RATE,
            max_grad_norm=1.0,
            bf16=True,
            max_length=self.shape.longest,
            logging_steps=10**6,
            save_steps=10**6,
            seed=SEED,
        )

    @property
    def lora(self) -> LoraSettings:
        """The LoRA settings that all ways share."""
        return LoraSettings(r=self.rank, lora_alpha=2.0 * self.rank, target_modules=MODULES)


def works(shape: Shape, folder: Path, *, steps: int, warm: int, device: str) -> list[Work]:
    """Returns rows as long as they may be, and rows of uneven length, eight times as many at once.

    Uneven rows are between a sixty-fourth and a quarter of the longest, as instructions are.
    """
    draw = random.Random(SEED)
    count = steps + warm

    def made(name: str, batch: int, lengths: list[int]) -> Work:
        return Work(
            name=name,
            shape=shape,
            folder=folder,
            examples=drawn(lengths, shape, draw),
            batch=batch,
            warm=warm,
            device=device,
        )

    low, high = max(3, shape.longest // 64), shape.longest // 4
    many = 8 * shape.batch
    return [
        made("full length", shape.batch, [shape.longest] * (shape.batch * count)),
        made("uneven", many, [draw.randint(low, high) for _ in range(many * count)]),
    ]


def drawn(lengths: Sequence[int], shape: Shape, draw: random.Random) -> list[Example]:
    """Returns rows of random tokens, every one of which is learned."""
    words = range(3, shape.vocabulary)
    return [
        Example(
            id=str(number),
            text="",
            input_ids=tuple(draw.choices(words, k=length)),
            loss_mask=(1,) * length,
            label=None,
        )
        for number, length in enumerate(lengths)
    ]


def build(shape: Shape, folder: Path, *, device: str) -> Path:
    """Writes the base in bfloat16, its weights drawn on the device; returns its folder."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        intermediate_size=shape.inner,
        max_position_embeddings=2 * shape.longest,
        rope_theta=500_000.0,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        dtype="bfloat16",
    )
    with torch.random.fork_rng(devices=[]), torch.device(device):
        torch.manual_seed(SEED)
        model = LlamaForCausalLM._from_config(config, dtype=torch.bfloat16)
    model.save_pretrained(folder)
    _tokenizer().save_pretrained(folder)
    return folder


def _tokenizer() -> Any:
    """A tokenizer that nobody asks: rows are token ids already."""
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    words = {"<pad>": 0, "<s>": 1, "</s>": 2}
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel(words, unk_token="<pad>")),
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
    )
