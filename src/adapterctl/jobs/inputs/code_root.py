"""Where the code of a recipe lies: in the project, or in another repository at one commit."""

from __future__ import annotations

import hashlib
from pathlib import Path

from adapterctl.jobs.project import Project
from adapterctl.records.recipe import Recipe


def code_root(project: Project, recipe: Recipe) -> Path:
    """Returns the folder that the paths of a recipe's code are relative to.

    Code of another repository is fetched once per commit. A project laid out from a record holds
    its code, wherever that came from.

    Raises:
        NotFound: the other repository has no such commit.
        Unreachable: it does not answer, or refuses.
    """
    if recipe.code is None or project.holds_code:
        return project.root
    from adapterctl.stores.git import checkout

    repo, commit = recipe.code.repo, recipe.code.commit
    name = hashlib.sha256(f"{repo}\n{commit}".encode()).hexdigest()[:16]
    folder = project.private / "cache" / "code" / name
    if not folder.is_dir():
        project.display.say(f"fetching commit {commit[:12]} of the recipe's code repository")
    checkout(repo, commit, into=folder, root=project.root)
    return folder
