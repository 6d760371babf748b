"""The door to code: which files of a repository an entry point needs, by content.

The closure is static: import statements wherever they stand, and ``import_module("literal")``.
What is not found below the root (the first entry of ``sys.path`` when it runs) is not ours.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from adapterctl.errors import InvalidInput, Mismatch
from adapterctl.records.version import FilePin
from adapterctl.stores.files import write_atomically

Name = tuple[str, ...]


def closure(root: Path, entry_point: str) -> list[FilePin]:
    """Returns the files that ``path.py:function`` imports from the repository, itself included.

    Args:
        root: the repository's folder, from which absolute imports are resolved.
        entry_point: ``path.py:function``, the path relative to ``root``.

    Returns:
        files by content, sorted by path; ``__init__.py`` of every package on the way.

    Raises:
        InvalidInput: no such file or function, a notebook, or a file that is not Python; the
            message names the file and the functions that it has.
    """
    path, function = _entry(root, entry_point)
    _must_bind(_parse(root, path), function, path=path)
    return [_pin(root, file) for file in sorted(_reached(root, path, starts=[()]))]


def scripts(root: Path, paths: Iterable[str]) -> list[FilePin]:
    """Returns files that a command line names, with what its Python scripts import.

    A script's imports are looked for in its own folder too, which is the first entry of its
    ``sys.path``.

    Raises:
        InvalidInput: one cannot be read, or is not Python by its content.
    """
    found = set[str]()
    for path in paths:
        own = PurePosixPath(path).parts[:-1]
        is_python = path.endswith(".py")
        found |= _reached(root, path, starts=[(), own]) if is_python else {path}
    return [_pin(root, file) for file in sorted(found)]


def _reached(root: Path, path: str, *, starts: Sequence[Name]) -> set[str]:
    """Returns the file and all that it imports, looked for below each folder of ``starts``."""
    todo, found = [path], set[str]()
    while todo:
        file = todo.pop()
        if file not in found:
            found.add(file)
            todo += _imports(root, file, starts=starts)
    return found


def pinned(root: Path, paths: Iterable[str]) -> list[FilePin]:
    """Returns files of the repository by content, sorted by path.

    Raises:
        InvalidInput: one cannot be read.
    """
    return [_pin(root, path) for path in sorted(set(paths))]


def bundle(root: Path, files: Iterable[FilePin], out: Path) -> None:
    """Copies pinned files to the same paths below ``out``.

    Raises:
        Mismatch: a file is not the pinned one any more.
        AdapterctlError: a copy cannot be written.
    """
    for file in files:
        content = _read(root, file.path)
        if hashlib.sha256(content).hexdigest() != file.sha256:
            raise Mismatch("it changed since it was pinned", place=file.path, hint="run again")
        write_atomically(out / file.path, content)


def _entry(root: Path, entry_point: str) -> tuple[str, str]:
    path, _, function = entry_point.rpartition(":")
    parts = PurePosixPath(path)
    if parts.suffix == ".ipynb":
        raise InvalidInput.one(
            "a notebook cannot be run in a clean process",
            place=path,
            hint="move the function into a .py file",
        )
    if not path or not function.isidentifier() or parts.suffix != ".py":
        raise InvalidInput.one(
            "not an entry point", place=entry_point, hint="write path/to/file.py:function"
        )
    if parts.is_absolute() or ".." in parts.parts:
        raise InvalidInput.one(
            "not inside the repository", place=path, hint="copy the file into the repository"
        )
    if not (root / path).is_file():
        raise InvalidInput.one("no such file", place=path, hint=_near(root, parts))
    return parts.as_posix(), function


def _near(root: Path, path: PurePosixPath) -> str:
    folder = root / path.parent
    names = sorted(file.name for file in folder.glob("*.py")) if folder.is_dir() else []
    return f"{path.parent} has {', '.join(names)}" if names else "correct the path, or write it"


def _must_bind(tree: ast.Module, function: str, *, path: str) -> None:
    """Refuses a function that the module does not bind at its top level, or may import there."""
    if {function, "*"} & set(_bound(tree.body)):
        return
    functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    raise InvalidInput.one(
        f"no function {function!r}", place=path, hint=f"it has: {', '.join(functions) or 'none'}"
    )


def _bound(statements: Sequence[ast.stmt]) -> Iterator[str]:
    """Yields the names bound by statements, those under ``if``, ``try`` and ``with`` included."""
    for node in statements:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Assign(targets=targets):
                yield from (t.id for t in targets if isinstance(t, ast.Name))
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                yield from (alias.asname or alias.name for alias in names)
            case ast.If() | ast.Try() | ast.With():
                inner = [n for n in ast.iter_child_nodes(node) if isinstance(n, ast.stmt)]
                handlers = getattr(node, "handlers", [])
                yield from _bound([*inner, *(s for h in handlers for s in h.body)])


def _parse(root: Path, path: str) -> ast.Module:
    try:
        return ast.parse(_read(root, path), filename=path)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise InvalidInput.one(
            f"not Python: {getattr(error, 'msg', error)}",
            place=f"{path}:{line}" if line else path,
            hint="correct the file",
        ) from None


def _imports(root: Path, path: str, *, starts: Sequence[Name]) -> list[str]:
    """Returns the files of the repository that importing ``path`` may run."""
    own = PurePosixPath(path).parts[:-1]
    files = list(_package_files(root, own))
    for node in ast.walk(_parse(root, path)):
        for name in _names(node, own):
            for start in starts:
                files += _module_files(root, (*start, *name))
    return files


def _names(node: ast.AST, own: Name) -> Iterator[Name]:
    """Yields the dotted names that a node may import; ``own`` is the package it stands in."""
    match node:
        case ast.Import(names=names):
            yield from (tuple(alias.name.split(".")) for alias in names)
        case ast.ImportFrom(module=module, names=names, level=level):
            base = own[: max(0, len(own) - level + 1)] if level else ()
            start = (*base, *(module.split(".") if module else ()))
            yield start
            yield from ((*start, alias.name) for alias in names)
        case ast.Call(func=function, args=[ast.Constant(value=str(name)), *_]):
            if _called(function) in {"import_module", "__import__"} and not name.startswith("."):
                yield tuple(name.split("."))


def _called(function: ast.expr) -> str:
    match function:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _module_files(root: Path, name: Name) -> Iterator[str]:
    """Yields the files that importing ``name`` runs: packages on the way, then the module."""
    yield from _package_files(root, name)
    package = root.joinpath(*name, "__init__.py").is_file()
    module = PurePosixPath(*name).with_suffix(".py") if name else None
    if module is not None and not package and "." not in name[-1] and (root / module).is_file():
        yield module.as_posix()


def _package_files(root: Path, name: Name) -> Iterator[str]:
    for end in range(1, len(name) + 1):
        init = PurePosixPath(*name[:end], "__init__.py")
        if (root / init).is_file():
            yield init.as_posix()


def _pin(root: Path, path: str) -> FilePin:
    content = _read(root, path)
    return FilePin(path=path, sha256=hashlib.sha256(content).hexdigest(), size=len(content))


def _read(root: Path, path: str) -> bytes:
    try:
        return (root / path).read_bytes()
    except OSError as error:
        raise InvalidInput.one(f"cannot read: {error.strerror}", place=path) from None
