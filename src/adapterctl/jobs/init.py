"""A new project: registry/, params.yaml, dvc.yaml, DVC with a remote, git."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from adapterctl.errors import InvalidInput
from adapterctl.jobs.project import Project
from adapterctl.stores.files import create_exclusively

GITATTRIBUTES = """\
# A digest is taken over bytes: line endings must not change on the way.
registry/** text eol=lf
*.jsonl text eol=lf
# Ledgers are only added to, so that two branches merge to both their lines.
registry/**/*.jsonl merge=union
"""

GITIGNORE = """\
/.adapterctl/
# Bytes of registered versions live under DVC; the .dvc files beside the records point at them.
/registry/adapters/*/[0-9]*/
# What an interrupted command had begun to write.
.*.part
"""

PARAMS = """\
# Project policy, and the adapters that `dvc repro` builds.
schema_version: 1
horizon_days: 180        # how far ahead `adapterctl audit` looks
lead_time_days: 60       # calendar days that moving an adapter takes, until one was measured
remote: storage          # the DVC remote for data and artifacts
parity: {margin: 0.02, negative_flips: 0.05}   # for evaluation sets whose recipe sets none
adapters: []
"""

DVC_YAML = "stages: {}\n"

FILES = {
    ".gitattributes": GITATTRIBUTES,
    ".gitignore": GITIGNORE,
    "params.yaml": PARAMS,
    "dvc.yaml": DVC_YAML,
    "registry/people.yaml": "teams: {}\n",
    "registry/waivers.yaml": "waivers: []\n",
}


@dataclass(frozen=True, kw_only=True)
class Initialised:
    """What was made: files relative to the root, and the DVC remote's place."""

    root: Path
    written: tuple[str, ...]
    remote: str


def init(project: Project, *, remote: str | None) -> Initialised:
    """Makes the project at ``project.root``; what is there already stays as it is.

    Raises:
        InvalidInput: the folder is a project already.
    """
    root = project.root
    if (root / "registry").is_dir():
        raise InvalidInput.one(
            "this folder is a project already", place=str(root), hint="adapterctl list"
        )
    root.mkdir(parents=True, exist_ok=True)
    _git_init(project)
    place = remote or str(root.parent / f"{root.name}-storage")
    project.dvc.init(place if "://" in place else Path(place))
    written = [name for name, text in FILES.items() if _write(root / name, text)]
    for folder in ("bases", "lifecycle", "adapters"):
        (root / "registry" / folder).mkdir(parents=True, exist_ok=True)
        if _write(root / "registry" / folder / ".gitkeep", ""):
            written.append(f"registry/{folder}/.gitkeep")
    return Initialised(root=root, written=(*written, ".dvc/config"), remote=place)


def _write(path: Path, text: str) -> bool:
    """Writes a new file, or adds the missing lines to a list of patterns that exists."""
    if create_exclusively(path, text.encode()):
        return True
    if path.name not in {".gitattributes", ".gitignore"}:
        return False
    present = path.read_text()
    missing = [line for line in text.splitlines() if line not in present.splitlines()]
    if missing:
        path.write_text(present.rstrip("\n") + "\n" + "\n".join(missing) + "\n")
    return bool(missing)


def _git_init(project: Project) -> None:
    from adapterctl.stores.git import is_repository

    if is_repository(project.root):
        return
    try:
        subprocess.run(["git", "init", "-q", str(project.root)], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        project.display.say("git is not available: the registry will have no history")
