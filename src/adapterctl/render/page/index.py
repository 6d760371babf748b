"""The first page: what dies and who has to move, when bases end, every adapter, what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from adapterctl.render.audit.summary import closing, is_known, movers, opening
from adapterctl.render.audit.view import NO_OWNER, View
from adapterctl.render.page.axis import axis_of
from adapterctl.render.page.writing import filled
from adapterctl.rules.audit.overview import Overview, Task
from adapterctl.rules.findings import SEVERITIES, Severity
from adapterctl.rules.grades import Letter

GRADES: dict[Letter, str] = {
    "A": "rebuildable",
    "B": "rebuildable with gaps",
    "C": "weights only",
    "D": "cannot be loaded",
}

MOST_SUBJECTS = 6
"""So many subjects of a task are shown at once; more of them are folded away."""


def page(seen: Overview) -> str:
    """Returns ``index.html``."""
    dying, _ = opening(seen.audit)
    clocks = [clock for ends in seen.ends for clock in ends.clocks]
    grades = Counter(line.grade.letter for line in seen.lines)
    return filled(
        "index.html.jinja",
        root="",
        seen=seen,
        audit=seen.audit,
        dying=dying.rstrip("."),
        movers=movers([one for one in seen.audit.findings if is_known(one)]),
        closing=closing(seen.audit, View()),
        axis=axis_of(clocks, today=seen.audit.as_of, horizon=seen.until),
        severities=_counted(seen.tasks),
        grades=[(letter, words, grades[letter]) for letter, words in GRADES.items()],
        owners=sorted({owner for line in seen.lines for owner in line.standing.owners}),
        bases=sorted({ends.base for ends in seen.ends}),
        known={line.standing.name for line in seen.lines},
        of={line.standing.name: line for line in seen.lines},
        GRADES=GRADES,
        NO_OWNER=NO_OWNER,
        SEVERITIES=SEVERITIES,
        MOST_SUBJECTS=MOST_SUBJECTS,
    )


def _counted(tasks: Sequence[Task]) -> list[tuple[Severity, int]]:
    counts = Counter[Severity]()
    for task in tasks:
        counts[task.first.severity] += len(task.findings)
    return [(severity, counts[severity]) for severity in SEVERITIES if counts[severity]]
