"""Going back to the previous champion, or proving now that one could."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from adapterctl.errors import AdapterctlError, InvalidInput
from adapterctl.jobs.effect import must_change_answers
from adapterctl.jobs.inputs.base_folder import identify, locate
from adapterctl.jobs.project import Project, require
from adapterctl.jobs.promote import move
from adapterctl.jobs.verify import pins_and
from adapterctl.records.adopted import AnyRecord
from adapterctl.records.version import VersionRecord
from adapterctl.rules.adoption.adopted import built
from adapterctl.rules.aliases import aliases
from adapterctl.rules.campaign.promotions import Moved
from adapterctl.rules.effects import any_rows
from adapterctl.rules.outcomes import Checked

if TYPE_CHECKING:
    from adapterctl.training.loading import LoadedBase


@dataclass(frozen=True, kw_only=True)
class RollbackCheck:
    """Whether the rollback target resolves, hashes right and loads, part by part."""

    adapter: str
    version: int
    parts: tuple[Checked, ...]

    @property
    def passed(self) -> bool:
        """Whether every part is in order."""
        return all(part.problem is None for part in self.parts)


def rollback(project: Project, adapter: str, *, because: str | None) -> Moved:
    """Makes the previous champion the champion again."""
    return move(project, _target(project, adapter), kind="rolled_back", because=because)


def check(project: Project, adapter: str, *, device: str) -> RollbackCheck:
    """Proves now that the target resolves, hashes right, loads and answers; changes nothing.

    Every byte comes from the remote into an empty cache, and the base is hashed anew: what was
    found in order yesterday counts for nothing. What must load is what was just fetched.
    """
    require("torch", extra="train", needed_for="loading the rollback target")
    record = built(_target(project, adapter))
    parts = pins_and(project, record, partial(_serves, project, record, device=device))
    return RollbackCheck(adapter=record.adapter, version=record.version, parts=tuple(parts))


def _target(project: Project, adapter: str) -> AnyRecord:
    held = aliases(project.registry.events(adapter))
    if "previous" not in held:
        if not project.registry.versions(adapter):
            project.registry.recipe(adapter)
        raise InvalidInput.one(
            f"{adapter!r} has no previous champion to go back to",
            hint=f"adapterctl history {adapter}",
        )
    return project.registry.any_record(adapter, held["previous"])


def _serves(
    project: Project, record: VersionRecord, folder: Path, *, device: str
) -> Iterator[Checked]:
    yield from _beside_the_weights(project, record)
    name = record.base.base
    try:
        base, adapter = _loaded(project, record, device=device), folder / "adapter"
        must_change_answers(
            record.recipe,
            base,
            adapter=adapter,
            rows=any_rows(record.recipe.task),
            labels=record.labels,
        )
    except AdapterctlError as error:
        problem = error.problems[0]
        yield Checked(what="loads", pin=name, problem=problem.what, hint=problem.hint)
        return
    yield Checked(what="loads", pin=name, problem=None, notes=("it answers otherwise than bare",))


def _beside_the_weights(project: Project, record: VersionRecord) -> Iterator[Checked]:
    """Yields whether config and tokenizer of the base are the recorded ones, where they differ."""
    folder = locate(project, record.base)
    found = identify(project, folder).digests
    for what in ("config", "tokenizer", "chat_template"):
        then, now = getattr(record.base.digests, what), getattr(found, what)
        if then is not None and then != now:
            yield Checked(
                what=f"base {what}",
                pin=then,
                problem=f"the {what.replace('_', ' ')} of base {record.base.base!r} changed: "
                f"{now or 'it is gone'}",
                hint=f"put back what was there: {folder}",
            )


def _loaded(project: Project, record: VersionRecord, *, device: str) -> LoadedBase:
    from adapterctl.training.determinism import resolve_device
    from adapterctl.training.loading import load_base

    return load_base(
        locate(project, record.base),
        task=record.recipe.task,
        head_seed=record.recipe.training.seed,
        device=resolve_device(device),
        num_labels=len(record.labels) or None,
        trust_remote_code=record.recipe.trust_remote_code,
    )
