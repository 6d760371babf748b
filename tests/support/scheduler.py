"""A scheduler with one node: ``sbatch --wait`` puts a job into its queue and waits for the end.

The node is a thread of the test, so that torch need not be imported again for each job.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path

from adapterctl.jobs.executors.command import ByCommand
from adapterctl.jobs.executors.job_run import run_jobs
from support.builds import surroundings
from support.places import Node, Preempted

_SBATCH = """#!/bin/sh
# sbatch --wait JOB/run.sh
dirname "$2" > "{queue}/$$.new" && mv "{queue}/$$.new" "{queue}/$$.job"
while [ ! -f "{queue}/$$.status" ]; do sleep 0.05; done
exit "$(cat "{queue}/$$.status")"
"""


class Scheduler:
    """Runs what is in its queue; ``preempt`` says at which step the next jobs lose their node.

    ``handed`` lists the jobs that were handed in, by the name of the build's folder; ``began`` at
    which step each began.
    """

    def __init__(self, queue: Path, preempt: list[int]) -> None:
        queue.mkdir(parents=True)
        self.queue, self.preempt = queue, preempt
        self.handed: list[str] = []
        self.began: list[int] = []
        self.sbatch = queue / "sbatch"
        self.sbatch.write_text(_SBATCH.format(queue=queue))
        self.sbatch.chmod(0o755)
        self._open = True
        self._thread = threading.Thread(target=self._work)

    @property
    def template(self) -> str:
        return f"'{self.sbatch}' --wait {{job}}/run.sh"

    def executor(self, *, tries: int = 2) -> ByCommand:
        return ByCommand(self.template, at_once=2, tries=tries)

    def __enter__(self) -> Scheduler:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._open = False
        self._thread.join()

    def _work(self) -> None:
        while self._open:
            for order in sorted(self.queue.glob("*.job")):
                job = Path(order.read_text().strip())
                order.unlink()
                self.handed.append(job.parent.name)
                status = self._run(job)
                new = order.with_suffix(".end")
                new.write_text(str(status))
                new.replace(order.with_suffix(".status"))
            time.sleep(0.02)

    def _run(self, job: Path) -> int:
        node = Node(self.preempt.pop(0) if self.preempt else None, began=self.began.append)
        try:
            [stopped] = run_jobs([job], surroundings(job, node))
        except Preempted:
            return 137
        return stopped.exit_status if stopped else 0
