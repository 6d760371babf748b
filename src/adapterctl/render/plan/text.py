"""A rebuild plan for the person on duty: what blocks, what changes, what stays, what next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adapterctl.render.plan.words import count, duration
from adapterctl.render.table import WIDTH, cut, day, paint, pairs, slack, table, wrapped
from adapterctl.rules.mapping.targets import Blocker, Group, RoleMatch
from adapterctl.rules.planning.conversations import Conversations
from adapterctl.rules.planning.differences import Change
from adapterctl.rules.planning.estimates import LearningRate, TextLengths
from adapterctl.rules.planning.plans import RebuildPlan
from adapterctl.rules.planning.runways import Runway
from adapterctl.rules.planning.trainer_plans import TrainerPlan

_SHOWN = 6
"""As many differences of an environment are named."""

_LINES = 20
"""As many lines of a difference are shown."""

_ROLE_TITLES = ("ROLE", "OLD MODULES", "NEW MODULES", "OLD SHAPE", "NEW SHAPE")


def as_text(plan: RebuildPlan, *, colour: bool = False) -> str:
    """Returns one plan, to be read from top to bottom in a minute."""
    name = f"{plan.adapter}@{plan.from_version}"
    lines = [
        paint(f"{name}: {plan.old_base} -> {plan.new_base}", "heading", colour=colour),
        *pairs(_summary(plan)),
        *section("Blocked by", in_the_way(plan.blockers), colour=colour),
        *section("What changes", pairs(_changes(plan)), colour=colour),
        *section("Chat template", _chat(plan.conversations), colour=colour),
        *section("LoRA by role", _roles(plan.role_map.matches), colour=colour),
        *section("Environment", pairs(_environment(plan)), colour=colour),
        *section("Trainer", pairs(_trainer(plan.trainer)), colour=colour),
        *section("Ladder", pairs(_ladder(plan)), colour=colour),
        *section("To know", _bullets(_notes(plan)), colour=colour),
        *section("What stays", pairs(_pinned(plan)), colour=colour),
        "",
        *_next(plan, name),
    ]
    return "\n".join(lines)


def section(title: str, lines: list[str], *, colour: bool) -> list[str]:
    """Returns lines under a title; nothing where there are none."""
    return ["", paint(title, "heading", colour=colour), *lines] if lines else []


def _summary(plan: RebuildPlan) -> Iterator[tuple[str, str]]:
    held = f"no, {count(len(plan.blockers), 'thing')} in the way"
    yield "can run", "yes" if plan.can_run else held
    by = f"{day(plan.rebuild_by)}, slack {slack(plan.slack_days)}"
    yield "rebuild by", by if plan.rebuild_by else "no firm date known"
    yield "successor", _runway(plan.successor)
    yield "licence", _licence(plan)
    rate = plan.learning_rate
    change = f"{rate.new:g}" if rate.new == rate.old else f"{rate.old:g} -> {rate.new:g}"
    yield "learning rate", f"{change}, {_basis(rate)}"
    yield "texts", _texts(plan)
    yield "context", _context(plan.lengths)
    if plan.cost is not None:
        work = f"{plan.cost.rows:,} rows, {plan.cost.tokens:,} tokens, {plan.cost.flops:.1e} FLOPs"
        known = plan.cost.seconds is not None
        yield "training", f"about {duration(plan.cost.seconds)}: {work}" if known else work


def _basis(rate: LearningRate) -> str:
    return "uncalibrated: sweep" if rate.basis == "uncalibrated" else rate.basis


def _licence(plan: RebuildPlan) -> str:
    old, new = plan.old_licence or "not stated", plan.licence or "not stated"
    return f"{new} (both)" if old == new else f"{old} -> {new}"


def _context(lengths: TextLengths | None) -> str:
    if lengths is None or lengths.context is None:
        return ""
    longer = f"{lengths.beyond:,} of {lengths.rows:,} rows are longer"
    return f"{lengths.context:,} tokens, {longer if lengths.beyond else 'no row is longer'}"


def _runway(runway: Runway) -> str:
    if runway.ends is not None:
        return f"{runway.phase} until {runway.ends}, in {runway.days} d"
    if runway.not_before is not None:
        return f"not before {runway.not_before}, no end promised"
    return "nothing known of its end"


def _texts(plan: RebuildPlan) -> str:
    lengths = plan.lengths
    if lengths is None:
        return "not readable here"
    before = f" (was {plan.old_lengths.longest:,})" if plan.old_lengths else ""
    cut = f"{lengths.cut:,} of {lengths.rows:,} rows cut" if lengths.cut else "no row cut"
    return f"longest {lengths.longest:,} tokens{before}, limit {lengths.limit:,}, {cut}"


def in_the_way(blockers: Sequence[Blocker]) -> list[str]:
    """Returns what blocks, numbered, each with its mend."""
    lines: list[str] = []
    for number, blocker in enumerate(blockers, start=1):
        first, *rest = wrapped(blocker.what, indent="     ")
        lines += [f"  {number}. {first.lstrip()}", *rest]
        lines += wrapped(f"> {blocker.mend}", indent="     ")
    return lines


def _changes(plan: RebuildPlan) -> Iterator[tuple[str, str]]:
    special = [change for change in plan.changes if _is_special(change)]
    for change in plan.changes:
        if not _is_special(change):
            yield change.what, f"{change.old} -> {change.new}"
    yield "special tokens", ", ".join(f"{_token(one)} {one.old} -> {one.new}" for one in special)
    told = ("base", "training.learning_rate", "role_map", "trainer")
    for path, (old, new) in plan.changes_in_recipe.items():
        if path not in told:
            yield path, f"{_value(old)} -> {_value(new)}"


def _is_special(change: Change) -> bool:
    return "_token" in change.what


def _token(change: Change) -> str:
    return change.what.replace("_token", "")


def _value(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)


def _roles(matches: Sequence[RoleMatch]) -> list[str]:
    old = [group.pattern for match in matches for group in match.old]
    new = [group.pattern for match in matches for group in match.new]
    rows = [
        (
            match.role,
            _modules(match.old, old) or "-",
            _modules(match.new, new) or _without(match.how),
            _widths(match.old),
            _widths(match.new),
        )
        for match in matches
    ]
    return table(_ROLE_TITLES, rows) if rows else []


def _without(how: str) -> str:
    return "-" if how == "all-linear" else how


def _modules(groups: Sequence[Group], patterns: Sequence[str]) -> str:
    named = [(group.count, _ending(group.pattern, patterns)) for group in groups]
    counts = {count for count, _ in named}
    if len(counts) == 1:
        return f"{counts.pop()} x {', '.join(name for _, name in named)}"
    return ", ".join(f"{count} x {name}" for count, name in named)


def _ending(pattern: str, patterns: Sequence[str]) -> str:
    """Returns as many last parts of a pattern as tell it from the others."""
    parts = pattern.rsplit("*.", 1)[-1].split(".")
    others = [other for other in patterns if other != pattern]
    endings = (".".join(parts[-length:]) for length in range(1, len(parts)))
    alone = (one for one in endings if not any(o.endswith(f".{one}") for o in others))
    return next(alone, ".".join(parts))


def _widths(groups: Sequence[Group]) -> str:
    known = [f"{g.features_in}x{g.features_out}" for g in groups if g.features_in is not None]
    return ", ".join(dict.fromkeys(known)) or "-"


def _chat(talks: Conversations | None) -> list[str]:
    if talks is None:
        return []
    if not talks.differing:
        return [f"  {count(talks.rows, 'probe row')} of the training set, all rendered alike"]
    lines = [f"  {talks.differing} of {count(talks.rows, 'probe row')} are rendered otherwise"]
    if not talks.frame:
        return [
            *lines,
            "  the data are sensitive: no text is shown",
            f"  sha256 {talks.old_sha256[:12]} -> {talks.new_sha256[:12]}",
        ]
    for title, diff in (("without contents", talks.frame), *_shown_rows(talks)):
        lines += [f"  {title}", *(cut(f"    {line}", WIDTH) for line in diff[:_LINES])]
        more = len(diff) - _LINES
        lines += [f"    ... {count(more, 'line')} more in --format json"] if more > 0 else []
    return lines


def _shown_rows(talks: Conversations) -> Iterator[tuple[str, list[str]]]:
    for one in talks.shown:
        yield f"row {one.row}", one.diff


def _environment(plan: RebuildPlan) -> Iterator[tuple[str, str]]:
    found = plan.environment
    for line in found.differs[:_SHOWN]:
        yield "differs", line
    more = len(found.differs) - _SHOWN
    yield "", f"and {count(more, 'thing')} more that can change results" if more > 0 else ""
    if found.differs and found.beside:
        yield "beside", f"{count(found.beside, 'thing')} that cannot change results"
    for number, line in enumerate(found.first):
        yield ("then" if number else "first"), line


def _trainer(trainer: TrainerPlan | None) -> Iterator[tuple[str, str]]:
    if trainer is None:
        return
    yield "command", trainer.command
    yield "config", trainer.config or ""
    for key, value in trainer.set.items():
        yield f"  {key}", _value(value)
    for rung in trainer.cannot:
        yield "cannot", f"{rung.rung}: {rung.why}"


def _ladder(plan: RebuildPlan) -> Iterator[tuple[str, str]]:
    by_command = {one.rung for one in plan.trainer.cannot} if plan.trainer else set()
    for rung in plan.ladder.rungs:
        yield rung.rung, f"about {duration(rung.seconds)}" if rung.seconds else "can be climbed"
    for out in plan.ladder.cannot:
        if out.rung not in by_command:
            yield out.rung, f"no: {out.why}"


def _pinned(plan: RebuildPlan) -> Iterator[tuple[str, str]]:
    yield "rank, alpha", f"{plan.rank}, {plan.alpha:g}"
    for name, value in plan.carried.items():
        yield name, _value(value)
    for pin in plan.pinned:
        kind, _, digest = pin.digest.partition(":")
        yield pin.what, f"{kind}:{digest[:12]}" if digest else kind


def _notes(plan: RebuildPlan) -> list[str]:
    sources = [f"learning rate: {plan.learning_rate.source}"]
    if plan.cost is not None:
        sources.append(f"training time: {plan.cost.source}")
    return [*plan.notes, *sources]


def _bullets(notes: Sequence[str]) -> list[str]:
    lines: list[str] = []
    for note in notes:
        first, *rest = wrapped(note, indent="    ")
        lines += [f"  - {first.lstrip()}", *rest]
    return lines


def _next(plan: RebuildPlan, name: str) -> list[str]:
    again = f"adapterctl plan {name} --to {plan.new_base}"
    if not plan.can_run:
        return wrapped(f"Next: clear what blocks it, then {again}")
    return [f"Next: adapterctl rebuild {name} --to {plan.new_base}"]
