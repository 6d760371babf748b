"""What a plan must know of a trainer command: its pinned config, and the old base's names."""

from __future__ import annotations

import hashlib
from pathlib import Path

from adapterctl.errors import AdapterctlError
from adapterctl.jobs.filing import fetched
from adapterctl.jobs.inputs.base_folder import locate
from adapterctl.jobs.project import Project
from adapterctl.records.version import VersionRecord
from adapterctl.rules.mapping.targets import Blocker, blockers_of
from adapterctl.rules.planning.trainer_plans import TrainerFacts
from adapterctl.rules.trainer_commands import command_of


def trainer_facts(
    project: Project, record: VersionRecord
) -> tuple[TrainerFacts | None, list[Blocker]]:
    """Returns what is known of a version's trainer command, or why its config cannot be read.

    The builtin trainer has none, and nothing is wrong with it.
    """
    command = command_of(record.recipe)
    if command is None:
        return None, []
    try:
        config = None if command.config is None else _text(project, record, command.config)
    except AdapterctlError as error:
        return None, blockers_of(error)
    return TrainerFacts(config=config, old_names=frozenset(_names(project, record))), []


def _text(project: Project, record: VersionRecord, config: str) -> str:
    """Returns the config as it is pinned; from the working tree while it is the same there."""
    pins = {pin.path: pin.sha256 for pin in record.code.files}
    here = project.root / config
    if here.is_file() and hashlib.sha256(here.read_bytes()).hexdigest() == pins.get(config):
        return here.read_text(encoding="utf-8")
    return (fetched(project, record) / "code" / config).read_text(encoding="utf-8")


def _names(project: Project, record: VersionRecord) -> set[str]:
    base = record.base
    named = {base.base, base.source.path, base.source.hub, str(_folder(project, record))}
    return {name.rstrip("/") for name in named if name and name != "None"}


def _folder(project: Project, record: VersionRecord) -> Path | None:
    try:
        return locate(project, record.base)
    except AdapterctlError:
        return None
