"""An adopted version, in the sections that `show` prints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from adapterctl.records.adopted import (
    AdoptedVersion,
    BaseNameKind,
    HostedJob,
    PeftRelease,
)
from adapterctl.records.run import StatedRun

Pairs = Iterator[tuple[str, str]]

KINDS: dict[BaseNameKind, str] = {
    "hub": "a repository of the Hub",
    "hub_cache": "a path into the Hub's cache",
    "modelscope": "a path into ModelScope's cache",
    "local": "a local path",
    "bare": "a bare name",
    "provider": "a base at a provider",
    "none": "nothing",
}

_ELSEWHERE = frozenset({"base_model_name_or_path", "peft_type", "peft_version", "revision"})


def sections(record: AdoptedVersion) -> Iterator[tuple[str, Pairs]]:
    """Yields what is known of an adopted version: title and lines."""
    yield "Base, as stated", _base(record)
    yield "Data, as stated", _data(record)
    if record.hosted is not None:
        yield "Hosted", _hosted(record.hosted)
    if record.peft_type is not None:
        yield "Config, as stated", _config(record)
    if record.run is not None:
        yield "MLflow, as stated", stated_run(record.run)
    yield "Result", _result(record)


def _base(record: AdoptedVersion) -> Pairs:
    base = record.base
    yield "stated", base.stated or "nothing"
    yield "which is", KINDS[base.kind]
    yield "repository", base.repository or ""
    yield "revision", base.revision or ""
    yield "commit", base.commit or ""
    yield "made from", base.origin or ""
    yield "provider", base.provider or ""
    yield "verified", "no"


def _data(record: AdoptedVersion) -> Pairs:
    if record.train is not None:
        yield "train", f"{record.train.path} ({record.train.size:,} bytes)"
        yield "  md5", record.train.md5
        yield "  sha256", record.train.sha256


def _config(record: AdoptedVersion) -> Pairs:
    yield "peft_type", record.peft_type or ""
    yield "peft", release_text(record.peft_release)
    for key, value in sorted(record.config.items()):
        if key not in _ELSEWHERE and value not in (None, False, [], {}, ""):
            yield key, _value(value)


def _hosted(job: HostedJob) -> Pairs:
    yield "provider", job.provider + (f" in {job.region}" if job.region else "")
    yield "fine-tune", job.model
    yield "job", job.job or ""
    yield "created", job.created or ""
    yield "data", job.data or ""
    if job.recipe is not None:
        yield "recipe", job.recipe.path
        yield "  sha256", job.recipe.sha256
    yield "weights", "at the provider, not obtainable"


def stated_run(run: StatedRun) -> Pairs:
    """What MLflow says of a run."""
    yield "model", f"{run.model} version {run.version}" if run.model else ""
    yield "aliases", ", ".join(run.aliases)
    yield "at", run.tracking
    yield "run", run.run_id or ""
    yield "by", run.user or ""
    yield "commit", " of ".join(part for part in (run.git_commit, run.git_repo) if part)
    for data in run.datasets:
        where = f" from {data.source}" if data.source else ""
        yield "data", f"{data.name} ({data.context or 'input'}, digest {data.digest}){where}"
    for title, values in (("params", run.params), ("metrics", run.metrics), ("tags", run.tags)):
        yield title, ", ".join(f"{key}={_number(value)}" for key, value in values.items())
    yield "verified", "no"


def _number(value: str | float | None) -> str:
    if value is None:
        return "not a number"
    return value if isinstance(value, str) else f"{value:g}"


def _value(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(value)
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def release_text(release: PeftRelease) -> str:
    """Returns ``0.10.0 to 0.13.2``, ``0.4.0 or later``, or that it is not known."""
    if release.min is None:
        return "release unknown"
    if release.max is None:
        return f"{release.min} or later"
    return release.min if release.min == release.max else f"{release.min} to {release.max}"


def _result(record: AdoptedVersion) -> Pairs:
    yield "taken from", record.origin
    if record.artifacts is not None:
        yield "artifacts", f"{len(record.artifacts.files)} files, {record.artifacts.size:,} bytes"
        yield "  md5", record.artifacts.md5
        for file in record.artifacts.files:
            yield f"  {file.path.removeprefix('adapter/')}", f"sha256 {file.sha256}"
    yield "weights", record.weights_sha256 or ""
    yield "config", record.adapter_config_sha256 or ""
    yield "content", record.content_sha256
