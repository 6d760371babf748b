"""The rows of each set as the trainer sees them: rendered, in tokens, with mask or label."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from adapterctl.jobs.inputs.sources import Sources, data_paths
from adapterctl.jobs.project import Project
from adapterctl.records.canonical import rows_digest
from adapterctl.records.version import PreparedPin

if TYPE_CHECKING:
    from adapterctl.training.rows.text import Example


def encoded(sources: Sources, *, log: Callable[[str], None]) -> dict[str, list[Example]]:
    """Returns the examples of every set: rendered text, token ids, loss mask, label."""
    from adapterctl.training.rows.text import encode
    from adapterctl.training.rows.tokenizer import load_tokenizer

    trust = sources.recipe.trust_remote_code
    tokenizer = load_tokenizer(sources.base_dir, trust_remote_code=trust)
    longest = _longest(sources, log=log)
    return {
        name: encode(
            rows,
            task=sources.recipe.task,
            tokenizer=tokenizer,
            labels=list(sources.labels),
            max_length=longest,
            place=data_paths(sources.recipe)[name],
            log=log,
        )
        for name, rows in sources.rows.items()
    }


def _longest(sources: Sources, *, log: Callable[[str], None]) -> int:
    """Returns the recipe's ``max_length``, or the base's own limit where that is lower."""
    from adapterctl.training.inspect import describe

    recipe = sources.recipe
    wanted = recipe.training.max_length
    context = describe(
        sources.base_dir, task=recipe.task, trust_remote_code=recipe.trust_remote_code
    ).context_length
    if context is None or wanted <= context:
        return wanted
    log(f"max_length {wanted} is more than {sources.base.base} can read: {context} is used")
    return context


def prepared_pins(project: Project, sources: Sources) -> dict[str, PreparedPin]:
    """Returns the digests of preprocessing and tokenisation, set by set (B1)."""
    return pins_of(sources, encoded(sources, log=project.display.say))


def pins_of(sources: Sources, examples: dict[str, list[Example]]) -> dict[str, PreparedPin]:
    """Returns the digests of sets that are encoded already."""
    from adapterctl.training.rows.text import encoded_digest

    return {
        name: PreparedPin(
            rows=len(rows),
            rows_sha256=rows_digest(rows),
            encoded_sha256=encoded_digest(examples[name]),
        )
        for name, rows in sources.rows.items()
    }
