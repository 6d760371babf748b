"""Addresses of objects in S3, ``s3://bucket/key``, and data that stay there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from adapterctl.errors import InvalidInput
from adapterctl.records.noun import Noun
from adapterctl.records.recipe import Recipe

SCHEME = "s3://"

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


class BucketUrl(Noun, frozen=True, kw_only=True):
    """An object, or all objects whose keys begin alike."""

    bucket: str
    key: str

    @property
    def prefix(self) -> str:
        """What the keys of objects below it begin with: it ends in a slash, or is empty."""
        return f"{self.key.rstrip('/')}/" if self.key.strip("/") else ""

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.key}"


def in_bucket(path: str) -> bool:
    """Whether a path is meant to lie in a bucket and not in the project."""
    return path.startswith(SCHEME)


def split(url: str) -> BucketUrl:
    """Returns bucket and key of an address.

    Raises:
        InvalidInput: not an ``s3://`` address, or no bucket can have that name.
    """
    bucket, _, key = url.removeprefix(SCHEME).partition("/")
    if not in_bucket(url) or not _BUCKET.fullmatch(bucket):
        raise InvalidInput.one(
            "not the address of a bucket", place=url, hint="write it as s3://BUCKET/KEY"
        )
    return BucketUrl(bucket=bucket, key=key)


Misplaced = tuple[tuple[str | int, ...], str, str]
"""The path inside a recipe, what is wrong there, and the mend."""


def misplaced(recipe: Recipe) -> Iterator[Misplaced]:
    """Yields data whose place and ``copy`` do not go together: neither is ever guessed."""
    train = recipe.data.train
    yield from _misplaced(("data", "train"), "path", train.path, copy=train.copy)
    if train.selection is not None:
        at = ("data", "train", "selection")
        yield from _misplaced(at, "pool", train.selection.pool, copy=train.selection.copy)
    for name, data in recipe.data.evaluation.items():
        yield from _misplaced(("data", "evaluation", name), "path", data.path, copy=data.copy)


def _misplaced(at: tuple[str, ...], key: str, path: str, *, copy: bool) -> Iterator[Misplaced]:
    stays = not copy
    if not in_bucket(path):
        scheme, found, _ = path.partition("://")
        if found:
            yield (*at, key), f"no data are read from {scheme}://", "s3://BUCKET/KEY, or a file"
        elif stays:
            what = "only data in a bucket can stay where they are"
            yield (*at, "copy"), what, f"write {key}: s3://BUCKET/KEY, or remove copy: false"
        return
    if not stays:
        hint = "add copy: false, or fetch it into the project for DVC to keep"
        yield (*at, key), "data in a bucket are pinned there, and not copied", hint
    try:
        key_there = split(path).key
    except InvalidInput as error:
        yield (*at, key), error.problems[0].what, error.problems[0].hint
        return
    if not key_there or key_there.endswith("/"):
        hint = "name one object; a folder of them has no version id"
        yield (*at, key), "not the address of an object", hint
