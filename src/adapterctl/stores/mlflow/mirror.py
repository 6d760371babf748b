"""MLflow's copy of the registry: one run and one version per record, replayed at will.

MLflow has no transactions, and a process may die between any two calls. So the order does the
work: the run is filled and finished first, the version comes last and with all its tags, and
whatever comes before can be done again. A version in MLflow is therefore always whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from adapterctl.stores.mlflow import door
from adapterctl.stores.mlflow.entry import MirrorEntry, require_folder
from adapterctl.stores.mlflow.replay import version_tags
from adapterctl.stores.mlflow.runs import Runs, experiment_of
from adapterctl.stores.mlflow.versions import Versions

MANAGED_ALIASES = frozenset({"champion", "candidate", "previous"})
LOCK_SECONDS = 600.0
PATIENCE_SECONDS = 10.0


def _unobserved(step: str) -> None:
    """Default of ``checkpoint``: nobody is told."""


class MlflowMirror:
    """Writes records to MLflow and sees what is there.

    Every method raises `Unreachable` when MLflow does not answer or cannot be written.

    Args:
        tracking_uri: a server's URL, or ``sqlite:///`` and a path; the file is made when absent.
        artifact_root: where artifacts go unless a server decides; locks lie beside it.
        checkpoint: is told each step after it was done.
        loader_module: the module whose ``_load_pyfunc`` MLflow calls to load a version.
        patience: seconds within which a server must give its first answer.
    """

    def __init__(
        self,
        tracking_uri: str,
        *,
        artifact_root: Path,
        checkpoint: Callable[[str], None] = _unobserved,
        loader_module: str = "adapterctl",
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._uri = tracking_uri
        self._root = artifact_root.absolute()
        self._checkpoint = checkpoint
        self._loader_module = loader_module
        self._patience = patience
        self._connected: Any = None

    def highest_version(self, adapter: str) -> int:
        """Returns the highest number in use, placeholders included; 0 for an unknown adapter."""
        with self._asking(adapter) as (_, versions):
            return versions.highest

    def missing(self, adapter: str, versions: Sequence[tuple[int, str]]) -> list[int]:
        """Returns the numbers, ascending, whose record is not mirrored under that number.

        Args:
            adapter: its name.
            versions: (version, digest of its record), in any order.
        """
        with self._asking(adapter) as (_, here):
            return sorted(number for number, digest in versions if not here.holds(number, digest))

    def mirror(self, entry: MirrorEntry) -> None:
        """Brings one version over, under its own number; does nothing when it is there.

        Numbers below it that MLflow has not seen become placeholders, which are filled when
        their record comes later.

        Raises:
            NotFound: the entry's folder has no adapter.
            Mismatch: MLflow holds another record under this number, or has used the number up.
        """
        require_folder(entry)
        number = entry.record.version
        with self._writing(entry.record.adapter) as (client, versions):
            runs = self._runs(client, entry.record.adapter)
            if not versions.holds(number, entry.record_digest):
                versions.admit(number, entry.record_digest)
                if number in versions.held:
                    self._fill_placeholder(entry, runs, versions)
                else:
                    self._add(entry, runs, versions)
            runs.discard(entry, keep=versions.held[number].run_id)

    def aliases(self, adapter: str) -> dict[str, int]:
        """Returns alias to version number; empty for an unknown adapter."""
        with self._asking(adapter) as (_, versions):
            return versions.aliases()

    def set_aliases(self, adapter: str, aliases: Mapping[str, int]) -> None:
        """Makes champion, candidate and previous exactly ``aliases``; others are left alone.

        Raises:
            NotFound: an alias names a version that is not mirrored yet.
        """
        with self._writing(adapter) as (_, versions):
            versions.require(aliases.values())
            versions.set_aliases(aliases, managed=MANAGED_ALIASES)

    def tag(self, adapter: str, version: int, tags: Mapping[str, str]) -> None:
        """Sets tags of one version, such as ``adapterctl.state``; equal ones are left alone.

        Raises:
            NotFound: the version is not mirrored yet.
        """
        with self._writing(adapter) as (_, versions):
            versions.require([version])
            versions.tag(version, tags)

    def _add(self, entry: MirrorEntry, runs: Runs, versions: Versions) -> None:
        run = runs.finished(entry)
        versions.create_model(entry.purpose)
        self._checkpoint("registered model")
        for gap in range(versions.highest + 1, entry.record.version):
            versions.add_placeholder(gap, run=runs.placeholder(entry.record.adapter, gap))
            self._checkpoint("placeholder version")
        versions.add(entry.record.version, run=run, tags=version_tags(entry))
        self._checkpoint("version")

    def _fill_placeholder(self, entry: MirrorEntry, runs: Runs, versions: Versions) -> None:
        runs.refill(versions.held[entry.record.version].run_id, entry)
        versions.make_whole(entry)
        self._checkpoint("version")

    def _runs(self, client: Any, adapter: str) -> Runs:
        # Under a server the place of artifacts is the server's to choose.
        place = None if door.is_server(self._uri) else (self._root / adapter).as_uri()
        experiment = experiment_of(client, adapter, artifact_location=place)
        self._checkpoint("experiment")
        return Runs(
            client, experiment, checkpoint=self._checkpoint, loader_module=self._loader_module
        )

    @contextmanager
    def _writing(self, adapter: str) -> Iterator[tuple[Any, Versions]]:
        with self._alone(adapter), self._asking(adapter) as here:
            yield here

    @contextmanager
    def _asking(self, adapter: str) -> Iterator[tuple[Any, Versions]]:
        if self._connected is None:
            self._connected = door.connect(self._uri, create=self._create, patience=self._patience)
        place = f"MLflow at {door.shown(self._uri)}"
        with door.answering(self._uri):
            yield self._connected, Versions(self._connected, adapter, place=place)

    @contextmanager
    def _alone(self, subject: str) -> Iterator[None]:
        lock = self._root.parent / "locks" / f"mlflow-{subject}.lock"
        with door.exclusive(lock, wait=LOCK_SECONDS):
            yield

    def _create(self, path: Path) -> None:
        with self._alone("database"):
            if not path.exists():
                door.create_database(path, artifact_root=self._root, checkpoint=self._checkpoint)
