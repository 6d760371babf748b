"""The files in examples/ are valid, and their own commands are run, night after night."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from adapterctl.records.recipe import Owners
from support import formats
from support.hooks import Hook, hook
from support.registries import SmallRegistry, in_days

EXAMPLES = Path(__file__).parents[2] / "examples"
GITHUB = EXAMPLES / "github-actions" / "adapter-audit.yml"
GITLAB = EXAMPLES / "gitlab-ci" / "adapter-audit.gitlab-ci.yml"
KUBERNETES = EXAMPLES / "kubernetes" / "adapter-audit.yaml"
SERVICE = EXAMPLES / "systemd" / "adapter-audit.service"
TIMER = EXAMPLES / "systemd" / "adapter-audit.timer"
CRON = EXAMPLES / "cron" / "adapter-audit"

LAST = Path(".adapterctl/last-audit.json")

# What stands between an example and the program: the day, and no question to the world.
SHIM = """#!/bin/sh
[ "$1" != audit ] || set -- "$@" --offline --as-of "$DAY"
exec "{python}" -m adapterctl "$@"
"""


def parsed(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path)


@dataclass(frozen=True)
class World:
    """A repository with a registry, its clone, and a PATH with nothing real to install."""

    made: SmallRegistry
    origin: Path
    clone: Path
    path: str

    def commit(self) -> None:
        """Publishes what the registry holds."""
        git(self.made.root, "add", "-A")
        git(self.made.root, "commit", "-qm", "more")
        git(self.made.root, "push", "-q", "origin", "HEAD")

    def dies(self) -> None:
        """Lets another base announce its end."""
        self.made.date("minilm-l12", in_days(20))
        self.commit()

    def run(self, words: list[str], *, day: str, cwd: Path | None = None, **more: str):
        """Runs a command of an example; PATH, HOME and what is given is all it knows."""
        env = {
            "PATH": self.path, "HOME": str(self.clone.parent), "DAY": day,
            **{key: value for key, value in os.environ.items() if key.startswith("GIT_")}, **more,
        }  # fmt: skip
        return subprocess.run(words, cwd=cwd, env=env, capture_output=True, text=True, check=False)


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True)


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = SmallRegistry(tmp_path / "made")
    for name in ("minilm-l6", "minilm-l12"):
        made.base(name)
    made.adapter("router")
    made.adapter("reader", base="minilm-l12", owners=Owners(team="support-ml"))
    made.date("minilm-l6", in_days(43))
    made.waive("OWN001", "adapter:reader", until="2026-12-31")
    (made.root / ".gitignore").write_text(".adapterctl/\n")
    origin = tmp_path / "origin.git"
    git(tmp_path, "init", "-q", "--bare", "-b", "main", str(origin))
    git(made.root, "init", "-q", "-b", "main")
    git(made.root, "remote", "add", "origin", str(origin))
    found = World(made, origin, tmp_path / "clone", _shims(tmp_path / "bin"))
    found.commit()
    git(tmp_path, "clone", "-q", str(origin), str(found.clone))
    return found


def _shims(folder: Path) -> str:
    folder.mkdir()
    for name, text in {
        "adapterctl": SHIM.format(python=sys.executable),
        "python": f'#!/bin/sh\nexec "{sys.executable}" "$@"\n',
        "pip": '#!/bin/sh\necho "$@" >> "$HOME/installed"\n',
    }.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return f"{folder}:/usr/bin:/bin"


@pytest.fixture
def told() -> Iterator[Hook]:
    with hook() as there:
        yield there


def three_nights(world: World, night: Callable[[str], subprocess.CompletedProcess[str]]) -> None:
    """The first is green, the second red for what is new, the third green again."""
    for day, status in (("2026-11-20", 0), ("2026-11-21", 1), ("2026-11-22", 0)):
        done = night(day)
        assert done.returncode == status, (day, done.stdout, done.stderr)
        assert json.loads((world.clone / LAST).read_text())["as_of"] == day
        if status == 0:
            world.dies()
            git(world.clone, "pull", "-q")


def broken(world: World) -> None:
    """Leaves no answer: a policy that cannot be read."""
    (world.clone / "params.yaml").write_text("horizn_days: 3\n")


# GitHub Actions


def steps() -> list[dict[str, Any]]:
    return parsed(GITHUB)["jobs"]["audit"]["steps"]


def github_night(world: World, day: str) -> subprocess.CompletedProcess[str]:
    """Runs the steps' own commands as GitHub does."""
    summary = world.clone.parent / "summary.md"
    summary.write_text("")
    for step in steps():
        if "run" in step:
            shell = ["bash", "-e", "-c", step["run"]]
            given = {"GITHUB_STEP_SUMMARY": str(summary), **step.get("env", {})}
            done = world.run(shell, day=day, cwd=world.clone, **given)
    return done


def test_the_workflow_is_red_only_for_what_is_new(world: World) -> None:
    three_nights(world, lambda day: github_night(world, day))
    assert (world.clone.parent / "installed").read_text() == "install adapterctl\n" * 3
    everything = formats.sarif_run((world.clone / "all.sarif").read_text())["results"]
    shown = formats.sarif_run((world.clone / "audit.sarif").read_text())["results"]
    assert shown == [one for one in everything if not one["suppressions"]] != everything
    rows = formats.markdown_rows((world.clone.parent / "summary.md").read_text())
    assert {row[6] for row in rows} == {"-"}


def test_a_night_without_an_answer_is_red_and_not_remembered_by_the_workflow(world: World) -> None:
    assert github_night(world, "2026-11-20").returncode == 0
    broken(world)
    assert github_night(world, "2026-11-21").returncode != 0
    assert json.loads((world.clone / LAST).read_text())["as_of"] == "2026-11-20"


def test_the_workflow_uploads_what_it_wrote_and_may_do_so() -> None:
    workflow = parsed(GITHUB)
    assert workflow["permissions"] == {"contents": "read", "security-events": "write"}
    used = {step["uses"].partition("@")[0]: step for step in steps() if "uses" in step}
    assert used["github/codeql-action/upload-sarif"]["with"]["sarif_file"] == "audit.sarif"
    kept = [used[f"actions/cache/{verb}"]["with"]["path"] for verb in ("restore", "save")]
    assert kept == [str(LAST), str(LAST)]
    assert used["actions/cache/save"]["if"] == "always()"


# GitLab CI


def gitlab_night(world: World, day: str) -> subprocess.CompletedProcess[str]:
    """Runs the job's script as GitLab's shell does: line by line, until one fails."""
    script = "\n".join(parsed(GITLAB)["adapter-audit"]["script"])
    return world.run(["bash", "-eo", "pipefail", "-c", script], day=day, cwd=world.clone)


def test_the_job_is_red_only_for_what_is_new(world: World) -> None:
    three_nights(world, lambda day: gitlab_night(world, day))
    job = parsed(GITLAB)["adapter-audit"]
    assert job["cache"]["paths"] == [str(LAST)]
    cases = formats.junit_cases((world.clone / job["artifacts"]["reports"]["junit"]).read_text())
    assert {"adapter:router@1", "adapter:reader@1"} <= cases.keys()


# cron, systemd, Kubernetes: the same script


def local(world: World, words: str) -> str:
    """Returns a command with this machine's places for the example's."""
    places = {
        r"/(opt/adapterctl|scripts)/nightly\.sh": str(EXAMPLES / "nightly.sh"),
        r"/(var/lib/adapterctl|state)/registry": str(world.clone),
        r"/var/lib/node_exporter": str(world.clone.parent),
    }
    for pattern, place in places.items():
        words = re.sub(pattern, place, words)
    return words


def unit(path: Path) -> dict[str, list[str]]:
    """Returns a unit's settings."""
    found: dict[str, list[str]] = {}
    for line in path.read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def test_the_service_is_red_only_for_what_is_new_and_tells_people(world: World, told: Hook) -> None:
    (command,) = unit(SERVICE)["ExecStart"]
    words = local(world, command).split()
    url = told.url("team")
    three_nights(world, lambda day: world.run(words, day=day, ADAPTERCTL_NOTIFY=url))
    assert [title for _, title, _ in told.told] == [
        "adapterctl audit: 2 new", "adapterctl audit: 1 new",
    ]  # fmt: skip


def test_a_night_on_which_nobody_could_be_told_is_not_remembered(world: World, told: Hook) -> None:
    (command,) = unit(SERVICE)["ExecStart"]
    told.refuses["team"] = 503
    words, url = local(world, command).split(), told.url("team")
    assert world.run(words, day="2026-11-20", ADAPTERCTL_NOTIFY=url).returncode == 3
    assert not (world.clone / LAST).exists()


def test_the_job_of_kubernetes_clones_what_is_not_there_yet(world: World) -> None:
    claim, job = YAML(typ="safe", pure=True).load_all(KUBERNETES)
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    shutil.rmtree(world.clone)
    given = {one["name"]: one.get("value") for one in container["env"]}
    assert given.keys() == {"HOME", "ADAPTERCTL_REPOSITORY", "ADAPTERCTL_NOTIFY"}
    words = [local(world, word) for word in container["command"]]
    done = world.run(words, day="2026-11-20", ADAPTERCTL_REPOSITORY=str(world.origin))
    assert (done.returncode, done.stderr) == (0, "")
    assert (world.clone / LAST).is_file()

    mounted = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert mounted == {"state": given["HOME"], "scripts": "/scripts"}
    assert volumes["state"]["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    assert pod["restartPolicy"] == "Never" and job["spec"]["concurrencyPolicy"] == "Forbid"


def test_the_lines_of_cron_are_run(world: World) -> None:
    lines = [line.split(None, 6) for line in CRON.read_text().splitlines() if line[:1].isdigit()]
    assert [line[5] for line in lines] == ["adapterctl", "adapterctl"]
    assert all(re.fullmatch(r"[\d*]+", part) for line in lines for part in line[:5])
    nightly, collector = (local(world, line[6]) for line in lines)
    assert "%" not in nightly + collector  # cron would make a line feed of it
    assert world.run(["sh", "-c", nightly], day="2026-11-20").returncode == 0
    assert world.run(["sh", "-c", collector], day="2026-11-20").returncode == 0
    text = (world.clone.parent / "adapterctl.prom").read_text()
    assert formats.samples(text, "adapterctl_audit_versions") == [({}, 2.0)]


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze: apt-get install systemd")
    script = EXAMPLES / "nightly.sh"
    service = SERVICE.read_text().replace("/opt/adapterctl/nightly.sh", str(script))
    (tmp_path / SERVICE.name).write_text(service)
    shutil.copy(TIMER, tmp_path)
    units = [str(tmp_path / path.name) for path in (SERVICE, TIMER)]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert SERVICE.stem == TIMER.stem and unit(TIMER)["Persistent"] == ["true"]


@pytest.mark.parametrize(
    ("path", "schema"), [(GITHUB, "github-workflows.json"), (GITLAB, "gitlab-ci.json")]
)
def test_the_files_fit_the_schemas_of_their_services(path: Path, schema: str) -> None:
    package = importlib.util.find_spec("check_jsonschema")
    if package is None or not package.submodule_search_locations:
        pytest.skip("no schemas: pip install --no-deps check-jsonschema")
    place = Path(package.submodule_search_locations[0]) / "builtin_schemas" / "vendor" / schema
    jsonschema.Draft7Validator(json.loads(place.read_text())).validate(parsed(path))


def test_the_list_of_examples_names_every_file() -> None:
    listed = (EXAMPLES / "README.md").read_text()
    files = [p.relative_to(EXAMPLES).as_posix() for p in EXAMPLES.rglob("*") if p.is_file()]
    assert [name for name in files if f"`{name}`" not in listed] == ["README.md"]
