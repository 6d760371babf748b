"""Predictions that were made elsewhere, recorded for a version that cannot run here.

They are a folder in DVC with a pointer beside the record, ``<version>.predictions.dvc``, and an
``evaluated`` event that pins it. No base is loaded.
"""

from __future__ import annotations

import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import msgspec

from adapterctl.errors import InvalidInput, NotFound
from adapterctl.jobs import filing
from adapterctl.jobs.clean_room import unpack
from adapterctl.jobs.inputs.sources import Row, located, prepared
from adapterctl.jobs.judging import against_references
from adapterctl.jobs.parity import Answers
from adapterctl.jobs.project import Project
from adapterctl.jobs.questions import messages_of
from adapterctl.jobs.scoring import scored
from adapterctl.records.event import Event
from adapterctl.records.recipe import Generation, Recipe
from adapterctl.records.version import ArtifactPin, VersionRecord
from adapterctl.rules.parity.metrics import lacks, named, score
from adapterctl.rules.recorded import Asked, Given, fitted, recorded_pins
from adapterctl.rules.removal import removal, said
from adapterctl.stores.chat import Endpoint

AT_ONCE = 4
"""Questions under way at an endpoint."""

SIDE = "adapter"

Metrics = dict[str, dict[str, float]]


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What was recorded; ``rows`` by set, ``written`` relative to the root."""

    adapter: str
    version: int
    rows: dict[str, int]
    metrics: Metrics
    written: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Subject:
    """A version and the rows it is asked: in its clean room, or in the project as it stands."""

    adapter: str
    version: int
    recipe: Recipe
    room: Project
    rows: dict[str, list[Row]]

    def asked(self) -> dict[str, list[Asked]]:
        """Returns what identifies each row, and what is right."""
        return {name: self._asked(name) for name in self.rows}

    def _asked(self, name: str) -> list[Asked]:
        from adapterctl.training.rows.faulty_rows import row_id
        from adapterctl.training.rows.formats import reference

        by = self.recipe.data.evaluation[name].slice_by
        return [
            Asked(
                id=row_id(row, number),
                reference=reference(row, task=self.recipe.task),
                slice=None if by is None else str(row[by]),
            )
            for number, row in enumerate(self.rows[name])
        ]


def record_file(project: Project, recipe_path: Path, file: Path) -> Recorded:
    """Records the predictions in a JSONL file for the recipe's newest version or champion.

    Raises:
        NotFound: no such file. InvalidInput: it has no version, or the lines do not fit the rows.
    """
    recipe = project.registry.recipe_at(located(project, recipe_path))
    subject = _subject(project, recipe.adapter)
    answers = fitted(_lines(file), subject.asked(), place=str(file))
    return _record(project, subject, answers, origin={"file": file.name})


def record_endpoint(
    project: Project, wanted: str, *, url: str, served_as: str | None, key: str | None
) -> Recorded:
    """Asks an OpenAI-compatible endpoint every row of the evaluation sets, and records it.

    Args:
        project: where.
        wanted: ``NAME``, ``NAME@3`` or ``NAME@champion``.
        url: of the API.
        served_as: the name there; ``None`` takes a hosted fine-tune's own, else the adapter's.
        key: a bearer token; written nowhere.

    Raises:
        Unreachable: it does not answer; nothing is recorded.
        InvalidInput: it refuses, or the recipe has no evaluation set.
    """
    subject = _subject(project, wanted)
    name = served_as or _name_there(project, subject)
    endpoint = Endpoint(url=url, served_as=name, key=key)
    asked = subject.asked()
    given = [
        Given(id=row.id, output=output, set=part)
        for part, rows in asked.items()
        for row, output in zip(rows, _answers(project, subject, endpoint, part=part), strict=True)
    ]
    answers = fitted(given, asked, place=endpoint.place)
    origin = {"endpoint": endpoint.place, "served_as": name}
    return _record(project, subject, answers, origin=origin)


def recorded(project: Project, adapter: str, version: int) -> Answers | None:
    """Returns what was recorded last for a version, or ``None``.

    Raises:
        NotFound: its bytes are gone, or the data were removed lawfully. Mismatch: they are not
            those that were recorded.
    """
    events = project.registry.events(adapter)
    pins = recorded_pins(events, version)
    if not pins:
        return None
    gone, pin = removal(events, version), pins[-1]
    if gone is not None:
        raise NotFound(
            f"the data that its recorded predictions answer were {said(gone)}",
            place=f"{adapter}@{version}",
            hint="predictions of data that may be used can be recorded for another version",
        )
    folder = project.private / "predictions" / pin.md5.removesuffix(".dir")
    shutil.rmtree(folder, ignore_errors=True)
    project.dvc.fetch_folder(pin, folder, from_remote=False)
    names = sorted(path.stem for path in (folder / "predictions" / SIDE).glob("*.jsonl"))
    found = {name: filing.read_predictions(folder, SIDE, name) for name in names}
    return {name: answers for name, answers in found.items() if answers is not None}


def metrics_of(recipe: Recipe, answers: Answers) -> Metrics:
    """Returns set to metric to value, without metrics whose scores were not given."""
    return {
        name: {
            metric: score(metric, answers[name])
            for metric in evaluation.metrics
            if not lacks(named(metric), answers[name])
        }
        for name, evaluation in recipe.data.evaluation.items()
    }


def _subject(project: Project, wanted: str) -> _Subject:
    adapter, version = project.version_of(wanted)
    record = project.registry.any_record(adapter, version)
    room, recipe = project, None
    if isinstance(record, VersionRecord):
        place = project.private / "evaluations" / f"{adapter}-{version}"
        room, recipe = unpack(project, record, place), record.recipe
    recipe = recipe or project.registry.recipe(adapter)
    if not recipe.data.evaluation:
        raise InvalidInput.one(
            "the recipe has no evaluation set",
            place=f"{adapter}: data.evaluation",
            hint="add one: predictions are recorded for its rows",
        )
    sets = recipe.data.evaluation.items()
    rows = {name: prepared(room, recipe, each.path) for name, each in sets}
    return _Subject(adapter=adapter, version=version, recipe=recipe, room=room, rows=rows)


def _lines(file: Path) -> list[Given]:
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        raise NotFound(f"cannot read: {error.strerror}", place=str(file)) from None
    return [_given(line, f"{file}:{number}") for number, line in enumerate(lines, start=1) if line]


def _given(line: bytes, place: str) -> Given:
    try:
        return msgspec.json.decode(line, type=Given)
    except msgspec.MsgspecError as error:
        hint = 'a line is {"id": "7", "output": "...", "scores": {}, "set": "gold"}'
        raise InvalidInput.one(str(error), place=place, hint=hint) from None


def _name_there(project: Project, subject: _Subject) -> str:
    record = project.registry.any_record(subject.adapter, subject.version)
    hosted = None if isinstance(record, VersionRecord) else record.hosted
    return hosted.model if hosted else subject.adapter


def _answers(project: Project, subject: _Subject, endpoint: Endpoint, *, part: str) -> list[str]:
    rows, settings = subject.rows[part], _settings(subject.recipe)
    found = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        told = pool.map(lambda row: endpoint.answer(messages_of(row), settings), rows)
        for done, output in enumerate(told, start=1):
            found.append(output.strip() if subject.recipe.task == "SEQ_CLS" else output)
            project.display.progress(f"asking {endpoint.served_as} on {part}", done, len(rows))
    return found


def _settings(recipe: Recipe) -> dict[str, float | int]:
    generation = recipe.generation or Generation()
    settings: dict[str, float | int] = {
        "max_tokens": generation.max_new_tokens,
        "temperature": generation.temperature,
    }
    if generation.temperature > 0:
        settings |= {"top_p": generation.top_p, "seed": recipe.training.seed}
    return settings


def _record(
    project: Project, subject: _Subject, answers: Answers, *, origin: dict[str, str]
) -> Recorded:
    answers = scored(subject.room, subject.recipe, answers)
    answers = against_references(
        project, subject.room, subject.recipe, rows=subject.rows, answers=answers
    )
    pin = _stored(project, answers)
    adapter, version = subject.adapter, subject.version
    metrics = metrics_of(subject.recipe, answers)
    pointer = project.registry.adapter_folder(adapter) / f"{version}.predictions.dvc"
    project.dvc.write_pointer(pointer, pin, out_name=f"{version}.predictions")
    details = {"metrics": metrics, "predictions": msgspec.to_builtins(pin), "origin": origin}
    event = Event(
        event="evaluated", version=version, at=project.stamp, by=project.by, details=details
    )
    written = [pointer, project.registry.append_event(adapter, event)]
    return Recorded(
        adapter=adapter,
        version=version,
        rows={name: len(rows) for name, rows in answers.items()},
        metrics=metrics,
        written=tuple(path.relative_to(project.root).as_posix() for path in written),
    )


def _stored(project: Project, answers: Answers) -> ArtifactPin:
    project.private.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="predictions-", dir=project.private))
    try:
        filing.write_predictions(folder, SIDE, answers)
        pin = project.dvc.add_folder(folder)
        project.dvc.push([pin])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return pin
