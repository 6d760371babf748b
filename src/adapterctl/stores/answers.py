"""The door to earlier answers of the audit, as files."""

from __future__ import annotations

from pathlib import Path

import msgspec

from adapterctl.errors import InvalidInput, NotFound
from adapterctl.rules.audit.since import Earlier
from adapterctl.stores.files import write_atomically

HINT = "give a file that adapterctl audit --format json has written"


def read_answer(path: Path, *, otherwise: str = HINT) -> Earlier:
    """Returns an earlier answer.

    Args:
        path: the file.
        otherwise: what to do when it is none.

    Raises:
        NotFound: there is no such file.
        InvalidInput: it is something else, or of another schema.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Earlier)
    except FileNotFoundError:
        hint = "the first run has none: leave --since out, and keep what --format json says"
        raise NotFound("no earlier answer", place=str(path), hint=hint) from None
    except OSError as error:
        raise InvalidInput.one(f"cannot read: {error.strerror}", place=str(path)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput.one(f"not an answer: {error}", place=str(path), hint=otherwise) from None


def write_answer(path: Path, earlier: Earlier) -> None:
    """Writes an answer so that `read_answer` gives it back, whole or not at all."""
    write_atomically(path, msgspec.json.encode(earlier, order="sorted") + b"\n")
