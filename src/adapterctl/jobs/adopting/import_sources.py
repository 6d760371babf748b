"""What an import is pointed at: folders, and places that folders are fetched from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from adapterctl.errors import AdapterctlError, InvalidInput
from adapterctl.jobs.adopting.adapter_folder import COMPANIONS, CONFIG, adapter_folders
from adapterctl.jobs.adopting.manifest import Refused, Wish
from adapterctl.jobs.project import Project, require
from adapterctl.rules.adoption.adopted import PICKLE, SAFETENSORS
from adapterctl.rules.adoption.manifests import Entry

HUB, MLFLOW, BUCKET = "hub:", "mlflow:", "s3://"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where sources are fetched to, and what they are called.

    Attributes:
        staging: a folder for what is needed until its bytes are under DVC.
        name: what the adapter is called, where the user says so.
    """

    project: Project
    staging: Path
    name: str | None

    def wishes(self, sources: Sequence[str]) -> Iterator[Wish | Refused]:
        """Yields the adapters at each source, each once; a bad source concerns itself alone."""
        seen: set[str] = set()
        for source in sources:
            try:
                for wish in self._wishes(source):
                    key = wish.origin or str(wish.path)
                    if key not in seen:
                        seen.add(key)
                        yield wish
            except AdapterctlError as error:
                yield Refused(path=source, why=str(error))

    def _wishes(self, source: str) -> Iterator[Wish]:
        if source.startswith(HUB):
            return self._from_hub(source.removeprefix(HUB))
        if source.startswith(MLFLOW):
            return self._from_mlflow(source.removeprefix(MLFLOW))
        if source.startswith(BUCKET):
            return self._from_bucket(source.rstrip("/"))
        return self._from_folder(Path(source))

    def _from_folder(self, source: Path) -> Iterator[Wish]:
        for folder in adapter_folders(source):
            yield Wish(path=folder, entry=self._entry(folder), root=folder)

    def _from_hub(self, source: str) -> Iterator[Wish]:
        from adapterctl.stores.hub import fetch

        repo, _, revision = source.partition("@")
        revision = revision or "main"
        # A README is in nearly every repository: the Hub's library warns when it finds no file.
        top = fetch(repo, revision, [CONFIG, "README.md"], anywhere=True)
        commit, progress = top.name, self.project.display.progress
        for folder in adapter_folders(top, called=f"{HUB}{source}"):
            inside = PurePosixPath(folder.relative_to(top.resolve()).as_posix())
            names = [(inside / name).as_posix() for name in (CONFIG, SAFETENSORS, *COMPANIONS)]
            fetch(repo, commit, names, progress=progress)
            if not (folder / SAFETENSORS).is_file():
                fetch(repo, commit, [(inside / PICKLE).as_posix()], progress=progress)
        for wish in self._fetched(top, source=f"{HUB}{repo}@{commit}", label=f"/{repo}"):
            yield replace(wish, either=True)

    def _from_bucket(self, source: str) -> Iterator[Wish]:
        from adapterctl.stores.s3 import fetch_prefix

        into = self._fresh(source)
        fetch_prefix(source, into, progress=self.project.display.progress)
        yield from self._fetched(into, source=source, label=f"/{source.removeprefix(BUCKET)}")

    def _from_mlflow(self, source: str) -> Iterator[Wish]:
        from adapterctl.stores.mlflow import RegisteredModels

        require("mlflow", extra="mlflow", needed_for="adapters that MLflow holds")
        name, _, number = source.partition("/")
        if not name or (number and not number.isdecimal()):
            raise InvalidInput.one(
                "not a registered model",
                place=f"{MLFLOW}{source}",
                hint="write mlflow:NAME/VERSION",
            )
        models = RegisteredModels(self.project.tracking_uri)
        version = int(number) if number else models.newest(name)
        run = models.stated(name, version)
        origin = f"{MLFLOW}{name}/{version}"
        into = self._fresh(origin)
        models.fetch_adapters(name, version, into=into)
        found = list(self._fetched(into, source=origin, label=f"/{name}"))
        for wish in found:
            # A version holds one adapter, as a rule: where in it says nothing then.
            alone = replace(wish, origin=origin, label=PurePosixPath("/", name))
            yield replace(alone if len(found) == 1 else wish, run=run)

    def _fresh(self, source: str) -> Path:
        return self.staging / hashlib.sha256(source.encode()).hexdigest()[:16]

    def _fetched(self, top: Path, *, source: str, label: str) -> Iterator[Wish]:
        """Yields the adapters at or below a folder that ``source`` was fetched into."""
        for folder in adapter_folders(top, called=source):
            inside = PurePosixPath(folder.relative_to(top.resolve()).as_posix())
            yield Wish(
                path=folder,
                entry=self._entry(folder),
                root=folder,
                origin=f"{source}/{inside}" if inside.parts else source,
                label=PurePosixPath(label, inside),
            )

    def _entry(self, folder: Path) -> Entry:
        return Entry(path=str(folder), name=self.name)
