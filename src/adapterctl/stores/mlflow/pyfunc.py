"""Loading a version through MLflow: the right base is found, or loading is refused.

The predictor is handed in, for this room knows no torch: `adapterctl._load_pyfunc` joins them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapterctl.errors import InvalidInput, Mismatch, NotFound
from adapterctl.stores.mlflow.package import Package, read_package

BASE_DIR = "ADAPTERCTL_BASE_DIR"

Row = dict[str, Any]
Predict = Callable[[list[Row]], list[Row]]
LocateHub = Callable[[str, str], Path | None]


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """What a predictor is built from.

    Attributes:
        folder: a PEFT adapter folder, with ``code/`` beside the weights.
        base_dir: a folder with the base that the package names, its fingerprint checked.
    """

    package: Package
    folder: Path
    base_dir: Path


class RawRows:
    """What MLflow calls: raw rows in, one answer per row out.

    Args:
        predict: from rows, as they stand in a data file, to answers in the same order.
    """

    def __init__(self, predict: Predict) -> None:
        self._predict = predict

    def predict(self, model_input: Any, params: Row | None = None) -> list[Row]:
        """Returns an answer for each row.

        Args:
            model_input: a pandas DataFrame, a list of rows, or one row; empty cells of a
                DataFrame are left out of their row.
            params: accepted for MLflow's sake; nothing can be chosen at prediction.

        Raises:
            InvalidInput: it is none of these, or ``params`` chooses something.
        """
        if params:
            raise InvalidInput.one(
                f"unknown prediction parameters: {', '.join(sorted(params))}",
                place="predict",
                hint="the recipe decides how answers are generated",
            )
        return self._predict(_rows(model_input))


def load_pyfunc(
    path: Path,
    *,
    predictor: Callable[[Loaded], Predict],
    identify: Callable[[Path], str],
    locate: LocateHub,
    environ: Mapping[str, str],
) -> RawRows:
    """Loads a packaged folder for MLflow.

    Args:
        path: the folder that MLflow handed out.
        predictor: builds the prediction function, and may take as long as loading a base does.
        identify: fingerprint of a folder of weights.
        locate: folder of a Hub repository at a commit in the local cache, if it is there.
        environ: its ``ADAPTERCTL_BASE_DIR`` says where the base is, before any other hint.

    Raises:
        NotFound: no folder with the base is on this machine.
        Mismatch: the folder found holds another base.
    """
    package = read_package(path)
    base_dir = _base_dir(package, locate=locate, environ=environ)
    found = identify(base_dir)
    if found != package.fingerprint:
        raise Mismatch(
            f"{base_dir} holds another base: {found}, not {package.fingerprint}",
            place=f"{package.adapter}@{package.version}",
            hint=_hint(package),
        )
    return RawRows(predictor(Loaded(package=package, folder=path, base_dir=base_dir)))


def _base_dir(package: Package, *, locate: LocateHub, environ: Mapping[str, str]) -> Path:
    tried = list(_candidates(package, locate=locate, environ=environ))
    found = next((folder for folder in tried if folder.is_dir()), None)
    if found is None:
        where = ", ".join(str(folder) for folder in tried) or "no place is recorded"
        raise NotFound(
            f"the base {package.base} is not on this machine (looked at: {where})",
            place=f"{package.adapter}@{package.version}",
            hint=_hint(package),
        )
    return found


def _candidates(
    package: Package, *, locate: LocateHub, environ: Mapping[str, str]
) -> Iterator[Path]:
    """Yields where the base may be; a place that the user names is the only one."""
    if environ.get(BASE_DIR):
        yield Path(environ[BASE_DIR])
        return
    if package.base_dir:
        yield Path(package.base_dir)
    if package.source.path:
        yield Path(package.source.path)
    if package.source.hub and package.revision:
        cached = locate(package.source.hub, package.revision)
        if cached:
            yield cached


def _hint(package: Package) -> str:
    revision = f" at {package.revision}" if package.revision else ""
    origin = package.source.hub or package.base
    return f"set {BASE_DIR} to a folder with {origin}{revision}"


def _rows(given: Any) -> list[Row]:
    if isinstance(given, dict):
        return [given]
    if isinstance(given, list) and all(isinstance(row, dict) for row in given):
        return given
    if hasattr(given, "to_dict") and hasattr(given, "columns"):
        return [_filled(row) for row in given.to_dict(orient="records")]
    raise InvalidInput.one(
        f"not rows: {type(given).__name__}",
        place="predict",
        hint="give a DataFrame or a list of dicts, with the columns of the training data",
    )


def _filled(row: Row) -> Row:
    """Returns the row without empty cells: pandas marks a missing cell as NaN, None or NA."""
    import pandas

    return {key: value for key, value in row.items() if not _empty(value, pandas.isna)}


def _empty(value: Any, isna: Callable[[Any], Any]) -> bool:
    return not isinstance(value, list | dict) and isna(value) is not False and bool(isna(value))
