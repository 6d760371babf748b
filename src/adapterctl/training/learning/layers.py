"""Layers of a base that hold a part for each slot, and answer with the active one's."""

from __future__ import annotations

import threading
from typing import Any

import torch

from adapterctl.errors import InvalidInput
from adapterctl.training.learning.pairs import Pair, can_join, joined
from adapterctl.training.learning.unpadded import Layout
from adapterctl.training.loading import LoadedBase


class Switch:
    """Which slot is active, seen by every layer of a base; ``None`` is the bare base.

    Heads over one trunk share it, as they share the way activations are kept and laid out.
    """

    def __init__(self, layout: Layout) -> None:
        self.slot: str | None = None
        self._layout = layout
        self._checkpointing = False

    def prepare(self, base: LoadedBase, *, gradient_checkpointing: bool) -> None:
        """Makes the trunk ready for a pass of ``base``, a head over it."""
        self._layout.use(base.task if base.unpadded else None)
        if gradient_checkpointing is not self._checkpointing:
            set_checkpointing(base.model, on=gradient_checkpointing)
            self._checkpointing = gradient_checkpointing


class _Answers(threading.local):
    """What a thread was answered and has not fetched yet, and for which input."""

    def __init__(self) -> None:
        self.input: torch.Tensor | None = None
        self.of: dict[str, torch.Tensor] = {}


class Siblings:
    """Layers of one slot that read one input: the first to be asked answers for all."""

    def __init__(self) -> None:
        self._layers: dict[str, tuple[SlotLinear, Pair]] = {}
        self._answers = _Answers()

    def join(self, name: str, layer: SlotLinear, pair: Pair) -> None:
        """Takes in a layer, by its name."""
        self._layers[name] = (layer, pair)

    def can_answer(self, x: torch.Tensor) -> bool:
        """Whether the layers may be computed together on ``x``."""
        return all(can_join(layer.frozen, x) for layer, _ in self._layers.values())

    def answer(self, name: str, x: torch.Tensor) -> torch.Tensor:
        """Returns a layer's output with its pair; the others' are kept until they are asked."""
        kept = self._answers
        if kept.input is not x or name not in kept.of:
            layers, pairs = zip(*self._layers.values(), strict=True)
            answers = joined(x, [layer.frozen for layer in layers], pairs)
            kept.of, kept.input = dict(zip(self._layers, answers, strict=True)), x
        found = kept.of.pop(name)
        if not kept.of:
            kept.input = None
        return found


class SlotLinear(torch.nn.Module):  # type: ignore[misc]  # torch is Any to mypy
    """A frozen ``Linear`` or ``Conv1D``, and a pair for each slot that targets it."""

    def __init__(self, frozen: torch.nn.Module, switch: Switch, name: str) -> None:
        super().__init__()
        self.frozen = frozen
        self.switch = switch
        self.name = name
        self.parts: dict[str | None, Pair] = {}
        self.siblings: dict[str | None, Siblings] = {}

    def __getattr__(self, name: str) -> Any:
        """Answers what models ask of a layer (``weight``, ``in_features``) for the frozen one."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("frozen"), name)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns the layer's output with the active slot's pair, if it has one here."""
        slot = self.switch.slot
        siblings = self.siblings.get(slot)
        if siblings is not None and siblings.can_answer(x):
            return siblings.answer(self.name, x)
        out: torch.Tensor = self.frozen(x)
        pair = self.parts.get(slot)
        return out if pair is None else pair.add_to(out, x)

    def bare(self) -> torch.nn.Module | None:
        """Returns the frozen layer, or ``None`` where the active slot has a pair on it."""
        return None if self.switch.slot in self.parts else self.frozen


class SlotModule(torch.nn.Module):  # type: ignore[misc]
    """A module that each slot trains a whole copy of: a head, or one of ``modules_to_save``."""

    def __init__(self, frozen: torch.nn.Module, switch: Switch, _: str) -> None:
        super().__init__()
        self.frozen = frozen
        self.switch = switch
        self.parts: dict[str | None, torch.nn.Module] = {}

    def forward(self, *inputs: Any, **named: Any) -> Any:
        """Returns the output of the active slot's copy, or of the base's own module."""
        return self.parts.get(self.switch.slot, self.frozen)(*inputs, **named)

    def bare(self) -> torch.nn.Module | None:
        """Returns the frozen module, or ``None`` where the active slot has its own."""
        return None if self.switch.slot in self.parts else self.frozen


def set_checkpointing(model: Any, *, on: bool) -> None:
    """Turns the recomputing of activations on or off, under its name before and after 5.23."""
    state = "enable" if on else "disable"
    for word in ("activation", "gradient"):
        switch = getattr(model, f"{word}_checkpointing_{state}", None)
        if switch is not None:
            kwargs = {f"{word}_checkpointing_kwargs": {"use_reentrant": False}} if on else {}
            switch(**kwargs)
            return
    raise InvalidInput.one(
        f"{type(model).__name__} cannot recompute activations",
        place="training.gradient_checkpointing",
        hint="set it to false",
    )
