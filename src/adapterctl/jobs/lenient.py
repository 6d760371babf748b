"""Reading on past what cannot be read: it is skipped, with its reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from adapterctl.errors import AdapterctlError
from adapterctl.rules.findings import Skipped, skipped

T = TypeVar("T")


class Lenient:
    """Reads, and collects in ``skipped`` what could not be read."""

    def __init__(self) -> None:
        self.skipped: list[Skipped] = []

    def read(self, subject: str, reading: Callable[[], T], *, instead: str = "") -> T | None:
        """Returns what ``reading`` gives, or ``None``; ``instead`` says what was read for it."""
        try:
            return reading()
        except AdapterctlError as error:
            self.skipped.append(skipped(subject, error, instead=instead))
        except OSError as error:
            unreadable = AdapterctlError(f"cannot read {error.filename}: {error.strerror}")
            self.skipped.append(skipped(subject, unreadable, instead=instead))
        return None
