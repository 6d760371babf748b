"""Project policy: ``params.yaml``, ``registry/people.yaml`` and ``registry/waivers.yaml``."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from adapterctl.records.noun import Date, Fraction, Name, Sparse

Days = Annotated[int, msgspec.Meta(ge=0)]


class ParityPolicy(Sparse, frozen=True, kw_only=True):
    """What holds for evaluation sets whose recipe sets nothing."""

    margin: Annotated[float, msgspec.Meta(ge=0)] = 0.02
    negative_flips: Fraction = 0.05
    flip_drop: Annotated[float, msgspec.Meta(gt=0)] = 0.5
    level: Annotated[float, msgspec.Meta(gt=0, lt=0.5)] = 0.05


Level = Literal["refuse", "warn"]
"""What a gate of `register` does about a code."""


class WorldPolicy(Sparse, frozen=True, kw_only=True):
    """How the audit asks the world; ``seconds`` is the longest that one place is waited for."""

    seconds: Annotated[float, msgspec.Meta(gt=0)] = 10.0


WithTeam = Annotated[str, msgspec.Meta(pattern=r"\{team\}")]
"""Words in which ``{team}`` stands for the name of a team."""


class Directory(Sparse, frozen=True, kw_only=True):
    """Who knows a team's members: exactly one of a command and a URL that answer with JSON.

    Attributes:
        command: is run without a shell; its output is the answer.
        url: is fetched; 404 means that there is no such team.
        header: ``env:VAR``: the variable holds a header that goes with the request.
    """

    command: WithTeam | None = None
    url: WithTeam | None = None
    header: Annotated[str, msgspec.Meta(pattern=r"^env:\w+$")] | None = None


class Prices(Sparse, frozen=True, kw_only=True):
    """What an hour of the training device costs, for `rebuild` under a budget of money."""

    device_hour: Annotated[float, msgspec.Meta(gt=0)]
    currency: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}$")] = "EUR"


class ExecutorPolicy(Sparse, frozen=True, kw_only=True):
    """Where rebuilds train, when it is not in their own process.

    Attributes:
        command: is handed ``{job}``, the folder of a job; ``{name}`` is what it is called.
        at_once: how many of its jobs may be on their way.
        tries: how often a job that dies is handed in.
        processes: how many trainer commands run at once on this machine; by default one per GPU,
            on the CPU one.
    """

    command: str | None = None
    at_once: Annotated[int, msgspec.Meta(ge=1)] = 16
    tries: Annotated[int, msgspec.Meta(ge=1)] = 2
    processes: Annotated[int, msgspec.Meta(ge=1)] | None = None


class Policy(Sparse, frozen=True, kw_only=True):
    """``params.yaml``: project policy, and the adapters that ``dvc repro`` builds.

    Attributes:
        horizon_days: how far ahead the audit looks.
        lead_time_days: calendar days that a move needs, unless the last one took longer.
        remote: the DVC remote that holds data and artifacts.
        lock: what `register` does without a lock of the project's own: list what is ``installed``,
            or ``resolve`` it at an index, which takes pip a minute.
        evaluation_days: an evaluation older than this is stale (EVAL001).
        drill_days: a version that was not reproduced for longer is (DRL001).
        gates: code to what `register` does about it, where that is not as usual.
        world: how the audit asks the world.
        prices: what an hour of the training device costs.
        executor: where rebuilds train, when it is not in their own process.
        shards: over how many processes, one GPU each, a base is spread that no GPU holds.
        directory: who knows a team's members, beside ``registry/people.yaml``.
    """

    schema_version: Literal[1] = 1
    horizon_days: Days = 180
    lead_time_days: Days = 60
    remote: str = "storage"
    parity: ParityPolicy = ParityPolicy()
    lock: Literal["installed", "resolve"] = "installed"
    evaluation_days: Days = 365
    drill_days: Days = 180
    gates: dict[str, Level] = {}
    world: WorldPolicy = WorldPolicy()
    directory: Directory | None = None
    prices: Prices | None = None
    executor: ExecutorPolicy = ExecutorPolicy()
    shards: Annotated[int, msgspec.Meta(ge=1)] = 1
    adapters: list[Name] = []


class Member(Sparse, frozen=True, kw_only=True):
    """A person of a team; ``until`` is their last day there."""

    name: str
    until: Date | None = None


class Team(Sparse, frozen=True, kw_only=True):
    """A team by its people, and by where it is told what an audit finds.

    Attributes:
        notify: apprise URLs; ``env:VAR`` for one that is a secret, held by a variable.
    """

    members: list[Member] = []
    notify: list[str] = []


class People(Sparse, frozen=True, kw_only=True):
    """``registry/people.yaml``: teams, their members, until when."""

    teams: dict[str, Team] = {}


class Waiver(Sparse, frozen=True, kw_only=True):
    """A finding accepted until a date, for a reason, by a person."""

    code: str
    subject: str
    reason: str
    by: str
    until: Date


class Waivers(Sparse, frozen=True, kw_only=True):
    """``registry/waivers.yaml``."""

    waivers: list[Waiver] = []
