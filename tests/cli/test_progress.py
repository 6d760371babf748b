"""Progress on stderr where there is no terminal: few lines, and the last one always."""

import pytest

from adapterctl.cli import progress
from adapterctl.cli.progress import Display


def test_a_note_that_changes_makes_no_line_of_its_own(monkeypatch, capsys):
    clock = iter(range(1000))
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(clock)))
    display = Display()
    for step in range(1, 13):
        display.progress("training router", step, 12, note=f"loss {1 / step:.3f}")
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "training router, loss 0.167: 6 of 12",
        "training router, loss 0.091: 11 of 12",
        "training router, loss 0.083: 12 of 12",
    ]


@pytest.mark.parametrize("total", [0, 3])
def test_the_end_is_always_said(capsys, total):
    Display().progress("hashing files", total, total)
    assert capsys.readouterr().err == f"hashing files: {total} of {total}\n"
