"""Which files of a base's folder hold its weights, as ``save_pretrained`` and the Hub leave it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from adapterctl.errors import InvalidInput
from adapterctl.stores.safetensors.layout import read_layout

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
ADAPTER_CONFIG = "adapter_config.json"

_AGAIN = "fetch the base again"


def weight_files(folder: Path) -> list[Path]:
    """Returns the files that the index names, else the single file.

    Raises:
        InvalidInput: no folder, no safetensors, or an index and shards that disagree.
    """
    index, single = folder / INDEX, folder / WEIGHTS
    if index.is_file():
        files = _shards(index)
        if single.is_file() and single not in files:
            raise InvalidInput.one(
                f"holds both {WEIGHTS} and {INDEX} with other files",
                place=str(folder),
                hint="keep one: transformers loads the first, a fingerprint would name the second",
            )
        return files
    if single.is_file():
        return [single]
    raise _no_weights(folder)


def json_object(path: Path) -> dict[str, Any] | None:
    """Returns the JSON object in a file, or ``None`` without the file.

    Raises:
        InvalidInput: the file is not a JSON object.
    """
    if not path.is_file():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput.one(
            f"not a JSON object: {error}", place=str(path), hint="fetch the file again"
        ) from None


def _shards(index: Path) -> list[Path]:
    weight_map = (json_object(index) or {}).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise InvalidInput.one("names no shards (weight_map)", place=str(index), hint=_AGAIN)
    names = sorted({str(name) for name in weight_map.values()})
    _refuse(index, "names files outside its folder", [n for n in names if Path(n).name != n])
    files = [index.parent / name for name in names]
    _refuse(index, "missing shards", [file.name for file in files if not file.is_file()])
    _refuse(index, "tensors that are not where it says", _misplaced(weight_map, files))
    return files


def _misplaced(weight_map: dict[str, Any], files: Sequence[Path]) -> list[str]:
    held = {(file.name, place.name) for file in files for place in read_layout(file)}
    return sorted(name for name, file in weight_map.items() if (file, name) not in held)


def _refuse(index: Path, what: str, names: Sequence[str]) -> None:
    if names:
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        shown = ", ".join(names[:3])
        raise InvalidInput.one(f"{what}: {shown}{more}", place=str(index), hint=_AGAIN)


def _no_weights(folder: Path) -> InvalidInput:
    place = str(folder)
    if not folder.is_dir():
        hint = "name the folder that holds config.json and the weights"
        return InvalidInput.one("no such folder", place=place, hint=hint)
    if (folder / ADAPTER_CONFIG).is_file():
        hint = "name the base; an adapter is taken by: adapterctl register RECIPE --adapter DIR"
        return InvalidInput.one("an adapter, not a base", place=place, hint=hint)
    pickles = sorted(p.name for p in folder.iterdir() if p.suffix in {".bin", ".pt", ".pth"})
    if pickles:
        what = f"no safetensors, only pickled weights: {', '.join(pickles)}"
        hint = "convert it once: load it with transformers and save_pretrained() it"
        return InvalidInput.one(what, place=place, hint=hint)
    hint = f"a base has {WEIGHTS}, or {INDEX} and its shards"
    return InvalidInput.one("no safetensors", place=place, hint=hint)
