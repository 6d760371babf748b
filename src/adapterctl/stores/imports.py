"""The door to what a run imported: which files belong to the repository, and which to nobody.

A module is accounted for when it is a file of the repository, of an installed distribution, or of
the standard library. Everything else lives on this machine only.
"""

from __future__ import annotations

import ast
import importlib.metadata
import json
import re
import site
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from adapterctl.errors import InvalidInput

_MAGIC = re.compile(r"^(\s*)(?:[%!?].*|[\w.]+\?{1,2})$")

_SITE = {"site-packages", "dist-packages"}
_OTHERS = {".git", ".dvc", ".adapterctl", "__pycache__"}


class Foreign(NamedTuple):
    """A module that nothing pins: its top-level name, where it lies, and why that is no pin."""

    module: str
    file: str
    why: str


class Origins(NamedTuple):
    """Where a run's modules come from.

    Attributes:
        own: files of the repository, relative to its root, sorted.
        foreign: modules that neither the repository nor an installed distribution holds.
    """

    own: tuple[str, ...]
    foreign: tuple[Foreign, ...]


def origins(root: Path, modules: Mapping[str, Path]) -> Origins:
    """Sorts the modules of a run by where they come from.

    Args:
        root: the repository's folder.
        modules: module name to file, as `processes.trace_entry_point` saw them.
    """
    own, foreign = set(), {}
    for name, file in modules.items():
        top, place = name.partition(".")[0], file.resolve()
        if _SITE & set(place.parts):
            if site.ENABLE_USER_SITE and place.is_relative_to(site.getusersitepackages()):
                foreign[top] = Foreign(top, str(file), "in the user's own site-packages")
            elif top not in _distributions():
                foreign[top] = Foreign(top, str(file), "of no installed distribution")
        elif place.is_relative_to(root.resolve()):
            own.add(place.relative_to(root.resolve()).as_posix())
        elif not any(place.is_relative_to(folder) for folder in _standard_library()):
            foreign[top] = Foreign(top, str(file), _outside(top))
    return Origins(tuple(sorted(own)), tuple(foreign[top] for top in sorted(foreign)))


def read_beside(root: Path, opened: Iterable[Path]) -> list[str]:
    """Returns files of the repository that a run read without importing them: word lists, maps.

    Args:
        root: the repository's folder.
        opened: what it opened, as `processes.trace_entry_point` saw it.
    """
    own = root.resolve()
    places = {file.resolve() for file in opened if file.suffix not in {".py", ".pyc"}}
    inside = {place.relative_to(own) for place in places if place.is_relative_to(own)}
    kept = (path for path in inside if not (_SITE | _OTHERS) & set(path.parts))
    return sorted(path.as_posix() for path in kept if (own / path).is_file())


def unresolved(root: Path, files: Iterable[str]) -> list[Foreign]:
    """Returns absolute imports of the repository's files that nothing here answers to.

    Imports under ``try`` are left out: they say themselves that they may be missing.

    Args:
        root: the repository's folder.
        files: Python files or notebooks, relative to ``root``.

    Raises:
        InvalidInput: a notebook that cannot be read.
    """
    found = {}
    for file in files:
        for node in _always(_parsed(root, file)):
            for name in _tops(node):
                if not _resolves(root, name):
                    found[name] = Foreign(name, f"{file}:{node.lineno}", "not to be found here")
    return [found[name] for name in sorted(found)]


def _parsed(root: Path, file: str) -> ast.AST:
    if not file.endswith(".ipynb"):
        return ast.parse((root / file).read_bytes(), filename=file)
    try:
        cells = json.loads((root / file).read_bytes())["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        return ast.parse("\n".join(map(_plain_python, code)), filename=file)
    except (OSError, ValueError, KeyError, TypeError, SyntaxError) as error:
        raise InvalidInput.one(f"not a notebook that can be read: {error}", place=file) from None


def _plain_python(cell: str) -> str:
    """Returns a cell without what IPython alone understands: magics, shell lines and questions."""
    if cell.lstrip().startswith("%%"):
        return ""
    return "\n".join(_MAGIC.sub(r"\1pass", line) for line in cell.splitlines())


def _always(tree: ast.AST) -> Iterator[ast.stmt]:
    """Yields the import statements that are not under ``try``."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif not isinstance(node, ast.Try):
            yield from _always(node)


def _tops(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.Import(names=names):
            yield from (alias.name.partition(".")[0] for alias in names)
        case ast.ImportFrom(module=str(module), level=0):
            yield module.partition(".")[0]


def _resolves(root: Path, name: str) -> bool:
    if name in sys.stdlib_module_names or name in _distributions():
        return True
    return (root / name).is_dir() or (root / f"{name}.py").is_file()


def _outside(top: str) -> str:
    held = _distributions().get(top)
    if held:
        return f"an editable install of {held[0]}, whose files can change unseen"
    return "outside the repository"


@cache
def _distributions() -> Mapping[str, list[str]]:
    return importlib.metadata.packages_distributions()


@cache
def _standard_library() -> tuple[Path, ...]:
    paths = sysconfig.get_paths()
    return tuple({Path(paths[key]).resolve() for key in ("stdlib", "platstdlib")})
