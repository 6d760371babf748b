"""A file named by its content."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from adapterctl.render.answer import envelope
from adapterctl.render.table import pairs, unjudged, wrapped
from adapterctl.rules.findings import Skipped
from adapterctl.rules.weights import Contents, Name, Named


def as_json(named: Named, skipped: Sequence[Skipped], *, as_of: date) -> str:
    """Returns one result; ``names`` is empty when nothing here has these weights."""
    return envelope("whatis", as_of=as_of, results=[named], skipped=skipped)


def as_text(named: Named, skipped: Sequence[Skipped]) -> str:
    """Returns what the file is, and what it holds."""
    says = [line for name in named.names for line in _name(name)]
    lines = says or ["not known here: no registered version and no base has these weights"]
    facts = [("digest", named.weights_sha256), *_contents(named.contents)]
    skips = [(one.subject, one.reason, one.mend) for one in skipped]
    return "\n".join([*lines, *pairs(facts), *unjudged(skips)])


def _name(name: Name) -> Iterator[str]:
    held = f" ({', '.join(name.aliases)})" if name.aliases else ""
    part = "" if name.exact else ": a part of it, or its tensors under other names"
    yield f"{name.kind} {name.name}{held}{part}"
    if name.config_differs:
        text = (
            "its adapter_config.json is NOT the registered one: with these weights it would "
            f"compute something else; the registered folder: adapterctl pull {name.name} --out DIR"
        )
        yield from wrapped(text, indent="    ")


def _contents(found: Contents) -> Iterator[tuple[str, str]]:
    yield "kind", found.kind
    yield "rank", _counts(found.ranks)
    yield "targets", _counts(found.target_modules)
    yield "beside LoRA" if found.ranks else "modules", ", ".join(found.beside)
    yield "tensors", f"{found.tensors:,} ({_counts(found.dtypes)})"
    yield "parameters", f"{found.parameters:,}"


def _counts(words: Mapping[str, int]) -> str:
    if len(words) == 1:
        return next(iter(words))
    return ", ".join(f"{word} x {count:,}" for word, count in words.items())
