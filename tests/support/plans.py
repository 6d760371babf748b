"""Facts of a plan from a small BERT to a small Llama, to be changed one at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import msgspec

from adapterctl.records.base import BaseShape, LinearShape
from adapterctl.records.lifecycle import Observation
from adapterctl.records.policy import Prices
from adapterctl.records.recipe import Command, LoraSettings
from adapterctl.records.version import Environment, VersionRecord
from adapterctl.rules.lifecycle.almanac import Status, status_on
from adapterctl.rules.planning.conversations import Conversations
from adapterctl.rules.planning.estimates import TextLengths
from adapterctl.rules.planning.facts import Facts
from adapterctl.rules.planning.trainer_plans import TrainerFacts
from support.families import shape
from support.registries import TODAY, a_base, a_recipe, a_record, a_training, an_environment, sha

_HERE = object()


def a_shape(family: str, hidden: int) -> BaseShape:
    """A base of one square linear layer."""
    return BaseShape(
        family=family,
        architecture=family,
        hidden_size=hidden,
        layers=1,
        vocabulary=64,
        context_length=512,
        parameters=hidden * hidden,
        tokenizer_class="TokenizersBackend",
        tokenizer_kind="BPE",
        vocabulary_sha256="0" * 64,
        special_tokens={},
        chat_template=None,
        linears=[
            LinearShape(
                name="layers.0.q_proj", kind="Linear", features_in=hidden, features_out=hidden
            ),
            LinearShape(name="wte", kind="Embedding", features_in=64, features_out=hidden),
        ],
    )


def status(ends: str | None = None, *, kind: str = "shutdown", today: date = TODAY) -> Status:
    """What is known when one end (or none) was observed; 60 days are needed for a move."""
    seen = [
        Observation(
            subject="base",
            phase="weights",
            kind=kind,
            date=day,
            source="https://example.org",
            seen_on="2026-11-01",
            key="base",
        )
        for day in ([ends] if ends else [])
    ]
    return status_on(seen, lead_days=60, today=today)


def record_of(
    *, lora: LoraSettings | None = None, tokens: int = 3_000, seconds: float = 30.0
) -> VersionRecord:
    """Version 1 of ``support-router`` on ``old-base``, trained on 128 tokens a row."""
    recipe = a_recipe("support-router")
    training = msgspec.structs.replace(recipe.training, max_length=128)
    recipe = msgspec.structs.replace(
        recipe, base="old-base", lora=lora or LoraSettings(), training=training
    )
    measured = msgspec.structs.replace(
        a_training("support-router", 1),
        tokens=tokens,
        seconds=seconds,
        target_modules=[f"bert.encoder.layer.{n}.attention.self.query" for n in (0, 1)],
    )
    return msgspec.structs.replace(a_record(recipe, 1), training=measured)


def facts(
    *,
    lora: LoraSettings | None = None,
    role_map: dict | None = None,
    old: BaseShape | object | None = _HERE,
    new_base: str = "new-base",
    fingerprint: str | None = f"fp1:{sha('new-base')}",
    new_context: int | None = None,
    new_changes: dict | None = None,
    lengths: TextLengths | None = None,
    deadline: Status | None = None,
    runway: Status | None = None,
    blockers: list | None = None,
    running: Environment | None = None,
    licences: tuple[str | None, str | None] = ("mit", "mit"),
    lost_tokens: dict | None = None,
    conversations: Conversations | None = None,
    prices: Prices | None = None,
) -> Facts:
    """The facts of a plan that can run, with what the test changes."""
    record = record_of(lora=lora)
    today = msgspec.structs.replace(record.recipe, role_map=role_map or {})
    changes = dict(new_changes or {})
    if new_context is not None:
        changes["context_length"] = new_context
    usual = TextLengths(
        rows=847, conversations=0, tokens=10_000, longest=40, limit=128, cut=0, lost=0
    )
    return Facts(
        record=record,
        recipe=today,
        new_base=msgspec.structs.replace(
            a_base(new_base), fingerprint=fingerprint, licence=licences[1]
        ),
        old_licence=licences[0],
        lost_tokens=lost_tokens or {},
        conversations=conversations,
        prices=prices,
        old=shape("bert") if old is _HERE else old,
        new=msgspec.structs.replace(shape("llama"), **changes),
        lengths=lengths or usual,
        old_lengths=usual,
        deadline=deadline or status(),
        runway=runway or status("2029-01-01"),
        today=TODAY,
        running=running or an_environment(),
        blockers=blockers or [],
    )


def by_command(
    command: Command, *, today: Command | None = None, config: str | None = None, **changes
) -> Facts:
    """The facts of a plan for a version that a trainer command made; see `facts`.

    Its LoRA is on modules that the Llama calls otherwise.
    """
    changes.setdefault("lora", LoraSettings(target_modules=["query", "value"]))
    made = facts(**changes)
    record = msgspec.structs.replace(
        made.record, recipe=msgspec.structs.replace(made.record.recipe, trainer=command)
    )
    old = frozenset({"old-base", "bases/old", "/srv/bases/old"})
    return replace(
        made,
        record=record,
        recipe=msgspec.structs.replace(made.recipe, trainer=today or command),
        trainer=TrainerFacts(config=config, old_names=old),
    )
