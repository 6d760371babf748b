"""The probe of a version: taken when it is made, asked again when an environment is to change."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from adapterctl.errors import InvalidInput
from adapterctl.jobs import building, filing, sides
from adapterctl.jobs.clean_room import put_recorded_base, unpack
from adapterctl.jobs.inputs.sources import Sources, gather
from adapterctl.jobs.locks import alone
from adapterctl.jobs.project import Project
from adapterctl.records.canonical import compact, digest
from adapterctl.records.parity import Prediction
from adapterctl.records.probe import ProbeAnswer
from adapterctl.records.reading import read_json
from adapterctl.records.recipe import Recipe
from adapterctl.records.version import VersionRecord
from adapterctl.rules.environments import differences
from adapterctl.rules.outcomes import Behaviour
from adapterctl.rules.probe import moved, probe_rows
from adapterctl.rules.recipes import TRAIN
from adapterctl.stores.files import write_atomically

if TYPE_CHECKING:
    from adapterctl.training.loading import LoadedBase
    from adapterctl.training.rows.text import Example


def take(project: Project, sources: Sources, *, base: LoadedBase, adapter: Path) -> None:
    """Asks an adapter the rows of its probe and writes ``probe.jsonl`` beside its weights."""
    places = probe_rows(sources.rows, sources.recipe.probe)
    found = _ask(project, sources, places, base=base, adapter=adapter)
    write_atomically(adapter / filing.PROBE, b"".join(compact(each) + b"\n" for each in found))


def behaviour(project: Project, wanted: str) -> Behaviour:
    """Asks a version's probe again in the running environment and compares.

    Rows come from the pinned data, weights and code from the version's folder, and the base must
    have the recorded fingerprint: what is left to differ is the environment.

    Raises:
        InvalidInput: the version has no probe.
        NotFound: an input is gone. Mismatch: an input changed.
    """
    adapter, version = project.version_of(wanted)
    record = project.registry.record(adapter, version)
    place = project.private / "verifications" / f"{adapter}-{version}-behaviour"
    with alone(place):
        shutil.rmtree(place, ignore_errors=True)
        try:
            return _again(project, record, place)
        finally:
            shutil.rmtree(place, ignore_errors=True)


def _again(project: Project, record: VersionRecord, place: Path) -> Behaviour:
    device = "cpu" if record.environment.device == "cpu" else "auto"
    room = unpack(project, record, place / "room")
    folder = room.root / ".version"
    recorded = _recorded(folder / filing.PROBE, record)
    put_recorded_base(project, record, room.root)
    sources = gather(room, record.recipe, code=record.code.files)
    base = sides.open_base(sources, device=device)
    there = [
        (each.set, each.row) for each in recorded if each.row < len(sources.rows.get(each.set, []))
    ]
    now = _ask(project, sources, there, base=base, adapter=folder / "adapter")
    running = building.running_environment(device)
    return Behaviour(
        adapter=record.adapter,
        version=record.version,
        aspects=tuple(moved(recorded, now)),
        environment=tuple(differences(record.environment, running)),
    )


def _recorded(path: Path, record: VersionRecord) -> list[ProbeAnswer]:
    if not path.is_file():
        name = f"{record.adapter}@{record.version}"
        raise InvalidInput.one(
            f"{name} has no probe: it was registered before probes were kept",
            hint="a new version has one; until then: adapterctl compare",
        )
    lines = enumerate(path.read_bytes().splitlines(), start=1)
    return [read_json(line, ProbeAnswer, file=f"{path.name}:{number}") for number, line in lines]


def _ask(
    project: Project,
    sources: Sources,
    chosen: Sequence[tuple[str, int]],
    *,
    base: LoadedBase,
    adapter: Path,
) -> list[ProbeAnswer]:
    """Asks set by set; of each the rows in their order, whatever the order they were chosen in."""
    from adapterctl.training.asking.probing import probed

    found = []
    for name in sorted({name for name, _ in chosen}):
        numbers = sorted(number for source, number in chosen if source == name)
        pairs = probed(
            base,
            adapter,
            recipe=sources.recipe,
            # Numbers for ids: training rows may share theirs.
            rows=[sources.rows[name][number] | {"id": str(number)} for number in numbers],
            labels=sources.labels,
            place=f"probe of {name}",
            log=project.display.say,
        )
        found += _answers(sources, name, zip(numbers, pairs, strict=True))
    return found


def _answers(
    sources: Sources, name: str, pairs: Iterable[tuple[int, tuple[Example, Prediction]]]
) -> list[ProbeAnswer]:
    told = not _sensitive(sources.recipe, name)
    return [
        ProbeAnswer(
            set=name,
            row=number,
            id=str(sources.rows[name][number].get("id", number)),
            text_sha256=digest(example.text),
            tokens_sha256=digest(example.input_ids),
            mask_sha256=digest(example.loss_mask),
            output_sha256=digest([answer.output, answer.scores]),
            text=example.text if told else None,
            input_ids=list(example.input_ids) if told else [],
            output=answer.output if told else None,
            scores=answer.scores if told else {},
        )
        for number, (example, answer) in pairs
    ]


def _sensitive(recipe: Recipe, name: str) -> bool:
    """What was learned from sensitive rows may show in answers to others."""
    sets = recipe.data.evaluation
    return recipe.data.train.sensitive or (name != TRAIN and sets[name].sensitive)
