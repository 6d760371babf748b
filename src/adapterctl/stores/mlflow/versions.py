"""One adapter in MLflow's model registry: its versions, tags and aliases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from adapterctl.errors import Mismatch, NotFound
from adapterctl.stores.mlflow.entry import MirrorEntry
from adapterctl.stores.mlflow.replay import PLACEHOLDER, RECORD, VERSION, version_tags

PAGE = 1_000


class Versions:
    """The versions that MLflow holds of one adapter.

    Args:
        client: an ``MlflowClient``.
        adapter: its name, which is also the registered model's.
        place: which MLflow this is, for messages.
    """

    def __init__(self, client: Any, adapter: str, *, place: str) -> None:
        self._client = client
        self._adapter = adapter
        self._place = place
        self.held = self._search()

    @property
    def highest(self) -> int:
        """The highest number in use, placeholders included."""
        return max(self.held, default=0)

    def holds(self, number: int, record_digest: str) -> bool:
        """Returns whether this very record is here, whole, under this number."""
        tags = self.held[number].tags if number in self.held else {}
        return PLACEHOLDER not in tags and tags.get(RECORD) == record_digest

    def require(self, numbers: Iterable[int]) -> None:
        """Checks that versions are mirrored.

        Raises:
            NotFound: one is absent, or a placeholder.
        """
        for number in numbers:
            if number not in self.held or PLACEHOLDER in self.held[number].tags:
                raise NotFound(
                    f"MLflow has no version {number} of {self._adapter}",
                    place=self._place,
                    hint="adapterctl sync",
                )

    def admit(self, number: int, record_digest: str) -> None:
        """Checks that a record can still get its number.

        Raises:
            Mismatch: another record has it, or the number is used up.
        """
        if number not in self.held and number < self.highest:
            raise self._mismatch(
                f"MLflow once had a version {number} of {self._adapter}"
                " and gives no number out twice"
            )
        if number in self.held and PLACEHOLDER not in self.held[number].tags:
            other = self.held[number].tags.get(RECORD)
            theirs = f"record {other[:16]}" if other else "another tool's"
            raise self._mismatch(
                f"version {number} of {self._adapter} is {theirs} in MLflow"
                f" and record {record_digest[:16]} in the registry"
            )

    def create_model(self, purpose: str) -> None:
        """Creates the registered model, unless a person or an interrupted mirror has."""
        from mlflow.exceptions import MlflowException

        try:
            self._client.create_registered_model(self._adapter, description=purpose)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def add(self, number: int, *, run: Any, tags: Mapping[str, str]) -> None:
        """Creates the next version, with its tags, on a finished run.

        Raises:
            Mismatch: MLflow gave another number; that version is left as a placeholder.
        """
        source = f"{run.info.artifact_uri}/adapter"
        made = self._client.create_model_version(
            self._adapter, source, run.info.run_id, tags=dict(tags)
        )
        if int(made.version) != number:
            self._disown(int(made.version), tags)
            raise self._mismatch(
                f"MLflow gave number {made.version} instead of {number} to a version of"
                f" {self._adapter}: one was deleted there, or another machine wrote just now"
            )
        self.held[number] = made

    def add_placeholder(self, number: int, *, run: Any) -> None:
        """Creates a version that only keeps a number; its record may come later."""
        self.add(number, run=run, tags={PLACEHOLDER: "true", VERSION: str(number)})

    def make_whole(self, entry: MirrorEntry) -> None:
        """Turns a placeholder into the version it was kept for; last, it ceases to be one."""
        number = entry.record.version
        self.tag(number, version_tags(entry))
        self._client.delete_model_version_tag(self._adapter, str(number), PLACEHOLDER)

    def tag(self, number: int, tags: Mapping[str, str]) -> None:
        """Sets tags where they differ."""
        present = self.held[number].tags
        for key, value in sorted(tags.items()):
            if present.get(key) != value:
                self._client.set_model_version_tag(self._adapter, str(number), key, value)

    def aliases(self) -> dict[str, int]:
        """Returns alias to number, which MLflow gives as int from SQLite and as text over REST.

        Asked of the registered model, for a version found by search never has its aliases.
        """
        models = self._client.search_registered_models(f"name = '{self._adapter}'")
        return {alias: int(number) for each in models for alias, number in each.aliases.items()}

    def set_aliases(self, wanted: Mapping[str, int], *, managed: frozenset[str]) -> None:
        """Makes the managed aliases exactly ``wanted``."""
        present = self.aliases()
        for alias in sorted(managed & present.keys() - wanted.keys()):
            self._client.delete_registered_model_alias(self._adapter, alias)
        for alias, number in sorted(wanted.items()):
            if present.get(alias) != number:
                self._client.set_registered_model_alias(self._adapter, alias, str(number))

    def _disown(self, number: int, tags: Mapping[str, str]) -> None:
        name = self._adapter
        self._client.set_model_version_tag(name, str(number), PLACEHOLDER, "true")
        for key in tags.keys() - {PLACEHOLDER}:
            self._client.delete_model_version_tag(name, str(number), key)

    def _search(self) -> dict[int, Any]:
        found: dict[int, Any] = {}
        token: str | None = None
        while True:
            page = self._client.search_model_versions(
                f"name = '{self._adapter}'", max_results=PAGE, page_token=token
            )
            found |= {int(each.version): each for each in page}
            token = page.token
            if not token:
                return found

    def _mismatch(self, what: str) -> Mismatch:
        return Mismatch(
            what,
            place=self._place,
            hint=f"delete {self._adapter!r} from MLflow's model registry, then adapterctl sync",
        )
