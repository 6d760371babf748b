"""A fleet on a terminal of some width, and in plain lines without one."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from adapterctl.cli import progress
from adapterctl.cli.board import Board, Lane, duration
from adapterctl.cli.progress import Display


def board(width: int, seconds: list[float]) -> tuple[Board, io.StringIO]:
    file = io.StringIO()
    console = Console(file=file, width=width, force_terminal=True, color_system=None)
    return Board(["router@1", "answers@3"], console=console, clock=lambda: seconds[0]), file


def drawn(width: int) -> list[str]:
    seconds = [0.0]
    made, file = board(width, seconds)
    for step in range(1, 4):
        seconds[0] = 10.0 * step
        made.step("router@1", step, 12, loss=1 / step, speed=1234.5)
    made.at("answers@3", "old answers@3 on gold", done=30, total=60)
    console = made._console
    console.print(made.table())
    return [line.rstrip() for line in file.getvalue().splitlines()]


def test_a_wide_terminal_shows_stage_bar_loss_pace_and_time_left() -> None:
    head, router, answers = drawn(120)
    assert head.split() == ["ADAPTER", "STAGE", "DONE", "LOSS", "TOKENS/S", "LEFT"]
    assert router.split() == ["router@1", "training", "━━━━━", "25%", "0.333", "1,234", "90", "s"]
    assert answers.split() == ["answers@3", "old", "answers@3", "on", "gold", "━━━━━━━━━━", "50%"]


def test_a_narrower_one_leaves_out_the_bar_and_then_the_pace() -> None:
    head, router, _ = drawn(80)
    assert head.split() == ["ADAPTER", "STAGE", "DONE", "LOSS", "TOKENS/S", "LEFT"]
    assert router.split() == ["router@1", "training", "25%", "0.333", "1,234", "90", "s"]
    head, router, answers = drawn(50)
    assert head.split() == ["ADAPTER", "STAGE", "DONE", "LOSS", "LEFT"]
    assert router.split() == ["router@1", "training", "25%", "0.333", "90", "s"]
    assert all(len(line) <= 50 for line in (head, router, answers))
    assert "…" in answers


def test_what_is_said_stands_above_the_lanes() -> None:
    made, file = board(80, [0.0])
    made.open()
    made.say("router@1: carried recipe: PASS")
    made.close()
    assert "router@1: carried recipe: PASS\n" in file.getvalue()


def test_a_trial_is_shown_on_the_line_of_its_adapter() -> None:
    made, _ = board(80, [0.0])
    made.step("router@1 at 0.02", 2, 8, loss=0.5, speed=10.0)
    lane = made.lanes["router@1"]
    assert (lane.stage, lane.done, lane.total) == ("training at 0.02", 2, 8)


def test_the_time_left_goes_by_the_pace_since_the_stage_began() -> None:
    lane = Lane()
    lane.at("training", 100, 200, now=50.0)  # resumed at its hundredth step
    assert lane.left(50.0) is None
    lane.at("training", 110, 200, now=60.0)
    assert lane.left(60.0) == 90.0
    lane.at("candidate on gold", 10, 20, now=61.0)
    assert lane.left(61.0) is None


@pytest.mark.parametrize(
    ("seconds", "said"), [(None, ""), (4.2, "4 s"), (300.0, "5 min"), (7200.0, "2.0 h")]
)
def test_a_duration_is_said_in_its_own_unit(seconds: float | None, said: str) -> None:
    assert duration(seconds) == said


def test_without_a_terminal_lines_name_the_adapter_its_loss_its_pace_and_the_time_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter(range(1000))
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(clock)))
    display = Display()
    with display.fleet(["router@1", "answers@3"]):
        display.turn("router@1")
        display.say("carried recipe: PASS")
        for step in range(1, 5):
            display.step("answers@3", step, 4, loss=1 / step, speed=1500.0)
        display.ended("answers@3", "stopped: out of memory at step 4")
    display.say("done")
    assert capsys.readouterr().err.splitlines() == [
        "router@1: carried recipe: PASS",
        "training answers@3, loss 0.250, 1,500 tokens/s: 4 of 4",
        "answers@3: stopped: out of memory at step 4",
        "done",
    ]


def test_a_step_of_a_rebuild_by_itself_is_said_as_ever(capsys: pytest.CaptureFixture[str]) -> None:
    Display().step("router@1", 12, 12, loss=0.08333, speed=1500.0)
    assert capsys.readouterr().err == "training router@1, loss 0.083: 12 of 12\n"
