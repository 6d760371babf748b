"""Where a base's weights lie, and whether they are still the ones that were added."""

from __future__ import annotations

import shutil
from pathlib import Path

from adapterctl.errors import InvalidInput, Mismatch, NotFound, Unreachable
from adapterctl.jobs.locks import alone
from adapterctl.jobs.project import Project
from adapterctl.records.base import Base, BaseIdentity, BaseSource
from adapterctl.records.version import BasePin
from adapterctl.rules.bucket_urls import in_bucket


def locate(project: Project, base: Base | BasePin) -> Path:
    """Returns the folder with the base's weights, without looking into it.

    A recorded base is looked for where ``registry/`` says today that it lies, and where it does
    not answer there, at its mirror; one in a bucket is fetched, once.

    Raises:
        InvalidInput: the base is hosted: its weights are not obtainable.
        NotFound: the folder is not there.
        Unreachable: the Hub does not answer.
    """
    try:
        return _at_its_source(project, base)
    except (NotFound, Unreachable):
        copy = _mirror(project, base)
        if copy is None:
            raise
        project.display.say(f"base {base.base} is not at its source: its mirror {copy} serves")
        return copy


def _mirror(project: Project, base: Base | BasePin) -> Path | None:
    """Returns the folder of the mirror that the registry names today, if it is there."""
    if not project.registry.base_path(base.base).is_file():
        return None
    named = project.registry.base(base.base).mirror
    if named is not None and in_bucket(named):
        return _fetched(project, base, named)
    folder = project.root / named if named else None
    return folder if folder is not None and folder.is_dir() else None


def _fetched(project: Project, base: Base | BasePin, url: str) -> Path:
    """Returns a copy of a mirror in a bucket; it is kept when it has the base's fingerprint.

    Raises:
        NotFound: nothing is there. Unreachable: S3 does not answer.
        Mismatch: something else is there.
    """
    from adapterctl.stores.s3 import fetch_prefix

    known = str(base.fingerprint).removeprefix("fp1:")
    place = project.private / "cache" / "mirrors" / known
    with alone(place):
        if place.is_dir():
            return place
        project.display.say(f"base {base.base} is not at its source: fetching its mirror {url}")
        part = place.with_name(f"{known}.part")
        shutil.rmtree(part, ignore_errors=True)
        fetch_prefix(url, part, progress=project.display.progress)
        found = identify(project, part).fingerprint
        if found != base.fingerprint:
            shutil.rmtree(part)
            raise Mismatch(
                f"the mirror is not base {base.base!r}: {found} instead of {base.fingerprint}",
                place=url,
                hint=f"correct mirror in registry/bases/{base.base}.yaml",
            )
        part.rename(place)
    return place


def _at_its_source(project: Project, base: Base | BasePin) -> Path:
    source = _source(project, base)
    if source.path is not None:
        return _existing(project.root / source.path, base.base)
    if source.hub is not None and base.revision is not None:
        from adapterctl.stores.hub import locate as locate_in_hub

        return locate_in_hub(
            source.hub,
            base.revision,
            # Declared by its list of files: what was not to be fetched then is not fetched unasked.
            download=base.fingerprint is not None or not _is_listed(base),
            progress=project.display.progress,
        )
    raise InvalidInput.one(
        f"base {base.base!r} is hosted at {source.provider}: its weights are not obtainable",
        place=f"registry/bases/{base.base}.yaml",
        hint="rebuild on open weights: adapterctl plan NAME --to BASE",
    )


def _source(project: Project, base: Base | BasePin) -> BaseSource:
    """Returns today's source of a base: the registry's, while it means the recorded weights."""
    if isinstance(base, Base) or not project.registry.base_path(base.base).is_file():
        return base.source
    today = project.registry.base(base.base)
    return today.source if today.fingerprint == base.fingerprint else base.source


def checked(project: Project, base: Base | BasePin, *, afresh: bool = False) -> Path:
    """Returns the base's folder after comparing its fingerprint with the recorded one.

    Args:
        project: where.
        base: declared or recorded.
        afresh: hash every byte, even of files that look as they did when they were hashed last.

    Raises:
        Mismatch: the weights are not the ones that were added.
    """
    if base.fingerprint is None and base.source.provider is None:
        raise _no_fingerprint(base)
    folder = locate(project, base)
    found = identify(project, folder, afresh=afresh)
    if found.fingerprint != base.fingerprint:
        raise Mismatch(
            f"the weights of base {base.base!r} changed: {found.fingerprint} instead of "
            f"{base.fingerprint}",
            place=str(folder),
            hint="put the old weights back, or declare the new ones under another name with "
            "adapterctl bases add",
        )
    if base.digests.code is not None and found.digests.code != base.digests.code:
        raise Mismatch(
            f"the code beside the weights of base {base.base!r} changed",
            place=str(folder),
            hint="read what runs there, and declare it again with adapterctl bases add",
        )
    return folder


def identify(project: Project, folder: Path, *, afresh: bool = False) -> BaseIdentity:
    """Fingerprints a folder of weights, with progress, cached by file identity."""
    from adapterctl.stores.safetensors import identify as identify_folder

    cache = None if afresh else project.private / "cache" / "fingerprints"
    return identify_folder(folder, cache=cache, progress=project.display.progress)


def pin(base: Base) -> BasePin:
    """Returns the base as a record keeps it.

    Raises:
        InvalidInput: the base has no fingerprint yet.
    """
    if base.fingerprint is None:
        raise _no_fingerprint(base)
    return BasePin(
        base=base.base,
        source=base.source,
        fingerprint=base.fingerprint,
        revision=base.revision,
        digests=base.digests,
        family=base.family,
        architecture=base.architecture,
    )


def _no_fingerprint(base: Base | BasePin) -> InvalidInput:
    known = ": its file hashes are known, its tensors are not" if _is_listed(base) else ""
    return InvalidInput.one(
        f"base {base.base!r} has no fingerprint{known}",
        place=f"registry/bases/{base.base}.yaml",
        hint=_how_to_fingerprint(base),
    )


def _is_listed(base: Base | BasePin) -> bool:
    return isinstance(base, Base) and bool(base.files)


def _how_to_fingerprint(base: Base | BasePin) -> str:
    if isinstance(base, Base) and base.fingerprint_file is not None:
        return f"a stage of dvc.yaml writes {base.fingerprint_file}: dvc repro"
    if base.source.provider is not None:
        return f"its weights are at {base.source.provider}: name a base with open weights"
    if base.source.hub is not None:
        again = f"adapterctl bases add {base.base} --hub {base.source.hub}@{base.revision}"
        return (
            f"{again} fetches and fingerprints it; or, where its weights lie, adapterctl bases "
            f"fingerprint DIR --out FILE, and here the same with --fingerprint FILE"
        )
    return f"adapterctl bases fingerprint {base.base}"


def _existing(folder: Path, base: str) -> Path:
    if not folder.is_dir():
        raise NotFound(
            f"the weights of base {base!r} are not here",
            place=str(folder),
            hint=f"put them there, or correct source.path in registry/bases/{base}.yaml",
        )
    return folder


def source_of(folder: Path, root: Path) -> BaseSource:
    """Returns the source for a local folder: relative when it lies inside the project."""
    absolute = folder.resolve()
    inside = absolute.is_relative_to(root)
    return BaseSource(path=absolute.relative_to(root).as_posix() if inside else str(absolute))
