"""What every noun shares: immutable, keyword-only, unknown keys refused."""

from __future__ import annotations

from typing import Annotated

import msgspec

NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,79}$"
DATE_PATTERN = r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$"

Name = Annotated[str, msgspec.Meta(pattern=NAME_PATTERN)]
"""A name that is safe as a file name, a URL part and an MLflow model name."""

Date = Annotated[str, msgspec.Meta(pattern=DATE_PATTERN)]
"""A day as ``YYYY-MM-DD``."""

Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
"""A sha256 in hexadecimal."""

Fraction = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Noun(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every record: frozen, keyword-only, no unknown keys."""


class Sparse(Noun, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A noun that writes only what differs from its defaults."""
