"""Going back to the previous champion, or proving now that one could."""

from __future__ import annotations

from dataclasses import dataclass

from adapterctl.errors import AdapterctlError, InvalidInput
from adapterctl.jobs import filing
from adapterctl.jobs.inputs.base_folder import checked
from adapterctl.jobs.project import Project, require
from adapterctl.jobs.promote import Moved, move
from adapterctl.jobs.verify import pins
from adapterctl.records.adopted import AnyRecord
from adapterctl.records.version import VersionRecord
from adapterctl.rules.adoption.adopted import built
from adapterctl.rules.aliases import aliases
from adapterctl.rules.outcomes import Checked


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
    """Fetches, hashes and loads the rollback target; changes nothing."""
    record = built(_target(project, adapter))
    wanted = f"{record.adapter}@{record.version}"
    parts = [*pins(project, wanted), _loads(project, record, device=device)]
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


def _loads(project: Project, record: VersionRecord, *, device: str) -> Checked:
    require("torch", extra="train", needed_for="loading the rollback target")
    from adapterctl.training.adapted import load_adapted
    from adapterctl.training.determinism import resolve_device

    try:
        load_adapted(
            checked(project, record.base),
            filing.fetched(project, record) / "adapter",
            task=record.recipe.task,
            device=resolve_device(device),
            num_labels=len(record.labels) or None,
            trust_remote_code=record.recipe.trust_remote_code,
        )
    except AdapterctlError as error:
        problem = error.problems[0]
        return Checked(what="loads", pin=record.base.base, problem=problem.what, hint=problem.hint)
    return Checked(what="loads", pin=record.base.base, problem=None)
