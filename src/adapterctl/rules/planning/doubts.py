"""What stops a plan whatever is mapped, and what should be known before it runs."""

from __future__ import annotations

from collections.abc import Iterator

from adapterctl.rules.lifecycle.dates import is_over
from adapterctl.rules.mapping.targets import Blocker
from adapterctl.rules.planning.differences import notes_on_texts
from adapterctl.rules.planning.facts import Facts
from adapterctl.rules.planning.runways import instead, notes_on_runway
from adapterctl.rules.planning.surroundings import is_another
from adapterctl.rules.thresholds import note_on_thresholds
from adapterctl.rules.unpadded import note_on_padding


def dead_ends(facts: Facts) -> Iterator[Blocker]:
    """Yields what no mapping could mend: the successor itself will not do."""
    record, new = facts.record, facts.new_base
    if facts.stays and not is_another(record, facts.running):
        yield Blocker(
            what=f"the version already stands on {new.base}",
            mend=f"adapterctl reproduce {record.adapter}@{record.version} builds it again there",
        )
    if new.fingerprint is None:
        yield Blocker(
            what=f"base {new.base} has no fingerprint, so nobody could tell it from another",
            mend=f"adapterctl bases fingerprint {new.base}",
        )
    ends = facts.runway.ends
    if ends is not None and is_over(ends, facts.today):
        yield Blocker(
            what=f"the successor is past its own end: {ends.phase} ended on {ends.date}",
            mend=instead(record.adapter, facts.onward),
        )
    if facts.lengths is not None and facts.lengths.lost == facts.lengths.rows:
        yield Blocker(
            what=f"no training row keeps its answer within {facts.lengths.limit} tokens",
            mend="choose a successor with a longer context",
        )


def _on_licence(facts: Facts) -> Iterator[str]:
    base, licence = facts.new_base.base, facts.new_base.licence
    if licence is None:
        yield (
            f"no licence of {base} is stated: read it at its source, and write it down as licence "
            f"in registry/bases/{base}.yaml"
        )
    elif facts.old_licence not in (licence, None):
        yield f"the licence changes from {facts.old_licence} to {licence}: read what it allows"


def _on_tokens(facts: Facts) -> Iterator[str]:
    for token, rows in facts.lost_tokens.items():
        yield (
            f"{token} is one token on the old base and in pieces on the successor; training rows "
            f"that hold it: {rows:,}"
        )


def _on_thresholds(facts: Facts) -> Iterator[str]:
    record, new = facts.record, facts.new_base.base
    note = note_on_thresholds(record.recipe, old_base=record.base.base, new_base=new)
    if note and not facts.stays:
        yield note


def remarks(facts: Facts) -> Iterator[str]:
    """Yields what should be known and stops nothing."""
    if facts.lengths is not None:
        old = facts.old
        same = old is not None and old.chat_template == facts.new.chat_template
        yield from notes_on_texts(facts.lengths, facts.old_lengths, same_template=same)
    old_limit = facts.record.recipe.training.max_length
    if facts.new.context_length is not None and facts.new.context_length < old_limit:
        yield (
            f"max_length {old_limit} is more than the successor's context: "
            f"{facts.new.context_length} is used"
        )
    if facts.stays:
        yield ("the base stays: only the environment changes, and the verdict is about that alone")
    elif facts.new_base.fingerprint == facts.record.base.fingerprint:
        yield "both bases have the same fingerprint: they are the same weights under two names"
    yield from _on_tokens(facts)
    yield from _on_licence(facts)
    yield from _on_thresholds(facts)
    if facts.old is None and is_another(facts.record, facts.running):
        yield (
            "the environment differs from the recorded one and the old base is not here: a "
            "regression would have two possible causes"
        )
    padding = note_on_padding(facts.new.family)
    if padding and facts.command is None:
        yield padding
    base, onward = facts.new_base.base, facts.onward
    yield from notes_on_runway(facts.runway, facts.today, base=base, onward=onward)
