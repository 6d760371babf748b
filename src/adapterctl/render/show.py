"""One adapter version with everything that is pinned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

import msgspec

from adapterctl.records.adopted import AdoptedVersion, AnyRecord
from adapterctl.records.base import BaseSource
from adapterctl.records.run import Departure, RunFacts
from adapterctl.records.version import DatasetPin, RebuiltFrom, VersionRecord
from adapterctl.render import adopted
from adapterctl.render.answer import envelope
from adapterctl.render.table import day, paint, pairs, slack, unjudged
from adapterctl.rules.findings import Skipped
from adapterctl.rules.standing import Shown, task_of

Pairs = Iterator[tuple[str, str]]


def as_json(shown: Shown, skipped: Sequence[Skipped], *, as_of: date) -> str:
    """Returns one result: the record as it is, and how it stands today."""
    return envelope("show", as_of=as_of, results=[shown], skipped=skipped)


def as_text(shown: Shown, skipped: Sequence[Skipped], *, colour: bool = False) -> str:
    """Returns the version in sections that can be read from top to bottom."""
    parts = [(_title(shown), _standing(shown)), *sections(shown.record)]
    skips = [(one.subject, one.reason, one.mend) for one in skipped]
    lines = [line for title, rows in parts for line in _section(title, rows, colour=colour)]
    return "\n".join([*lines[1:], *unjudged(skips, colour=colour)])


def sections(record: AnyRecord) -> Iterable[tuple[str, Pairs]]:
    """Returns what is pinned or known of a version: titles, each with its keys and values."""
    if isinstance(record, AdoptedVersion):
        return adopted.sections(record)
    return (
        ("Base", _base(record)),
        ("Data", _data(record)),
        ("Code", _code(record)),
        ("Prepared", _prepared(record)),
        ("Recipe", _recipe(record)),
        ("Run", _run(record.run)),
        ("Environment", _environment(record)),
        ("Result", _result(record)),
        ("Metrics", _metrics(record)),
        ("Rebuilt", _rebuilt(record.rebuilt_from)),
    )


def _section(title: str, rows: Pairs, *, colour: bool) -> list[str]:
    lines = pairs(rows)
    return ["", paint(title, "heading", colour=colour), *lines] if lines else []


def _title(shown: Shown) -> str:
    held = f" ({', '.join(shown.aliases)})" if shown.aliases else ""
    return f"{shown.adapter}@{shown.version}{held}"


def _standing(shown: Shown) -> Pairs:
    record = shown.record
    yield "purpose", record.recipe.purpose if isinstance(record, VersionRecord) else ""
    yield "task", task_of(record) or "not stated"
    yield "owners", ", ".join(shown.owners) or "no owner"
    yield "grade", "; ".join([shown.grade, *(f"{gap.code} {gap.what}" for gap in shown.gaps)])
    yield "base ends", day(shown.ends)
    yield "rebuild by", f"{day(shown.rebuild_by)}, slack {slack(shown.slack_days)}"
    here = isinstance(record, VersionRecord)
    yield "registered" if here else "imported", f"{record.created} by {record.created_by}"


def _base(record: VersionRecord) -> Pairs:
    base = record.base
    yield "base", base.base
    yield "source", _source(base.source)
    yield "revision", base.revision or "not pinned"
    yield "fingerprint", base.fingerprint
    yield "config", base.digests.config or ""
    yield "tokenizer", base.digests.tokenizer or ""
    yield "template", base.digests.chat_template or ""
    yield "architecture", " ".join(part for part in (base.family, base.architecture) if part)


def _source(source: BaseSource) -> str:
    if source.provider is not None:
        where = f"{source.model or '?'} at {source.provider}"
        return where + (f" in {source.region}" if source.region else "")
    return source.path or (f"hub {source.hub}" if source.hub else "unknown")


def _data(record: VersionRecord) -> Pairs:
    yield from _dataset("train", record.train)
    if record.selection is not None:
        chosen = record.selection
        number = "all" if chosen.chosen is None else f"{chosen.chosen:,}"
        yield "selection", f"{number} rows by {chosen.rule or chosen.reason or 'no stated rule'}"
        yield "  sha256", chosen.indices_sha256 or ""
        yield "labelled by", chosen.labelled_by or ""
        yield from _dataset("pool", chosen.pool)
    for name, pin in record.evaluation.items():
        yield from _dataset(name, pin)


def _dataset(name: str, pin: DatasetPin) -> Pairs:
    rows = f", {pin.rows:,} rows" if pin.rows is not None else ""
    yield name, f"{pin.path} ({pin.size:,} bytes{rows})"
    if pin.version_id is not None:
        yield "  version", pin.version_id
    yield "  md5", pin.md5
    yield "  sha256", pin.sha256


def _code(record: VersionRecord) -> Pairs:
    code = record.code
    yield "entry point", code.entry_point
    yield "repository", code.repo or "no remote"
    yield "commit", code.commit or "none: not in git"
    yield "reachable", code.ref or "from no branch or tag"
    yield "committed", "yes" if code.committed else "no: the working tree differed"
    yield "files", ", ".join(file.path for file in code.files)
    yield "digest", code.digest


def _prepared(record: VersionRecord) -> Pairs:
    for name, pin in record.prepared.items():
        yield name, f"{pin.rows:,} rows"
        yield "  rows", pin.rows_sha256
        yield "  encoded", pin.encoded_sha256


def _recipe(record: VersionRecord) -> Pairs:
    recipe = record.recipe
    yield "lora", _changed(recipe.lora)
    yield "training", _changed(recipe.training)
    yield (
        "serving",
        ", ".join(
            place.provider + (f"/{place.region}" if place.region else "")
            for place in recipe.serving
        ),
    )
    yield "digest", record.recipe_digest


def _changed(settings: msgspec.Struct) -> str:
    """Returns the fields that differ from their defaults, as ``r=16, lora_alpha=32``."""
    given, default = msgspec.structs.asdict(settings), msgspec.structs.asdict(type(settings)())
    changed = {field: value for field, value in given.items() if value != default[field]}
    return ", ".join(f"{field}={_value(value)}" for field, value in changed.items())


def _value(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _run(run: RunFacts | None) -> Pairs:
    """What a run of another trainer did otherwise than its recipe says."""
    if run is None:
        return
    yield "trainer", run.trainer
    rows = "a stream, not compared" if run.rows is None else f"{run.same_rows:,} of {run.rows:,}"
    yield "same rows", rows
    for each in run.departures:
        yield each.path, f"{_value(each.used)} used, {_value(each.recipe)} in the recipe"
    for name, value in run.unsaid.items():
        yield name, _value(value)
    if run.stated is not None:
        yield from adopted.stated_run(run.stated)


def _environment(record: VersionRecord) -> Pairs:
    built = record.environment
    yield "python", f"{built.python} on {built.platform}"
    yield "device", built.device
    yield "cpu", f"{built.cpu_model}, {built.cpu_capability}, {built.threads} threads"
    yield "deterministic", "yes" if built.deterministic else "no"
    if record.lock is not None:
        yield "lock", "; ".join([record.lock.source or record.lock.kind, *record.lock.gaps])
    yield "packages", ", ".join(f"{name} {number}" for name, number in built.distributions.items())


def _result(record: VersionRecord) -> Pairs:
    facts = record.training
    if facts is not None:
        steps = f"{facts.steps:,} steps over " if facts.steps is not None else ""
        yield "trained", f"{steps}{facts.rows:,} rows in {facts.seconds:.1f} s"
        yield "trainer", facts.trainer if facts.trainer != "builtin" else ""
        yield "departures", "; ".join(map(_departure, facts.departures))
        if facts.first_loss is not None and facts.last_loss is not None:
            yield "loss", f"{facts.first_loss:.4f} to {facts.last_loss:.4f}"
        yield "trail", facts.trail_sha256 or ""
        yield "parameters", f"{facts.trainable_parameters:,} trainable"
    yield "artifacts", f"{len(record.artifacts.files)} files, {record.artifacts.size:,} bytes"
    yield "  md5", record.artifacts.md5
    yield "weights", record.weights_sha256
    yield "config", record.adapter_config_sha256
    yield "inputs", record.inputs_digest


def _departure(one: Departure) -> str:
    return f"{one.path} {one.used} instead of {one.recipe}"


def _metrics(record: VersionRecord) -> Pairs:
    for name, metrics in record.metrics.items():
        yield name, ", ".join(f"{metric} {value:.4f}" for metric, value in metrics.items())


def _rebuilt(rebuilt: RebuiltFrom | None) -> Pairs:
    if rebuilt is None:
        return
    report = rebuilt.parity
    from_salvage = "derived from salvaged answers of " if rebuilt.derived else ""
    yield "from", f"{from_salvage}version {rebuilt.version} on {rebuilt.base}"
    yield "rung", rebuilt.rung
    yield "parity", report.verdict
    for metric in report.metrics:
        if metric.slice is None:
            sides = " / ".join(map(_number, (metric.old, metric.bare, metric.candidate)))
            yield f"{metric.set} {metric.name}", f"{sides} (old / bare / new): {metric.verdict}"
    for flips in report.negative_flips:
        shares = f"{flips.rate:.2%}, at most {flips.upper:.2%}, limit {flips.limit:.2%}"
        yield f"{flips.set} flips", f"{shares}: {flips.verdict}"
    yield "notes", "; ".join(report.notes)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
