"""What the registry holds already, so that the same folder is not imported twice."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from adapterctl.errors import AdapterctlError
from adapterctl.jobs.adopting.adapter_folder import content_digest
from adapterctl.records.adopted import AdoptedVersion, AnyRecord
from adapterctl.rules.adoption.adopted import lasting
from adapterctl.stores.registry import FolderRegistry


class Before:
    """Every version by content, every adapter by the folder that it was taken from.

    Attributes:
        names: adapters that exist, with or without a version.
    """

    def __init__(self, registry: FolderRegistry) -> None:
        self.names = set(registry.adapters())
        self._by_content: dict[str, list[AnyRecord]] = {}
        self._by_origin: dict[str, str] = {}
        for adapter in sorted(self.names):
            for version in registry.versions(adapter):
                self._read(registry, adapter, version)

    def _read(self, registry: FolderRegistry, adapter: str, version: int) -> None:
        """Notes one version; one that cannot be read is the audit's to report."""
        try:
            self.add(registry.any_record(adapter, version))
        except AdapterctlError:
            return

    def add(self, record: AnyRecord) -> None:
        """Notes a version."""
        self.names.add(record.adapter)
        self._by_content.setdefault(_content(record), []).append(record)
        if isinstance(record, AdoptedVersion):
            self._by_origin[lasting(record.origin)] = record.adapter

    def adapter_from(self, origin: str) -> str | None:
        """Returns the adapter that a folder, or another state of its source, was imported as."""
        return self._by_origin.get(lasting(origin))

    def find(
        self, content: str, *, names: Collection[str], origin: str | None
    ) -> Iterator[AnyRecord]:
        """Yields the versions of this content of ``names`` or from ``origin``, the newest first."""
        for record in reversed(self._by_content.get(content, [])):
            same = isinstance(record, AdoptedVersion) and record.origin == origin
            if same or record.adapter in names:
                yield record


def _content(record: AnyRecord) -> str:
    if isinstance(record, AdoptedVersion):
        return record.content_sha256
    return content_digest(record.adapter_config_sha256, record.weights_sha256)
