"""Jobs that go side by side: what is asked and built at once, and what stops one alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from adapterctl.errors import AdapterctlError
from adapterctl.jobs.building import Build, Outcome
from adapterctl.jobs.inputs.sources import Sources
from adapterctl.jobs.project import Quiet
from adapterctl.jobs.together import together
from adapterctl.jobs.wishes import Question, Steps, all_built, asked
from support.recipes import classifier


class Written:
    """An executor, and a door to bases, that write down what they are asked; nothing is built."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def build(self, builds: Sequence[Build]) -> list[Outcome]:
        self.lines.append("build " + ", ".join(build.name for build in builds))
        return [AdapterctlError(f"{build.name} is not built") for build in builds]

    def opened(self, question: Question, loaded: list[str]) -> str:
        name = question.sources.base_dir.name
        if not loaded:
            self.lines.append(f"load {name}")
            if name == "gone":
                raise AdapterctlError("the base is gone")
            loaded.append(name)
        return name


def sources(base: str, *, labels: int = 2) -> Sources:
    return Sources(
        recipe=classifier(),
        base=None,
        base_dir=Path(base),
        code=(),
        rows={},
        labels=tuple(map(str, range(labels))),
    )


def build(name: str) -> Build:
    return Build(name=name, place=None, sources=sources("new"), work=Path(name), device="cpu")


def run(written: Written, **jobs: Steps[str]) -> dict[str, str]:
    ends = together(jobs, written, display=Quiet(), told=str, opened=written.opened)
    return {name: str(end) for name, end in ends.items()}


def climb(name: str, *, old: str = "old", rungs: int = 1) -> Steps[str]:
    """A job in the form of a rebuild: the old side, and a build on each rung."""
    yield from asked(sources(old), lambda base: base, device="cpu")
    for _ in range(rungs):
        [outcome] = yield from all_built([build(name)])
        yield from asked(sources("new"), lambda base: base, device="cpu")
    return f"{name}: {outcome}"


def test_what_is_wished_by_several_is_built_at_once_and_a_base_is_loaded_once_for_all() -> None:
    written = Written()
    ends = run(written, a=climb("a"), b=climb("b"), c=climb("c"))
    assert written.lines == ["load old", "build a, b, c", "load new"]
    assert ends == {name: f"{name}: {name} is not built" for name in "abc"}


def test_who_is_done_earlier_waits_for_nobody_and_who_climbs_on_goes_on() -> None:
    written = Written()
    run(written, a=climb("a"), b=climb("b", rungs=2))
    assert written.lines == ["load old", "build a, b", "load new", "build b", "load new"]


def test_questions_come_before_builds_so_that_all_builds_meet() -> None:
    def straight(name: str) -> Steps[str]:
        yield from all_built([build(name)])
        return name

    written = Written()
    run(written, a=straight("a"), b=climb("b"))
    assert written.lines == ["load old", "build a, b", "load new"]


def test_while_builds_of_all_run_it_is_nobody_s_turn() -> None:
    class Turns(Quiet):
        def turn(self, name: str) -> None:
            written.lines.append(f"turn of {name or 'all'}")

    written = Written()
    jobs = {name: climb(name) for name in "ab"}
    together(jobs, written, display=Turns(), told=str, opened=written.opened)
    built = written.lines.index("build a, b")
    assert written.lines[built - 1 : built + 2] == ["turn of all", "build a, b", "turn of a"]


def test_other_labels_are_answered_beside_what_is_loaded() -> None:
    def ask(labels: int) -> Steps[str]:
        return (yield from asked(sources("new", labels=labels), lambda base: base, device="cpu"))

    written = Written()
    assert run(written, a=ask(2), b=ask(3), c=ask(2)) == {"a": "new", "b": "new", "c": "new"}
    assert written.lines == ["load new"]


def test_an_error_is_thrown_into_its_own_job_which_may_know_what_to_do() -> None:
    def robust() -> Steps[str]:
        try:
            yield from asked(sources("gone"), lambda base: base, device="cpu")
        except AdapterctlError:
            return (yield from asked(sources("new"), lambda base: base, device="cpu"))
        return "unreachable"

    def refused(base: str) -> str:
        raise AdapterctlError("no such question")

    def unlucky() -> Steps[str]:
        yield from asked(sources("new"), refused, device="cpu")
        return "unreachable"

    written = Written()
    ends = run(written, a=climb("a", old="gone"), b=robust(), c=unlucky(), d=climb("d"))
    assert ends == {
        "a": "the base is gone",
        "b": "new",
        "c": "no such question",
        "d": "d: d is not built",
    }


def test_who_runs_out_of_memory_is_stopped_alone() -> None:
    def too_large(base: str) -> str:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried too much")

    def greedy() -> Steps[str]:
        yield from asked(sources("new"), too_large, device="cpu")
        return "unreachable"

    assert run(Written(), a=greedy(), b=climb("b")) == {
        "a": "training.per_device_eval_batch_size: out of memory while it was asked\n  hint: lower "
        "it in the recipe; what is trained is kept: --resume goes on from there",
        "b": "b: b is not built",
    }


def test_what_is_not_foreseen_closes_every_job() -> None:
    closed = []

    def patient() -> Steps[str]:
        try:
            yield from all_built([build("patient")])
        finally:
            closed.append("patient")
        return "unreachable"

    def broken() -> Steps[str]:
        yield from asked(sources("new"), lambda base: base.no_such_thing, device="cpu")
        return "unreachable"

    written = Written()
    try:
        run(written, a=patient(), b=broken())
    except AttributeError:
        assert closed == ["patient"]
    else:
        raise AssertionError("a bug keeps its traceback")
