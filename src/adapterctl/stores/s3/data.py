"""Data that stay in their bucket: pinned by version id and sha256, read through a local copy."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path, PurePosixPath

import msgspec

from adapterctl.errors import AdapterctlError, InvalidInput
from adapterctl.records.noun import Noun
from adapterctl.records.version import DatasetPin
from adapterctl.rules.bucket_urls import split
from adapterctl.stores.files import unwritable, write_atomically
from adapterctl.stores.s3.store import Fetched, Head, Progress, S3Store


class _Known(Noun, frozen=True, kw_only=True):
    """What one version of an object was found to be."""

    url: str
    version: str
    fetched: Fetched


class BucketData:
    """Data in buckets, as one project reads them.

    An object is looked at once: what a registration has judged is what it pins, whatever is
    written to the bucket meanwhile.

    Below the private folder, ``cache/buckets`` keeps copies by digest, and ``buckets`` is where a
    clean room has what it reads: it asks nothing of S3.
    """

    def __init__(self, private: Path, *, progress: Progress) -> None:
        self._cache = private / "cache" / "buckets"
        self._private = private
        self._progress = progress
        self._store = S3Store()
        self._seen: dict[str, DatasetPin] = {}

    def current(self, url: str) -> DatasetPin:
        """Returns the pin of an object's current version, without its number of rows.

        Raises:
            InvalidInput: the version has no id, so that another write would replace it.
            NotFound: no such bucket or object.
            Unreachable: S3 does not answer.
        """
        if url not in self._seen:
            self._seen[url] = self._look(url)
        return self._seen[url]

    def file(self, url: str) -> Path:
        """Returns a local file with an object's rows: laid out for a clean room, or current.

        Raises:
            InvalidInput: see `current`.
        """
        laid = laid_out(self._private, url)
        if laid.is_file():
            return laid
        return self._copy(url, self.current(url).sha256)

    def fetch(self, pin: DatasetPin, private: Path, *, from_remote: bool) -> Path:
        """Lays out the pinned version of an object for the project with that private folder.

        Args:
            pin: what to bring.
            private: the ``.adapterctl`` of a clean room.
            from_remote: bring the bytes from the bucket, even if a copy is here.

        Raises:
            NotFound: the version is gone.
            Mismatch: other bytes than the pin says.
            Unreachable: S3 does not answer.
        """
        target = laid_out(private, pin.path)
        copy = self._copy(pin.path, pin.sha256)
        if not from_remote and _is(copy, pin.sha256):
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(copy, target)
            except OSError as error:
                raise unwritable(target, error) from error
            return target
        self._store.fetch(
            pin.path, target, version=pin.version_id, sha256=pin.sha256, progress=self._progress
        )
        return target

    def _look(self, url: str) -> DatasetPin:
        version = self._version(self._store.head(url))
        known = self._known(url, version)
        found = known.fetched if known else self._bring(url, version)
        return DatasetPin(
            path=url, md5=found.md5, sha256=found.sha256, size=found.size, version_id=version
        )

    def _version(self, head: Head) -> str:
        if head.version is not None:
            return head.version
        kept = self._store.is_versioned(split(head.url).bucket)
        what = (
            "it was written before its bucket kept versions"
            if kept
            else "its bucket does not keep versions"
        )
        hint = "write it again" if kept else "switch on the bucket's versioning and write it again"
        raise InvalidInput.one(
            f"{what}: the next write replaces it, and a pin would be one in name only",
            place=head.url,
            hint=f"{hint}, or put the data under DVC",
        )

    def _known(self, url: str, version: str) -> _Known | None:
        """Returns what a version is known to be, while a copy of it is here intact."""
        try:
            known = msgspec.json.decode(self._note(url, version).read_bytes(), type=_Known)
        except (OSError, msgspec.MsgspecError):
            return None
        return known if _is(self._copy(url, known.fetched.sha256), known.fetched.sha256) else None

    def _bring(self, url: str, version: str) -> Fetched:
        """Brings a version into the cache, under the name of its digest."""
        try:
            self._cache.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self._cache) as folder:
                file = Path(folder) / "object"
                found = self._store.fetch(url, file, version=version, progress=self._progress)
                file.replace(self._copy(url, found.sha256))
        except OSError as error:
            raise unwritable(self._cache, error) from error
        known = _Known(url=url, version=version, fetched=found)
        write_atomically(self._note(url, version), msgspec.json.encode(known))
        return found

    def _copy(self, url: str, sha256: str) -> Path:
        return self._cache / f"{sha256}{_suffix(url)}"

    def _note(self, url: str, version: str) -> Path:
        return self._cache / f"{_named(f'{url} {version}')}.json"


def laid_out(private: Path, url: str) -> Path:
    """Returns where a clean room has its copy of an object; any key makes a name that is safe."""
    return private / "buckets" / f"{_named(url)}{_suffix(url)}"


def _named(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _suffix(url: str) -> str:
    """Returns what tells a reader the format: it must stay with the copy."""
    return PurePosixPath(split(url).key).suffix.lower()


def _is(file: Path, sha256: str) -> bool:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == sha256
    except FileNotFoundError:
        return False
    except OSError as error:
        raise AdapterctlError(f"cannot read: {error.strerror}", place=str(file)) from error
