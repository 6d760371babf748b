"""Builds on a Ray cluster: adapters in groups, so that a worker loads its base once for all of its.

A worker that is lost is replaced, and goes on from the checkpoints in the folders of its jobs,
which every node must see.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from adapterctl.errors import AdapterctlError
from adapterctl.jobs.building import Build, Outcome
from adapterctl.jobs.executors.capsules import delivered, outcome
from adapterctl.jobs.executors.command import FOLDER
from adapterctl.jobs.executors.job_folder import lay_out
from adapterctl.jobs.executors.job_run import progress_of, run_jobs
from adapterctl.jobs.project import Project, require
from adapterctl.rules.fleets import spread
from adapterctl.stores.ray import RETRIES, Cluster

OnNode = Callable[[list[str], datetime], None]


class OnRay:
    """Spreads builds over the nodes of a cluster.

    Args:
        address: see `Cluster`; it is connected to for each round of builds.
        run: what a node does with the folders of a group, at a time; nodes must be able to import
            what it needs.
        retries: how often a group that is lost begins again.
    """

    def __init__(
        self, address: str | None, *, run: OnNode | None = None, retries: int = RETRIES
    ) -> None:
        require("ray", extra="ray", needed_for="--executor ray")
        self._address, self._run, self._retries = address, run or _on_a_node, retries

    def build(self, builds: Sequence[Build]) -> list[Outcome]:
        """Builds what is not delivered yet; returns the outcomes in the order of builds."""
        stopped: dict[str, AdapterctlError] = {}
        left: list[Build] = []
        for build in builds:
            try:
                folder = lay_out(build, build.work / FOLDER)
            except AdapterctlError as error:
                stopped[build.name] = error
                continue
            if delivered(folder) is None:
                left.append(build)
        refused = set(stopped)
        if left:
            stopped |= self._spread(left)
        return [
            stopped[build.name] if build.name in refused else _outcome(build, stopped)
            for build in builds
        ]

    def _spread(self, builds: Sequence[Build]) -> dict[str, AdapterctlError]:
        """Runs builds in groups; returns what the groups that were lost for good are told."""
        lost: dict[str, AdapterctlError] = {}
        with Cluster(self._address) as cluster:
            on_gpu = _wants_a_gpu(builds, cluster)
            needed = "GPU" if on_gpu else "CPU"
            workers = cluster.nodes(needed)
            if not workers:
                builds[0].place.display.say(f"no node has a {needed}: waiting for one that has")
            groups = spread([_base_of(build) for build in builds], workers=workers)
            calls = [_call([builds[number] for number in group]) for group in groups]
            ends = cluster.run(
                self._run,
                calls,
                gpus=int(on_gpu),
                retries=self._retries,
                meanwhile=partial(_show, builds),
            )
            for number, end in ends:
                if isinstance(end, AdapterctlError):
                    for build in (builds[one] for one in groups[number]):
                        lost[build.name] = _lost(build, end)
        return lost


def _on_a_node(folders: list[str], now: datetime) -> None:
    """Runs on a node: what stops a job is left in its folder."""
    places = [Path(folder) for folder in folders]
    run_jobs(places, Project(root=places[0], now=now))


def _call(builds: Sequence[Build]) -> tuple[list[str], datetime]:
    folders = [str((build.work / FOLDER).resolve()) for build in builds]
    return folders, builds[0].place.now


def _base_of(build: Build) -> str:
    sources = build.sources
    return f"{sources.base_dir} {sources.recipe.trust_remote_code}"


def _wants_a_gpu(builds: Sequence[Build], cluster: Cluster) -> bool:
    wanted = {build.device for build in builds}
    return "cuda" in wanted or ("auto" in wanted and cluster.nodes("GPU") > 0)


def _outcome(build: Build, lost: dict[str, AdapterctlError]) -> Outcome:
    nothing = AdapterctlError("nothing was delivered", place=build.name)
    return outcome(build, build.work / FOLDER, otherwise=lost.get(build.name, nothing))


def _lost(build: Build, error: AdapterctlError) -> AdapterctlError:
    [problem] = error.problems
    return AdapterctlError(problem.what, place=build.name, hint=problem.hint)


def _show(builds: Sequence[Build]) -> None:
    for build in builds:
        found = progress_of(build.work / FOLDER)
        if found is not None:
            build.place.display.step(
                build.name, found.step, found.steps, loss=found.loss, speed=found.speed
            )
