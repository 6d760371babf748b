"""How much memory a training step takes, counted without taking it.

A base on the ``meta`` device runs its forward and backward pass with shapes alone. Every tensor
that an operation makes is counted while it lives, so that what autograd keeps for the way back is
in it, whatever the architecture.
"""

from __future__ import annotations

import weakref
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import cross_entropy, linear, scaled_dot_product_attention
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.pytorch_utils import Conv1D

from adapterctl.records.recipe import Recipe
from adapterctl.rules.arithmetic import LARGE, LATEST, base_dtype, in_pieces
from adapterctl.rules.planning.estimates import LargestPass
from adapterctl.rules.planning.memory import Counted
from adapterctl.rules.unpadded import runs_unpadded
from adapterctl.training.learning.head import frozen_head
from adapterctl.training.learning.layers import Siblings, SlotLinear, Switch, set_checkpointing
from adapterctl.training.learning.pairs import Pair, family_of
from adapterctl.training.learning.unpadded import (
    Layout,
    can_unpad,
    choose_attention,
    narrow_last_layer,
    trunk_of,
)
from adapterctl.training.twin import Reading, read


def footprint(
    base_dir: Path, recipe: Recipe, *, labels: int, largest: LargestPass, device: str
) -> Counted:
    """Returns what training a recipe on a base takes in its largest pass.

    Args:
        base_dir: its ``config.json`` is read, its weights are not.
        recipe: what is trained.
        labels: how many labels the head tells apart; 0 without a head.
        largest: the longest rows that may share a pass.
        device: ``cpu`` or ``cuda``: what attention keeps depends on it.

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
    flat = runs_unpadded(device, arithmetic=LATEST) and can_unpad(reading.base, own=reading.own)
    tokens = largest.tokens if flat else largest.rows * largest.longest
    model = _as_trained(reading, recipe, device=device)
    if flat:
        model.set_attn_implementation(_WITHOUT_MASK[device.partition(":")[0]])
    if flat and device == "cpu" and recipe.task == "SEQ_CLS":
        narrow_last_layer(trunk_of(model), lambda *states: tuple(each[:, :1] for each in states))
    frozen = [each for each in model.parameters() if not each.requires_grad]
    return Counted(
        weights=sum(each.numel() * each.element_size() for each in frozen),
        shapes=list(reading.shapes.values()),
        passing=_passing(model, recipe, (largest.rows, tokens), device=device),
        rows=largest.rows,
        tokens=tokens,
    )


def _as_trained(reading: Reading, recipe: Recipe, *, device: str) -> Any:
    """Returns the twin, in the types and with the settings that it would train with."""
    dtype = base_dtype(bf16=recipe.training.bf16, plain=reading.plain, arithmetic=LATEST)
    model = reading.base.to(getattr(torch, dtype)).train()
    model.config.get_text_config().use_cache = False
    if model.config.get_text_config().pad_token_id is None:
        model.config.get_text_config().pad_token_id = 0
    choose_attention(model)
    if recipe.training.gradient_checkpointing:
        set_checkpointing(model, on=True)
    if reading.plain:
        kind = _CpuPair if device == "cpu" else Pair
        _put_in_slots(model, reading, kind=kind, share=recipe.lora.lora_dropout)
    return model


class _Together(Siblings):
    """Siblings on ``meta``, where nobody can ask whether autocast is on: it is with bfloat16."""

    def can_answer(self, x: torch.Tensor) -> bool:
        frozen = [layer.frozen for layer, _ in self._layers.values()]
        plain = all(type(each) in {torch.nn.Linear, Conv1D} for each in frozen)
        return plain and all(each is torch.float32 for each in (x.dtype, frozen[0].weight.dtype))


class _CpuPair(Pair):
    """A pair by what it keeps on the CPU: dropout's mask is in float32 there."""

    def add_to(self, out: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        if self.dropout:
            # Autocast hands the product on in the type of what comes after.
            x = (x * torch.empty_like(x, dtype=torch.float32)).to(x.dtype)
        return Pair(a=self.a, b=self.b, scaling=self.scaling, dropout=0.0).add_to(out, x)


def _put_in_slots(model: Any, reading: Reading, *, kind: type[Pair], share: float) -> None:
    """Replaces PEFT's layers by those that train what is plain, as `SlottedBase` would."""
    switch = Switch(Layout(model))
    families: defaultdict[object, _Together] = defaultdict(_Together)
    for target in reading.targets:
        given = model.get_submodule(target.name)
        pair = kind(
            a=given.lora_A["default"].weight,
            b=given.lora_B["default"].weight,
            scaling=target.scaling,
            dropout=share,
        )
        layer = SlotLinear(given.base_layer, switch, target.name)
        layer.parts[switch.slot] = pair
        siblings = families[family_of(target.name)]
        siblings.join(target.name, layer, pair)
        layer.siblings[switch.slot] = siblings
        model.set_submodule(target.name, layer)


def _passing(model: Any, recipe: Recipe, size: tuple[int, int], *, device: str) -> int | None:
    """Returns the bytes alive at most within a pass; ``None`` where shapes do not tell the way.

    Args:
        size: rows and tokens; the tokens are spread evenly, for what is kept of them adds up.
    """
    rows, tokens = size
    ids = torch.zeros(rows, -(-tokens // rows), dtype=torch.long, device="meta")
    for mask in _masks(ids):
        try:
            work = partial(_pass, model, recipe, ids, mask=mask)
            return _peak(work, model, flash=device != "cpu")
        except (AttributeError, RuntimeError, TypeError, ValueError):
            continue  # this family asks the mask for its values, or wants it in another form
    return None


def _masks(ids: torch.Tensor) -> Iterator[torch.Tensor | None]:
    rows, length = ids.shape
    # A mask of four dimensions is handed to every layer as it is: nobody looks into it.
    yield torch.zeros(rows, 1, length, length, device="meta")
    yield torch.ones_like(ids)
    yield None


def _pass(model: Any, recipe: Recipe, ids: torch.Tensor, *, mask: torch.Tensor | None) -> None:
    """Goes forward and back once, as the trainer does."""
    _loss(model, recipe, ids, mask=mask).backward()


def _loss(
    model: Any, recipe: Recipe, ids: torch.Tensor, *, mask: torch.Tensor | None
) -> torch.Tensor:
    """Returns the loss; on the way back nobody holds its logits."""
    head = frozen_head(model) if recipe.task == "CAUSAL_LM" else None
    if head is not None and in_pieces(
        positions=ids.numel(),
        vocabulary=head.weight.shape[0],
        family=model.config.model_type,
        arithmetic=LATEST,
    ):
        states = model.base_model(input_ids=ids, attention_mask=mask).last_hidden_state
        # One piece stands for all of them: its logits are forgotten before the next.
        some = states.flatten(0, -2)[: max(1, LARGE // head.weight.shape[0])]
        logits = linear(some, head.weight, head.bias)
    else:
        logits = model(input_ids=ids, attention_mask=mask).logits
    flat = logits.float().flatten(0, -2)
    targets = torch.zeros(len(flat), dtype=torch.long, device="meta")
    return cross_entropy(flat, targets, reduction="sum")


def _peak(work: Callable[[], None], model: Any, *, flash: bool) -> int:
    model.zero_grad(set_to_none=True)
    there = [*model.parameters(), *model.buffers()]
    with ExitStack() as modes:
        modes.enter_context(_Attention(always=flash))
        alive = modes.enter_context(_Alive({id(each.untyped_storage()) for each in there}))
        work()
    return int(alive.peak)


class _Alive(TorchDispatchMode):  # type: ignore[misc]
    """Counts the bytes of every storage that an operation makes, until nobody holds it.

    Args:
        there: storages that were there before: an operation may return a view of them.
    """

    def __init__(self, there: set[int]) -> None:
        super().__init__()
        self.now = self.peak = 0
        self._there = there
        self._held: dict[int, weakref.ref[Any]] = {}

    def __torch_dispatch__(  # noqa: PLR0917  # torch's own signature
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        made = func(*args, **(kwargs or {}))
        for each in tree_leaves(made):
            if isinstance(each, torch.Tensor):
                self._hold(each.untyped_storage())
        return made

    def _hold(self, storage: Any) -> None:
        key, size = id(storage), storage.nbytes()
        if key in self._held or key in self._there:
            return
        self._held[key] = weakref.ref(storage, partial(self._let_go, key, size))
        self.now += size
        self.peak = max(self.peak, self.now)

    def _let_go(self, key: int, size: int, _: Any) -> None:
        self._held.pop(key, None)
        self.now -= size


class _Attention(TorchFunctionMode):  # type: ignore[misc]
    """Keeps of attention what torch's flash kernels keep; on ``meta`` it would be every score.

    On the CPU they know no dropout.
    """

    def __init__(self, *, always: bool) -> None:
        super().__init__()
        self._always = always

    def __torch_function__(  # noqa: PLR0917  # torch's own signature
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        named = kwargs or {}
        if func is scaled_dot_product_attention and (self._always or not named.get("dropout_p")):
            return _Flash.apply(*args[:3])
        return func(*args, **named)


def _without_mask(
    module: torch.nn.Module, *given: torch.Tensor, always: bool, **settings: Any
) -> tuple[torch.Tensor, None]:
    """Attends as transformers' own function does, for what unpadded rows keep of it."""
    *states, _ = given
    if settings.get("dropout") and not always:
        answer: tuple[torch.Tensor, None] = sdpa_attention_forward(
            module, *states, None, **settings
        )
        return answer
    return _Flash.apply(*states).transpose(1, 2).contiguous(), None


_WITHOUT_MASK = {"cpu": "adapterctl_counted_on_cpu", "cuda": "adapterctl_counted_on_cuda"}
"""What transformers knows the attention of unpadded rows by."""

for _device, _name in _WITHOUT_MASK.items():
    AttentionInterface.register(_name, partial(_without_mask, always=_device != "cpu"))


class _Flash(torch.autograd.Function):  # type: ignore[misc]
    """Attention by its shapes: query, key, value, answer, and a number per query are kept."""

    @staticmethod
    def forward(  # noqa: PLR0917  # query, key and value come as they are
        ctx: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor
    ) -> torch.Tensor:
        answer = query.new_empty((*query.shape[:-1], value.shape[-1]))
        sums = query.new_empty(query.shape[:-1], dtype=torch.float32)
        ctx.save_for_backward(query, key, value, answer, sums)
        return answer

    @staticmethod
    def backward(ctx: Any, _: torch.Tensor) -> tuple[torch.Tensor, ...]:
        query, key, value, *_rest = ctx.saved_tensors
        return torch.empty_like(query), torch.empty_like(key), torch.empty_like(value)
