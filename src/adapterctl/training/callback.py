"""A callback of ``transformers.Trainer`` that tells when a run begins and when it ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from peft import PeftModel
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from adapterctl.errors import AdapterctlError, InvalidInput
from adapterctl.training.ended_run import EndedRun


class Listener(Protocol):
    """Who is told of a run.

    Attributes:
        filed: the version that was registered, if one was.
        error: why none was.
    """

    filed: Any
    error: AdapterctlError | None

    def begin(self, run: EndedRun) -> None:
        """Hears of a run before its first step: the place to refuse it."""

    def end(self, run: EndedRun) -> None:
        """Hears of it when the last step is taken."""


class AtTrainEnd(TrainerCallback):  # type: ignore[misc]
    """Tells a listener when training begins and when it ends, on the process of rank 0."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    @property
    def filed(self) -> Any:
        """The version that was registered; ``None`` until then."""
        return self._listener.filed

    @property
    def error(self) -> AdapterctlError | None:
        """Why no version was registered."""
        return self._listener.error

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **surroundings: Any,
    ) -> None:
        """Says that training begins."""
        self._tell(self._listener.begin, args, state=state, surroundings=surroundings)

    def on_train_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **surroundings: Any,
    ) -> None:
        """Says that training has ended."""
        self._tell(self._listener.end, args, state=state, surroundings=surroundings)

    def _tell(
        self,
        tell: Callable[[EndedRun], None],
        args: TrainingArguments,
        *,
        state: TrainerState,
        surroundings: Mapping[str, Any],
    ) -> None:
        if not state.is_world_process_zero:
            return
        loader = surroundings.get("train_dataloader")
        tell(
            EndedRun(
                adapted=_adapted(surroundings["model"]),
                arguments=args,
                state=state,
                dataset=None if loader is None else loader.dataset,
            )
        )


def _adapted(model: Any) -> PeftModel:
    bare = getattr(model, "module", model)
    if not isinstance(bare, PeftModel):
        raise InvalidInput.one(
            f"the run trains a {type(bare).__name__}, not an adapter",
            place="RegisterCallback",
            hint="hand the trainer peft_config, or get_peft_model(...)",
        )
    return bare
