"""Reproducing a version: empty cache, clean process, same base; bit-identical or not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from adapterctl.errors import AdapterctlError, InvalidInput
from adapterctl.jobs.building import FACTS, BuildFacts
from adapterctl.jobs.clean_room import put_recorded_base, unpack
from adapterctl.jobs.locks import alone
from adapterctl.jobs.project import Project
from adapterctl.jobs.trail_file import TRAIL, read_trail
from adapterctl.records.event import Event
from adapterctl.records.reading import read_json
from adapterctl.records.version import VersionRecord
from adapterctl.rules.causes import likely_cause
from adapterctl.rules.environments import differences
from adapterctl.rules.outcomes import Reproduction
from adapterctl.rules.trails import Divergence, first_difference
from adapterctl.rules.trainer_commands import command_of
from adapterctl.stores.safetensors import config_digest, weights_digest

# The child gets no more of the surroundings than this: no home, no user site, no private path.
PASSED_ON = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "LD_LIBRARY_PATH")
PASSED_ON_PREFIXES = ("CUBLAS_", "CUDA_", "NVIDIA_", "OMP_", "MKL_", "ATEN_")


def reproduce(project: Project, wanted: str, *, device: str) -> Reproduction:
    """Rebuilds a version on its own base and compares digests.

    Raises:
        InvalidInput: the version was trained elsewhere: there is nothing to run again.
        NotFound: an input is gone. Mismatch: an input changed.
    """
    adapter, version = project.version_of(wanted)
    record = project.registry.record(adapter, version)
    if record.training is None or (record.run and record.recipe.trainer == "builtin"):
        raise InvalidInput.one(
            f"{adapter}@{version} was trained elsewhere: there is no recorded run to repeat",
            hint=f"adapterctl register registry/adapters/{adapter}/recipe.yaml trains it here",
        )
    place = project.private / "reproductions" / f"{adapter}-{version}"
    with alone(place):
        shutil.rmtree(place, ignore_errors=True)
        try:
            found = _again(project, record, place, device=device)
        finally:
            shutil.rmtree(place, ignore_errors=True)
    _note(project, found)
    return found


def _again(project: Project, record: VersionRecord, place: Path, *, device: str) -> Reproduction:
    name = f"{record.adapter}@{record.version}"
    project.display.say(f"fetching every input of {name} from the remote")
    unpack(project, record, place / "room", from_remote=True)
    put_recorded_base(project, record, place / "room")
    project.display.say("training in a clean process")
    _train_in_child(place, record, device=device)
    return _compare(record, place / "room")


def _train_in_child(place: Path, record: VersionRecord, *, device: str) -> None:
    home = place / "home"
    home.mkdir()
    room = place / "room"
    command = [sys.executable, "-s", "-m", "adapterctl", "--project", str(room)]
    command += ["train", record.adapter, "--out", str(room / "rebuilt"), "--device", device]
    command += ["--threads", str(record.environment.threads)]
    if record.training and not record.training.unpadded:
        command.append("--padded")
    if record.training:
        command += ["--arithmetic", str(record.training.arithmetic)]
        command += ["--shards", str(record.training.shards)]
    done = subprocess.run(
        command,
        cwd=room,
        env=clean_environment(home),
        stdout=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode != 0:
        raise AdapterctlError(
            f"training {record.adapter}@{record.version} in a clean process failed with status "
            f"{done.returncode}",
            hint="its own words are above",
        )


def clean_environment(home: Path) -> dict[str, str]:
    """Returns the variables of a clean process: an allow-list, an empty home, no network."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in PASSED_ON or name.startswith(PASSED_ON_PREFIXES)
    }
    offline = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1"}
    return {**kept, **offline, "HOME": str(home), "USERPROFILE": str(home)}


def _compare(record: VersionRecord, room: Path) -> Reproduction:
    rebuilt = room / "rebuilt"
    digest = weights_digest(rebuilt / "adapter_model.safetensors")
    config = config_digest(rebuilt / "adapter_config.json")
    facts = read_json((rebuilt / FACTS).read_bytes(), BuildFacts, file=FACTS)
    identical = digest == record.weights_sha256 and config == record.adapter_config_sha256
    own_trainer = command_of(record.recipe) is not None
    environment = differences(record.environment, facts.environment, own_trainer=own_trainer)
    steps = read_trail(room / ".version" / TRAIL), read_trail(rebuilt / TRAIL)
    divergence = first_difference(*steps)
    level = _level(record, facts, identical=identical)
    if level == "B2" and all(steps) and divergence is None:
        level = "B3"
    return Reproduction(
        adapter=record.adapter,
        version=record.version,
        level=level,
        identical=identical,
        digest_recorded=record.weights_sha256,
        digest_rebuilt=digest,
        first_difference=divergence,
        environment=tuple(environment),
        promise="B1" if own_trainer else "B2",
        cause=None if identical else _cause(record, facts, divergence, environment=environment),
    )


def _cause(
    record: VersionRecord,
    facts: BuildFacts,
    divergence: Divergence | None,
    *,
    environment: list[str],
) -> str:
    sets = sorted(record.prepared.keys() | facts.prepared.keys())
    return likely_cause(
        same_rows=facts.prepared == record.prepared,
        differing_sets=[s for s in sets if facts.prepared.get(s) != record.prepared.get(s)],
        divergence=divergence,
        environment=environment,
    )


def _level(record: VersionRecord, facts: BuildFacts, *, identical: bool) -> str:
    """Equal weights from other rows would be chance: a command may not have read them."""
    same_rows = facts.prepared == record.prepared
    if identical and (same_rows or command_of(record.recipe) is None):
        return "B2"
    return "B1" if same_rows else "B0"


def _note(project: Project, found: Reproduction) -> None:
    details: dict[str, object] = {
        "level": found.level,
        "kept": found.kept,
        "identical": found.identical,
        "digest": found.digest_rebuilt,
    }
    if found.cause is not None:
        details["cause"] = found.cause
    event = Event(
        event="reproduced",
        version=found.version,
        at=project.stamp,
        by=project.by,
        details=details,
    )
    project.registry.append_event(found.adapter, event)
