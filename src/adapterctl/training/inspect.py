"""What a plan must know of a base, read without its weights.

The architecture is built on torch's meta device from ``config.json`` alone: module names and
shapes are the real ones and take no memory, whatever the base's size. Of the weights only the
tensors' names are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from adapterctl.errors import Mismatch
from adapterctl.records.base import BaseShape, LinearShape
from adapterctl.records.recipe import Recipe, Task
from adapterctl.rules.mapping.roles import HEAD, role_of
from adapterctl.rules.planning.estimates import LargestPass, TextLengths
from adapterctl.training.blueprint import blueprint, config_of
from adapterctl.training.loading import is_head
from adapterctl.training.rows.formats import Row, is_conversation
from adapterctl.training.rows.text import encode_all, load_tokenizer
from adapterctl.training.rows.vocabulary import added_tokens, kind_of, vocabulary_digest
from adapterctl.training.twin import read

_UNCUT = 2**31 - 1


def describe(base_dir: Path, *, task: Task, trust_remote_code: bool = False) -> BaseShape:
    """Returns shape, tokenizer and chat template of the base in ``base_dir``.

    Module names are those that PEFT matches ``target_modules`` against: relative to the class
    that transformers builds for ``task``.

    Raises:
        NotFound: there is no ``config.json``.
        InvalidInput: transformers cannot build this architecture for the task, or there is no
            usable tokenizer.
        Mismatch: a weights file is damaged.
    """
    config = config_of(base_dir, trust_remote_code=trust_remote_code)
    model = blueprint(config, task=task, place=str(base_dir), trust_remote_code=trust_remote_code)
    tokenizer = load_tokenizer(base_dir, trust_remote_code=trust_remote_code)
    text_config = config.get_text_config()
    return BaseShape(
        family=config.model_type,
        architecture=type(model).__name__,
        hidden_size=text_config.hidden_size,
        layers=text_config.num_hidden_layers,
        vocabulary=len(tokenizer),
        context_length=context_length(model),
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        tokenizer_class=type(tokenizer).__name__,
        special_tokens=_special_tokens(tokenizer),
        chat_template=_chat_template(tokenizer),
        linears=linears(model),
        fresh=fresh_layers(model, _tensor_names(base_dir)),
        tokenizer_kind=kind_of(tokenizer),
        vocabulary_sha256=vocabulary_digest(tokenizer),
        added_tokens=added_tokens(tokenizer),
    )


def given_lora(base_dir: Path, recipe: Recipe, *, labels: int) -> list[str]:
    """Returns the modules that the installed PEFT gives a recipe's LoRA on this base, sorted.

    Raises:
        InvalidInput: PEFT refuses the settings on this base.
    """
    reading = read(
        recipe.lora,
        base_dir=base_dir,
        task=recipe.task,
        labels=labels,
        trust_remote_code=recipe.trust_remote_code,
    )
    return [target.name for target in reading.targets]


def linears(model: Any) -> list[LinearShape]:
    """Returns every place of ``model`` where LoRA can stand, in the order of its modules."""
    found = [shape for name, module in model.named_modules() for shape in _shape(name, module)]
    # A mixture keeps all experts of a layer in one tensor, which belongs to no linear module.
    found.extend(
        LinearShape(
            name=name,
            kind="Experts",
            features_in=parameter.shape[2],
            features_out=parameter.shape[1],
        )
        for name, parameter in model.named_parameters()
        if parameter.ndim == 3 and ".experts." in name
    )
    return found


def fresh_layers(model: Any, stored: Set[str]) -> list[str]:
    """Returns the layers of the head that a base with the tensors ``stored`` does not have.

    They start from the seed, so the adapter must carry them whole: dense layers and norms. The
    last one is left out: an adapter carries its head anyway.
    """
    trunk = f"{model.base_model_prefix}."
    # A base that was saved without any head names its tensors without the trunk.
    absent = (
        name.rpartition(".")[0]
        for name, _ in model.named_parameters()
        if name.endswith(".weight")
        and is_head(name, model)
        and not {name, name.removeprefix(trunk)} & stored
    )
    return [layer for layer in dict.fromkeys(absent) if layer and role_of(layer) != HEAD]


def context_length(model: Any) -> int | None:
    """Returns the longest input in tokens, or ``None`` when the base sets no limit."""
    for name, module in model.named_modules():
        # RoBERTa's positions start after its padding index: 514 rows hold 512 tokens.
        padding = getattr(module, "padding_idx", None)
        if name.endswith("position_embeddings") and padding is not None:
            return int(module.num_embeddings - padding - 1)
    limit = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    return None if limit is None else int(limit)


def text_lengths(
    base_dir: Path,
    rows: Sequence[Row],
    *,
    task: Task,
    max_length: int,
    context: int | None,
    batch: int = 1,
    trust_remote_code: bool = False,
) -> TextLengths:
    """Returns how long prepared rows are in this base's tokens, and how many would be cut.

    Args:
        base_dir: the folder of the base.
        rows: prepared rows.
        task: ``SEQ_CLS`` or ``CAUSAL_LM``.
        max_length: the recipe's, in tokens.
        context: the base's longest input in tokens; ``None`` without a limit.
        batch: rows in a pass.
        trust_remote_code: whether code in the base's folder may run.

    Raises:
        InvalidInput: rows that this base cannot read, as training would refuse them.
    """
    limit = max_length if context is None else min(max_length, context)
    examples = encode_all(
        rows,
        task=task,
        tokenizer=load_tokenizer(base_dir, trust_remote_code=trust_remote_code),
        labels=None,
        max_length=_UNCUT,
        place="train",
    )
    lengths = [len(example.input_ids) for example in examples]
    heaviest = sorted((min(length, limit) for length in lengths), reverse=True)[:batch]
    learned = [any(example.loss_mask[1:limit]) for example in examples]
    return TextLengths(
        rows=len(rows),
        conversations=sum(map(is_conversation, rows)),
        tokens=sum(min(length, limit) for length in lengths),
        longest=max(lengths, default=0),
        limit=limit,
        cut=sum(length > limit for length in lengths),
        lost=0 if task == "SEQ_CLS" else learned.count(False),
        context=context,
        largest=LargestPass(
            rows=len(heaviest), tokens=sum(heaviest), longest=max(heaviest, default=0)
        ),
        beyond=0 if context is None else sum(length > context for length in lengths),
    )


def _tensor_names(base_dir: Path) -> set[str]:
    names: set[str] = set()
    for file in sorted(base_dir.glob("*.safetensors")):
        try:
            with safe_open(file, framework="pt") as tensors:
                names.update(tensors.keys())
        except SafetensorError as error:
            raise Mismatch(
                f"a weights file cannot be read: {error}",
                place=str(file),
                hint="fetch the base again: the file is cut off or damaged",
            ) from error
    return names


def _shape(name: str, module: Any) -> Iterator[LinearShape]:
    from transformers.pytorch_utils import Conv1D

    match module:
        case torch.nn.Linear():
            kind, widths = "Linear", (module.in_features, module.out_features)
        case Conv1D():
            kind, widths = "Conv1D", tuple(module.weight.shape)
        case torch.nn.Embedding():
            kind, widths = "Embedding", (module.num_embeddings, module.embedding_dim)
        case _:
            return
    yield LinearShape(name=name, kind=kind, features_in=widths[0], features_out=widths[1])


def _special_tokens(tokenizer: Any) -> dict[str, str]:
    named: dict[str, str] = {}
    for role, value in tokenizer.special_tokens_map.items():
        if isinstance(value, list | tuple):
            named |= {f"{role}.{number}": str(text) for number, text in enumerate(value)}
        else:
            named[role] = str(value)
    return dict(sorted(named.items()))


def _chat_template(tokenizer: Any) -> str | None:
    template = tokenizer.chat_template
    if isinstance(template, dict):
        template = template.get("default")
    return None if template is None else str(template)
