"""Running the examples of a batch without padding: in one row, with attention inside each.

The model is given a padded batch, as ever. A hook in front of its trunk lays the real tokens one
after the other; linear layers, norms and dropout see no others. Attention is computed example by
example, those of one length together, so that nothing is masked. A hook behind the trunk puts the
hidden states of a classifier back into rows, where its head finds the first or last token. Where it
reads the first one and nothing else, the last layer goes on, after its attention, with those alone.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from adapterctl.records.recipe import Task
from adapterctl.rules.unpadded import FAMILIES, FIRST_TOKEN

NAME = "adapterctl_unpadded"
"""What transformers knows the attention by."""


def attention(
    module: torch.nn.Module,
    *given: torch.Tensor,
    sliding_window: int | None = None,
    **settings: Any,
) -> tuple[torch.Tensor, None]:
    """Returns the attention of each example to itself, by transformers' own function.

    Args:
        given: query, key and value, each ``(1, heads, tokens, width)``, one example after the
            other; then, in the mask's place, the examples' lengths. They have four dimensions:
            such a mask transformers hands to every layer as it is.
        sliding_window: how many tokens away another one is too far to be seen.
        settings: what else the layer says: dropout, scaling, whether it is causal.
    """
    *states, lengths = given
    runs = list(runs_of_equals(lengths.flatten().tolist()))
    sizes = [length * rows for length, rows in runs]
    # Split and not sliced: the gradient is then put together once, not once for each piece.
    parts = zip(*(state.squeeze(0).split(sizes, dim=1) for state in states), strict=True)
    answers = []
    for (length, rows), part in zip(runs, parts, strict=True):
        own = [state.unflatten(1, (rows, length)).transpose(0, 1) for state in part]
        mask = window_mask(module, length, sliding_window, device=own[0].device)
        answer, _ = sdpa_attention_forward(module, *own, mask, **settings)
        answers.append(answer.flatten(0, 1))
    return torch.cat(answers).unsqueeze(0), None


def runs_of_equals(lengths: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yields each length with how often it comes in a row."""
    for length, group in itertools.groupby(lengths):
        yield length, len(list(group))


def window_mask(
    module: torch.nn.Module, length: int, window: int | None, *, device: torch.device
) -> torch.Tensor | None:
    """Returns who sees whom in an example that is longer than the window."""
    if window is None or length <= window:
        return None
    at = torch.arange(length, device=device)
    ahead = at.unsqueeze(1) - at
    near = ahead.abs() < window
    return near & (ahead >= 0) if getattr(module, "is_causal", True) else near


AttentionInterface.register(NAME, attention)


def can_unpad(model: Any, *, own: Iterable[str]) -> bool:
    """Whether a ``PreTrainedModel`` runs without padding.

    Args:
        model: may be without weights.
        own: modules of it that an adapter replaces by its own; hooks stay with those replaced,
            and so does the way attention is computed.
    """
    config = model.config
    ours = type(model).__module__.startswith("transformers.")
    trunk = model.base_model_prefix
    whole = {trunk, f"{trunk}.encoder", f"{trunk}.decoder"}
    return (
        ours
        and config.model_type in FAMILIES
        and not getattr(config, "use_bidirectional_attention", None)
        and whole.isdisjoint(own)
        and not any(_attends(model.get_submodule(name)) for name in own)
    )


def choose_attention(model: Any) -> None:
    """Makes a padded model use torch's own attention, where its family knows how."""
    if getattr(model, "_supports_sdpa", False):
        model.set_attn_implementation("sdpa")


def _attends(module: torch.nn.Module) -> bool:
    return any("Attention" in type(part).__name__ for part in module.modules())


_ONE_AT_A_TIME = threading.Lock()
"""A server asks from several threads, and how a model runs is the model's own."""


@contextmanager
def unpadded(model: Any, *, task: Task) -> Iterator[None]:
    """A model, which must be one that `can_unpad`, runs without padding for as long as this.

    Other threads wait for their turn.
    """
    with _ONE_AT_A_TIME:
        layout = Layout(model, narrow=True)
        layout.use(task)
        try:
            yield
        finally:
            layout.leave()


class Layout:
    """How the examples of a pass lie in a trunk, which heads of several tasks may share.

    For CAUSAL_LM the hidden states stay in one row: positions to make logits at count along it.
    The hooks are there from the first use on; a trunk that is only ever padded has none.

    Args:
        attention: what transformers knows the attention by: this module's, or `grouped`'s.
        narrow: whether a classifier that reads first tokens alone gets no others, where the
            family is in `rules.unpadded.FIRST_TOKEN`.
    """

    def __init__(self, model: Any, *, attention: str = NAME, narrow: bool = False) -> None:
        self._trunk, self._attention, self._narrow = trunk_of(model), attention, narrow
        self._padded: Any = self._trunk.config._attn_implementation
        self._task: Task | None = None
        self._row: _Row | None = None

    def use(self, task: Task | None) -> None:
        """Runs without padding from now on, for a task; with padding for ``None``."""
        if task == self._task:
            return
        if self._row is None:
            self._row = _Row(self._trunk, narrow=self._narrow)
        if (task is None) is not (self._task is None):
            self._trunk.set_attn_implementation(self._padded if task is None else self._attention)
        self._task = self._row.task = task

    def leave(self) -> None:
        """Leaves the trunk as it was found."""
        self.use(None)
        if self._row is not None:
            self._row.leave()
            self._row = None


def trunk_of(model: Any) -> Any:
    """Returns what makes hidden states; OPT's head asks the decoder inside its trunk."""
    return getattr(model.base_model, "decoder", model.base_model)


class _Row:
    """The hooks of one trunk, and where in the padded batch the row's tokens are from."""

    def __init__(self, trunk: Any, *, narrow: bool) -> None:
        modules = dict(trunk.named_modules())
        names = {name.rpartition(".")[2]: module for name, module in modules.items()}
        # RoBERTa's positions start after its padding index.
        padding = getattr(names.get("position_embeddings"), "padding_idx", None)
        self._first = 0 if padding is None else padding + 1
        self._typed = "token_type_embeddings" in names
        # Of the thread that is inside: two may run a pass each.
        self._own = threading.local()
        self.task: Task | None = None
        # A pooler stands inside the trunk and reads rows.
        ending = trunk.encoder if hasattr(trunk, "pooler") else trunk
        self._hooks = [
            trunk.register_forward_pre_hook(self.lay, with_kwargs=True),
            ending.register_forward_hook(self.pick_up),
            *(narrow_last_layer(trunk, self.first_tokens) if narrow else ()),
        ]

    def leave(self) -> None:
        """Takes the hooks off again."""
        for hook in self._hooks:
            hook.remove()

    def lay(
        self, _: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Replaces padded ids and mask by one row of ids, their positions and the lengths."""
        if self.task is None:
            return args, kwargs
        ids = args[0] if args else kwargs["input_ids"]
        real = self._own.real = kwargs["attention_mask"].bool()
        positions = torch.arange(self._first, self._first + ids.shape[1], device=ids.device)
        row = {
            "input_ids": ids[real].unsqueeze(0),
            "position_ids": positions.expand_as(ids)[real].unsqueeze(0),
            # On the CPU: each layer reads the lengths, and need not wait for a GPU to do so.
            "attention_mask": real.sum(1).view(1, 1, 1, -1).cpu(),
        }
        if self._typed:
            row["token_type_ids"] = torch.zeros_like(row["input_ids"])
        self._own.first = None
        return args[1:], kwargs | row

    def first_tokens(self, *states: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Returns the states of each example's first token, where a classifier is asked."""
        if self.task != "SEQ_CLS":
            return states
        lengths = self._own.real.sum(1)
        first = self._own.first = lengths.cumsum(0) - lengths
        return tuple(each.index_select(1, first) for each in states)

    def pick_up(self, _: torch.nn.Module, args: tuple[Any, ...], output: Any) -> Any:
        """Puts a classifier's hidden states into rows again; 0 where there is no token."""
        if self.task != "SEQ_CLS":
            return output
        states = output.last_hidden_state.squeeze(0)
        real = self._own.real
        rows = states.new_zeros((*real.shape, states.shape[-1]))
        if self._own.first is None:
            rows[real] = states
        else:
            rows[:, 0] = states
        output.last_hidden_state = rows
        return output


def narrow_last_layer(trunk: Any, pick: Callable[..., Any]) -> list[Any]:
    """Lets a trunk's last layer go on with what is picked, once it has attended; returns the hooks.

    Where the family's classifiers read more than the first token, nothing changes.
    """
    if trunk.config.model_type not in FIRST_TOKEN:
        return []
    if trunk.config.model_type == "distilbert":
        # It adds up what was attended to and what went in by itself, and hands them to a norm.
        norm = trunk.transformer.layer[-1].sa_layer_norm
        return [norm.register_forward_hook(lambda _, given, states: pick(states)[0])]
    # BERT and its kin hand both to this one.
    output = trunk.encoder.layer[-1].attention.output
    return [output.register_forward_pre_hook(lambda _, given: pick(*given))]
