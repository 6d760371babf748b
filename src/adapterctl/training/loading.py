"""A base from its folder, frozen; and the same base with an adapter on it.

transformers warns about weights that are missing, and peft about adapters that do not fit. Here
both are judged: a fresh classification head is expected, anything else is an error.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from adapterctl.errors import InvalidInput, Mismatch, NotFound
from adapterctl.records.recipe import Task
from adapterctl.training.products import quicken
from adapterctl.training.quiet import quiet
from adapterctl.training.rows.tokenizer import load_tokenizer

_AUTO_CLASSES = {
    "SEQ_CLS": "AutoModelForSequenceClassification",
    "CAUSAL_LM": "AutoModelForCausalLM",
}


@dataclass(frozen=True, kw_only=True)
class LoadedBase:
    """A base in memory: frozen, in evaluation mode, on one device.

    Attributes:
        folder: where it was loaded from.
        model: the ``transformers.PreTrainedModel``; adapters are put on it in place and taken off
            again, so one load serves many.
        fresh: names of the parameters that the folder does not hold and that were filled from the
            head's seed, sorted; empty for CAUSAL_LM. An adapter must carry them all, or its
            outputs depend on chance wherever it is loaded.
        device: ``cpu``, ``cuda`` or ``cuda:0``.
        unpadded: whether the model was made to run without padding.
    """

    folder: Path
    task: Task
    tokenizer: Any
    model: Any
    fresh: tuple[str, ...]
    device: str
    unpadded: bool = False

    @property
    def pad_token_id(self) -> int:
        """Token that fills short rows: the base's own, else the tokenizer's."""
        own = self.model.config.get_text_config().pad_token_id
        return int(self.tokenizer.pad_token_id if own is None else own)

    @property
    def context_length(self) -> int | None:
        """Longest input in tokens, or ``None`` when the base sets no limit."""
        return context_length(self.model)

    def longest(self, wanted: int) -> int:
        """Returns how many tokens a row may have: ``wanted``, or what the context holds."""
        context = self.context_length
        return wanted if context is None else min(wanted, context)


def context_length(model: Any) -> int | None:
    """Returns the longest input of a transformers model in tokens, or ``None`` without a limit."""
    for name, module in model.named_modules():
        # RoBERTa's positions start after its padding index: 514 rows hold 512 tokens.
        if name.endswith("position_embeddings") and getattr(module, "padding_idx", None):
            return int(module.num_embeddings - module.padding_idx - 1)
    limit = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    return None if limit is None else int(limit)


def load_base(
    base_dir: Path,
    *,
    task: Task,
    head_seed: int,
    device: str,
    num_labels: int | None = None,
    dtype: str = "float32",
    trust_remote_code: bool = False,
    attn: str | None = None,
    quantization: Any = None,
    quick: bool = True,
) -> LoadedBase:
    """Returns the base in ``base_dir`` for a task, with a head drawn from ``head_seed``.

    The global random state is neither read nor moved.

    Args:
        base_dir: a Hugging Face folder with ``config.json``, safetensors weights and tokenizer.
        task: ``SEQ_CLS`` or ``CAUSAL_LM``.
        head_seed: keys the parameters of a head that the base does not have.
        device: a torch device.
        num_labels: how many labels the head tells apart; needed for ``SEQ_CLS``.
        dtype: a floating-point type of torch by name, or ``auto`` for the one on disk.
        trust_remote_code: whether code in the folder may run.
        attn: attention implementation of transformers; ``None`` leaves the choice to it.
        quantization: transformers' config of a base held in fewer bits; it goes straight to the
            device then.
        quick: whether a base on the CPU computes as `products` does.

    Raises:
        NotFound: there is no folder, no ``config.json`` or no safetensors file.
        InvalidInput: the task or the architecture is not one that transformers can build here.
        Mismatch: weights of the base itself are missing, left over or misshapen.
    """
    _check_folder(base_dir, task=task)
    with quiet(), torch.random.fork_rng(devices=[]):
        model, info = _from_pretrained(
            base_dir,
            _auto_class(task),
            dtype=dtype,
            trust_remote_code=trust_remote_code,
            **({} if num_labels is None else {"num_labels": num_labels}),
            **({} if attn is None else {"attn_implementation": attn}),
            **_held(quantization, device=device),
        )
    fresh = _judge(info, base_dir, model=model)
    tokenizer = load_tokenizer(base_dir, trust_remote_code=trust_remote_code)
    if model.config.get_text_config().pad_token_id is None:
        model.config.get_text_config().pad_token_id = tokenizer.pad_token_id
    if task == "CAUSAL_LM":
        model.generation_config = _plain_generation(model.generation_config)
    model.requires_grad_(False).eval()
    if quantization is None:
        model.to(device)
    if quick and device == "cpu" and model.dtype is torch.float32:
        quicken(model)
    base = LoadedBase(
        folder=base_dir, task=task, tokenizer=tokenizer, model=model, fresh=fresh, device=device
    )
    reset_head(base, seed=head_seed)
    return base


def head_weights(base: LoadedBase, *, seed: int) -> dict[str, torch.Tensor]:
    """Returns the fresh parameters as ``seed`` draws them: float32, on the CPU.

    As transformers initialises a head (normal with the base's ``initializer_range``, biases 0),
    but keyed by seed and parameter name: what else is loaded, and in which order, changes nothing.
    """
    deviation = getattr(base.model.config.get_text_config(), "initializer_range", 0.02)
    return {
        name: _drawn(name, base.model.get_parameter(name).shape, seed=seed) * deviation
        for name in base.fresh
    }


def reset_head(base: LoadedBase, *, seed: int) -> None:
    """Puts the head that ``seed`` draws on the base, in place."""
    with torch.no_grad():
        for name, value in head_weights(base, seed=seed).items():
            base.model.get_parameter(name).copy_(value)


def _drawn(name: str, shape: torch.Size, *, seed: int) -> torch.Tensor:
    if len(shape) < 2:
        return torch.zeros(shape)
    key = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(key[:8], "big", signed=True))
    return torch.randn(shape, generator=generator)


def _held(quantization: Any, *, device: str) -> dict[str, Any]:
    """Returns what ``from_pretrained`` is told of a base held in fewer bits."""
    if quantization is None:
        return {}
    return {"quantization_config": quantization, "device_map": {"": device}}


def _plain_generation(stated: Any) -> Any:
    """Keeps the end tokens only: sampling settings of a base would leak into every answer."""
    from transformers import GenerationConfig

    return GenerationConfig(eos_token_id=getattr(stated, "eos_token_id", None))


def _check_folder(base_dir: Path, *, task: Task) -> None:
    if task not in _AUTO_CLASSES:
        raise InvalidInput.one(
            f"task {task} cannot be run yet", hint=f"tasks: {', '.join(_AUTO_CLASSES)}"
        )
    for pattern, hint in (
        ("config.json", "a base is a Hugging Face folder: give the one that holds config.json"),
        ("*.safetensors", "save it with save_pretrained; pickled weights are not loaded"),
    ):
        if next(base_dir.glob(pattern), None) is None:
            raise NotFound(f"no {pattern} in the base's folder", place=str(base_dir), hint=hint)


def _auto_class(task: Task) -> Any:
    import transformers

    return getattr(transformers, _AUTO_CLASSES[task])


def _from_pretrained(base_dir: Path, kind: Any, **settings: Any) -> tuple[Any, dict[str, Any]]:
    try:
        model, info = kind.from_pretrained(
            str(base_dir),
            local_files_only=True,
            use_safetensors=True,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
            **settings,
        )
    except SafetensorError as error:
        raise Mismatch(
            f"a weights file cannot be read: {error}",
            place=str(base_dir),
            hint="fetch the base again: the file is cut off or damaged",
        ) from error
    except (OSError, ValueError) as error:
        raise InvalidInput.one(
            f"transformers cannot load this base: {_first_line(error)}",
            place=str(base_dir),
            hint="a newer transformers may know the architecture; code inside the folder runs "
            "only with trust_remote_code: true",
        ) from error
    return model, info


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0]


def _judge(info: dict[str, Any], base_dir: Path, *, model: Any) -> tuple[str, ...]:
    """Returns the names of the head's fresh parameters; anything else amiss is an error."""
    missing, misshapen = info["missing_keys"], {name for name, *_ in info["mismatched_keys"]}
    fresh = {name for name in missing | misshapen if is_head(name, model)}
    left_over = {name for name in info["unexpected_keys"] if _is_trunk(name, model)}
    if what := misfit(missing=missing - fresh, unexpected=left_over, misshapen=misshapen - fresh):
        raise Mismatch(
            f"the weights do not fit {type(model).__name__}: {what}",
            place=str(base_dir),
            hint="config.json and the weights belong to different bases, or the base was saved "
            "without its head",
        )
    return tuple(sorted(fresh))


def _is_trunk(name: str, model: Any) -> bool:
    """Whether a tensor of the folder belongs to the base below any head.

    Bases saved without a head (``BertModel``) name their tensors without the trunk's prefix.
    """
    prefix = model.base_model_prefix
    parts = {part for part, _ in getattr(model, prefix).named_children()}
    return name.split(".", 1)[0] in parts | {prefix}


def is_head(name: str, model: Any) -> bool:
    """Whether a parameter belongs to a classification head (BERT's pooler is part of it)."""
    if "ForSequenceClassification" not in type(model).__name__:
        return False
    prefix = model.base_model_prefix
    return not name.startswith(f"{prefix}.") or name.startswith(f"{prefix}.pooler.")


def misfit(**faults: Iterable[str]) -> str:
    """Returns ``2 missing (a, b), 1 unexpected (c)``, naming three of each; empty without any."""
    parts = []
    for word, names in faults.items():
        first = sorted(names)
        if first:
            shown = ", ".join(first[:3]) + (", ..." if len(first) > 3 else "")
            parts.append(f"{len(first)} {word} ({shown})")
    return ", ".join(parts)
