"""What a plan says, section by section, for every form that people read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adapterctl.render.plan.words import count, duration, money, size
from adapterctl.render.table import day, slack
from adapterctl.rules.mapping.targets import Group, RoleMatch
from adapterctl.rules.planning.differences import Change
from adapterctl.rules.planning.estimates import LearningRate, TextLengths
from adapterctl.rules.planning.memory import Memory
from adapterctl.rules.planning.plans import RebuildPlan
from adapterctl.rules.planning.runways import Runway
from adapterctl.rules.planning.trainer_plans import TrainerPlan

_SHOWN = 6
"""As many differences of an environment are named."""

ROLE_TITLES = ("ROLE", "OLD MODULES", "NEW MODULES", "OLD SHAPE", "NEW SHAPE")


def summary(plan: RebuildPlan) -> Iterator[tuple[str, str]]:
    """Yields what to know at a glance."""
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
    if plan.price is not None:
        first, most = (money(each, plan.price) for each in (plan.price.first, plan.price.most))
        yield "price", f"{first}, and {most} if every rung is climbed"
    yield "memory", _memory(plan.memory)


def _memory(found: Memory | None) -> str:
    if found is None:
        return ""
    parts = {
        "weights": found.weights,
        "adapter": found.adapter,
        "gradients": found.gradients,
        "optimizer": found.optimizer,
        "activations": found.activations,
    }
    named = [f"{name} {size(each)}" for name, each in parts.items() if each is not None]
    about = "about" if found.activations is not None else "at least"
    return f"{about} {size(found.total)}: {', '.join(named)}"


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


def changes(plan: RebuildPlan) -> Iterator[tuple[str, str]]:
    """Yields what will be different, special tokens on one line."""
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


def environment(plan: RebuildPlan) -> Iterator[tuple[str, str]]:
    """Yields how the environment differs, and the way in two steps."""
    found = plan.environment
    for line in found.differs[:_SHOWN]:
        yield "differs", line
    more = len(found.differs) - _SHOWN
    yield "", f"and {count(more, 'thing')} more that can change results" if more > 0 else ""
    if found.differs and found.beside:
        yield "beside", f"{count(found.beside, 'thing')} that cannot change results"
    for number, line in enumerate(found.first):
        yield ("then" if number else "first"), line


def trainer(trainer: TrainerPlan | None) -> Iterator[tuple[str, str]]:
    """Yields how a trainer command would run."""
    if trainer is None:
        return
    yield "command", trainer.command
    yield "config", trainer.config or ""
    for key, value in trainer.set.items():
        yield f"  {key}", _value(value)
    for rung in trainer.cannot:
        yield "cannot", f"{rung.rung}: {rung.why}"


def ladder(plan: RebuildPlan) -> Iterator[tuple[str, str]]:
    """Yields the rungs, and why some cannot be climbed."""
    by_command = {one.rung for one in plan.trainer.cannot} if plan.trainer else set()
    for rung in plan.ladder.rungs:
        yield rung.rung, f"about {duration(rung.seconds)}" if rung.seconds else "can be climbed"
    for out in plan.ladder.cannot:
        if out.rung not in by_command:
            yield out.rung, f"no: {out.why}"


def pinned(plan: RebuildPlan) -> Iterator[tuple[str, str]]:
    """Yields what stays, by its digests."""
    yield "rank, alpha", f"{plan.rank}, {plan.alpha:g}"
    for name, value in plan.carried.items():
        yield name, _value(value)
    for pin in plan.pinned:
        kind, _, digest = pin.digest.partition(":")
        yield pin.what, f"{kind}:{digest[:12]}" if digest else kind


def notes(plan: RebuildPlan) -> list[str]:
    """Returns what should be known, and where figures come from."""
    sources = [f"learning rate: {plan.learning_rate.source}"]
    if plan.cost is not None:
        sources.append(f"training time: {plan.cost.source}")
    if plan.memory is not None:
        sources.append(f"memory: {plan.memory.source}")
    return [*plan.notes, *sources]


def roles(matches: Sequence[RoleMatch]) -> list[tuple[str, ...]]:
    """Returns a line per role: its name, modules and shapes on both sides."""
    old = [group.pattern for match in matches for group in match.old]
    new = [group.pattern for match in matches for group in match.new]
    return [
        (
            match.role,
            _modules(match.old, old) or "-",
            _modules(match.new, new) or _without(match.how),
            _widths(match.old),
            _widths(match.new),
        )
        for match in matches
    ]


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
