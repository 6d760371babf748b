"""The command that params.yaml hands a job's folder to: ``sbatch --wait {job}/run.sh``."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from adapterctl.errors import InvalidInput

_PLACE = "params.yaml: executor.command"
_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{(\w*)\}")

NAMES = ("job", "name")
"""The placeholders: the job's folder, and what the job is called."""


def command_words(template: str) -> list[str]:
    """Returns the words of a template, still with placeholders; no shell will see them.

    Raises:
        InvalidInput: a quote is not closed, a placeholder is not known, or ``{job}`` is missing.
    """
    try:
        words = shlex.split(template)
    except ValueError as error:
        raise InvalidInput.one(f"{error}: {template!r}", place=_PLACE) from None
    used = [name for word in words for name in _PLACEHOLDER.findall(word) if name]
    unknown = sorted(set(used) - set(NAMES))
    if unknown:
        raise InvalidInput.one(
            f"no such placeholder: {{{unknown[0]}}}",
            place=_PLACE,
            hint="{job} is the folder of a job, {name} what it is called",
        )
    if "job" not in used:
        raise InvalidInput.one(
            f"does not say which job: {template!r}",
            place=_PLACE,
            hint="for instance: sbatch --wait {job}/run.sh",
        )
    return words


def filled_words(words: list[str], values: Mapping[str, str]) -> list[str]:
    """Returns the words to run; ``{{`` and ``}}`` stand for braces."""

    def fill(found: re.Match[str]) -> str:
        name = found.group(1)
        return found.group(0)[0] if name is None else values[name]

    return [_PLACEHOLDER.sub(fill, word) for word in words]
