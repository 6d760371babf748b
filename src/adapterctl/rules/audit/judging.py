"""What an audit finds in one adapter version and in one base."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from adapterctl.records.base import Base
from adapterctl.rules.audit.date_changes import date_changes
from adapterctl.rules.audit.endings import endings
from adapterctl.rules.audit.judged import Frame, about
from adapterctl.rules.findings import Finding, Skipped
from adapterctl.rules.lifecycle.almanac import Almanac
from adapterctl.rules.parity.disagreement import SHADOW
from adapterctl.rules.standing import Standing

_PINNED = re.compile(r"^([0-9a-f]{40}|[0-9a-f]{64}|sha256:[0-9a-f]{64})$")


def judge(standing: Standing, almanac: Almanac, frame: Frame) -> Iterator[Finding]:
    """Yields every finding about one adapter version."""
    yield from endings(standing, almanac, frame)
    if almanac.changes(standing.base):
        yield from date_changes(standing, almanac, frame)
    if standing.build.unlocked is not None or standing.build.remote_code:
        yield from _as_built(standing)
    if standing.leads:
        choice = standing.choice
        if standing.people.team is None or standing.people.backup is None:
            yield _unowned(standing)
        if choice is not None and SHADOW not in [each.name for each in choice.sets]:
            yield _without_shadow(standing)


def _as_built(standing: Standing) -> Iterator[Finding]:
    """Yields what is true of a version's build, whatever its recipe says today."""
    build = standing.build
    if build.unlocked is not None:
        yield about(
            standing,
            "ENV001",
            "medium",
            message=f"environment not locked: {build.unlocked}",
            mend="write pylock.toml (uv export, pip lock), or lock: resolve in params.yaml, and "
            "register again",
        )
    if build.remote_code:
        yield about(
            standing,
            "CODE005",
            "medium",
            message=f"code in the folder of {build.base} runs with it",
            mend=f"rebuild it without trust_remote_code in {_recipe(standing)}",
        )


def _unowned(standing: Standing) -> Finding:
    missing = [key for key in ("team", "backup") if getattr(standing.people, key) is None]
    return about(
        standing,
        "OWN001",
        "medium",
        message="no owner" if "team" in missing else "no backup owner",
        mend=_name_owners(standing, missing),
    )


def _name_owners(standing: Standing, missing: Sequence[str]) -> str:
    record = standing.build.adopted
    if standing.choice is None and record is not None and record.hosted is not None:
        return f"write {' and '.join(missing)} in the list that adapterctl import --hosted reads"
    return f"write {' and '.join(f'owners.{key}' for key in missing)} in {_recipe(standing)}"


def _without_shadow(standing: Standing) -> Finding:
    return about(
        standing,
        "EVAL002",
        "low",
        message="no shadow set: nothing says how it does on what it meets today",
        mend=f"write data.evaluation.{SHADOW} in {_recipe(standing)}",
    )


def _recipe(standing: Standing) -> str:
    return f"registry/adapters/{standing.adapter}/recipe.yaml"


def judge_base(base: Base, standings: Sequence[Standing]) -> Iterator[Finding | Skipped]:
    """Yields what is found about a base that ``standings`` are built on.

    A base at a provider has neither revision nor fingerprint to pin; how long it lives is all
    that can be judged.
    """
    if base.source.provider is not None:
        return
    common: dict[str, Any] = {
        "subject": f"base:{base.base}",
        "owners": sorted({owner for standing in standings for owner in standing.owners}),
        "base": base.base,
        "affects": sorted({standing.name for standing in standings}),
    }
    if base.fingerprint is None and base.fingerprint_file is not None:
        yield Skipped(
            subject=f"base:{base.base}",
            reason=f"not built here yet: {base.fingerprint_file} is missing",
            mend="dvc repro",
        )
        return
    if base.fingerprint is None:
        yield _unidentified(base, common)
    if not _PINNED.match(base.revision or ""):
        yield Finding(
            code="BASE001",
            severity="high",
            message=f"revision not pinned: {base.revision or 'none'}",
            mend=f"adapterctl bases add {base.base} {_again(base)}",
            **common,
        )
    yield from _unmirrored(base, common)


def _unmirrored(base: Base, common: Mapping[str, Any]) -> Iterator[Finding]:
    if base.mirror is None:
        yield Finding(
            code="BASE005",
            severity="low",
            message="no mirror: its source is the only place that is known",
            mend=f"adapterctl bases mirror {base.base} --to PLACE",
            **common,
        )


def _unidentified(base: Base, common: Mapping[str, Any]) -> Finding:
    if base.files:
        return Finding(
            code="BASE002",
            severity="medium",
            message="file hashes known, no tensor fingerprint: the same weights in other files "
            "would not be recognised",
            mend=f"adapterctl bases add {base.base} --hub {base.source.hub}@{base.revision}",
            **common,
        )
    return Finding(
        code="BASE002",
        severity="high",
        message="no fingerprint: other weights would not be noticed",
        mend=f"adapterctl bases fingerprint {base.base}",
        **common,
    )


def _again(base: Base) -> str:
    source = base.source
    return f"--hub {source.hub}@COMMIT" if source.hub else f"--path {source.path or 'DIR'}"
