"""The project a job runs in: its folder, the time, who acts, and the doors of its stores."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from adapterctl.errors import InvalidInput, MissingExtra
from adapterctl.records.base import Base
from adapterctl.records.policy import Policy
from adapterctl.rules.aliases import aliases
from adapterctl.rules.lifecycle.almanac import Almanac
from adapterctl.stores.registry import FolderRegistry

if TYPE_CHECKING:
    from adapterctl.stores.dvc import DvcStore
    from adapterctl.stores.mlflow import MlflowMirror
    from adapterctl.stores.s3 import BucketData


class Display(Protocol):
    """Where a job says what it is doing."""

    def say(self, text: str) -> None:
        """Writes one line."""

    def progress(self, label: str, done: int, total: int, *, note: str = "") -> None:
        """Shows how far a long operation is."""

    def step(self, slot: str, done: int, total: int, *, loss: float, speed: float) -> None:
        """Shows an optimizer step of a slot; ``speed`` is in tokens per second."""

    def fleet(self, names: Sequence[str]) -> AbstractContextManager[None]:
        """Several adapters are on their way while the context lasts."""

    def turn(self, name: str) -> None:
        """What follows is of the adapter ``name`` of the fleet; of all of them without one."""

    def ended(self, name: str, how: str) -> None:
        """An adapter of the fleet has come to its end."""


class Quiet:
    """A display that shows nothing."""

    def say(self, text: str) -> None:
        """Drops the line."""

    def progress(self, label: str, done: int, total: int, *, note: str = "") -> None:
        """Drops the progress."""

    def step(self, slot: str, done: int, total: int, *, loss: float, speed: float) -> None:
        """Drops the step."""

    def fleet(self, names: Sequence[str]) -> AbstractContextManager[None]:
        """Shows nothing."""
        return nullcontext()

    def turn(self, name: str) -> None:
        """Drops it."""

    def ended(self, name: str, how: str) -> None:
        """Drops it."""


@dataclass(frozen=True, kw_only=True)
class Project:
    """Everything a job needs of its surroundings, handed in by ``cli``.

    Attributes:
        root: the project's folder, absolute.
        now: the time of the command, UTC.
        as_of: the day that counts as today, when it is not the day of ``now``.
        display: where talk and progress go.
        holds_code: laid out from a record, with the code of its recipe.
    """

    root: Path
    now: datetime
    as_of: date | None = None
    display: Display = field(default_factory=Quiet)
    holds_code: bool = False

    @property
    def today(self) -> date:
        """The day that dates are judged against."""
        return self.as_of or self.now.date()

    @property
    def stamp(self) -> str:
        """The time of the command as it is written down: ``2026-11-23T09:00:00Z``."""
        return self.now.strftime("%Y-%m-%dT%H:%M:%SZ")

    @property
    def private(self) -> Path:
        """``.adapterctl/``: what can be rebuilt or belongs to MLflow."""
        return self.root / ".adapterctl"

    @cached_property
    def by(self) -> str:
        """Who acts, for records and events; asked of git only when something is written."""
        return user_name(self.root)

    @cached_property
    def registry(self) -> FolderRegistry:
        """The truth."""
        return FolderRegistry(self.root)

    @cached_property
    def policy(self) -> Policy:
        """params.yaml."""
        return self.registry.policy()

    @cached_property
    def dvc(self) -> DvcStore:
        """The bytes."""
        require("dvc", extra="dvc", needed_for="data and artifacts under DVC")
        from adapterctl.stores.dvc import DvcStore

        return DvcStore(self.root)

    @cached_property
    def bucket_data(self) -> BucketData:
        """Data that stay in their buckets."""
        from adapterctl.stores.s3 import BucketData

        return BucketData(self.private, progress=self.display.progress)

    @cached_property
    def mirror(self) -> MlflowMirror:
        """MLflow, embedded unless MLFLOW_TRACKING_URI names a server."""
        require("mlflow", extra="mlflow", needed_for="the MLflow mirror")
        from adapterctl.stores.mlflow import MlflowMirror

        self.private.mkdir(exist_ok=True)
        return MlflowMirror(self.tracking_uri, artifact_root=self.private / "mlartifacts")

    @property
    def tracking_uri(self) -> str:
        """Where MLflow is: embedded unless MLFLOW_TRACKING_URI names a server."""
        embedded = f"sqlite:///{self.private / 'mlflow.db'}"
        return os.environ.get("MLFLOW_TRACKING_URI") or embedded

    def almanac(self, bases: Mapping[str, Base]) -> Almanac:
        """Returns what is known today of how long ``bases`` live."""
        return Almanac(self.registry.observations(), bases, namings=self.registry.namings())

    def version_of(self, wanted: str) -> tuple[str, int]:
        """Returns (adapter, version) for ``NAME``, ``NAME@3`` or ``NAME@champion``.

        A bare name means the champion, or else the newest version.

        Raises:
            InvalidInput: no such adapter, version or alias.
        """
        adapter, _, which = wanted.partition("@")
        versions = self.registry.versions(adapter)
        if not versions:
            self.registry.recipe(adapter)
            raise InvalidInput.one(
                f"{adapter!r} has no registered version",
                hint=f"adapterctl register registry/adapters/{adapter}/recipe.yaml",
            )
        return adapter, self._number(adapter, which, versions)

    def _number(self, adapter: str, which: str, versions: list[int]) -> int:
        if which.isdigit() and int(which) in versions:
            return int(which)
        held = aliases(self.registry.events(adapter))
        if not which:
            return held.get("champion", versions[-1])
        if which in held:
            return held[which]
        known = ", ".join([*map(str, versions), *held])
        raise InvalidInput.one(
            f"{adapter!r} has no version or alias {which!r}", hint=f"known: {known}"
        )


def require(module: str, *, extra: str, needed_for: str) -> None:
    """Raises `MissingExtra` when ``module`` is not installed."""
    from importlib.util import find_spec

    if find_spec(module) is None:
        raise MissingExtra(extra, needed_for=needed_for)


def user_name(root: Path) -> str:
    """Returns who acts: git's user name for the project, or the login name."""
    from adapterctl.stores.git import user

    return user(root) or getpass.getuser()
