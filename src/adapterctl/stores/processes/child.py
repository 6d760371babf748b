"""Runs ``path.py:function`` on JSON arguments; started by `calling`, never imported.

Uses as little of the standard library as possible: it must start fast, and the user's code must
find the process clean.
"""

import importlib.util
import json
import sys
from collections.abc import Callable
from types import ModuleType, TracebackType

Hook = Callable[[type[BaseException], BaseException, TracebackType | None], None]


def main(task_file: str) -> None:
    """Reads the task, calls the function, writes the outcome."""
    with open(task_file, encoding="utf-8") as file:  # noqa: PTH123 - importing pathlib costs time
        task = json.load(file)
    outcome = task["outcome"]
    sys.excepthook = _reporter(outcome, user_code=True)
    sys.path.insert(0, task["root"])
    if task["offline"]:
        sys.addaudithook(_no_network)
    opened: set[str] = set()
    if task["traced"]:
        sys.addaudithook(_watching(opened))
    before = set(sys.modules)
    function = getattr(_load(task["name"], task["file"]), task["function"])
    result = function(*task["arguments"])
    sys.excepthook = _reporter(outcome, user_code=False)
    _write(outcome, {"result": result, "modules": _files(before), "opened": sorted(opened)})


def _no_network(event: str, arguments: tuple[object, ...]) -> None:
    if event in {"socket.connect", "socket.getaddrinfo", "socket.sendto", "socket.gethostbyname"}:
        raise OSError(f"no network here: {event} {arguments[1:]}")


def _watching(opened: set[str]) -> Callable[[str, tuple[object, ...]], None]:
    """Returns an audit hook that collects the files opened for reading."""

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open" and isinstance(arguments[0], str):
            mode = arguments[1]
            if mode is None or (isinstance(mode, str) and "r" in mode):
                opened.add(arguments[0])

    return watch


def _files(before: set[str]) -> dict[str, str]:
    """Returns the modules that the function's run has imported, and the file of each."""
    found = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if name not in before and isinstance(file, str):
            found[name] = file
    return found


def _load(name: str, file: str) -> ModuleType:
    """Imports a file under its dotted name, so that its relative imports work."""
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None, file
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _reporter(outcome: str, *, user_code: bool) -> Hook:
    """Returns an exception hook that writes the exception down instead of printing it."""

    def report(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        frames = []
        while user_code and trace is not None:
            frames.append([trace.tb_frame.f_code.co_filename, trace.tb_lineno])
            trace = trace.tb_next
        _write(outcome, {"error": kind.__name__, "message": str(error), "frames": frames})

    return report


def _write(outcome: str, value: dict[str, object]) -> None:
    text = json.dumps(value, allow_nan=False)
    with open(outcome, "w", encoding="utf-8") as file:  # noqa: PTH123 - see above
        file.write(text)


if __name__ == "__main__":
    main(sys.argv[1])
