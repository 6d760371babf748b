"""A mirror in memory that keeps the contract of `Mirror`, and versions to put into one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from adapterctl.errors import Mismatch, NotFound, Unreachable
from adapterctl.records.canonical import digest, pretty
from adapterctl.records.parity import ParityReport
from adapterctl.records.version import RebuiltFrom, TrailStep, VersionRecord
from adapterctl.stores.mlflow.entry import MirrorEntry, require_folder

MANAGED = {"champion", "candidate", "previous"}


@dataclass
class Held:
    """One version in memory; a placeholder has no entry."""

    entry: MirrorEntry | None
    tags: dict[str, str] = field(default_factory=dict)


class MemoryMirror:
    """The contract of `MlflowMirror` without MLflow.

    Args:
        reachable: set it to ``False`` to have every call raise `Unreachable`.
    """

    def __init__(self, *, reachable: bool = True) -> None:
        self.reachable = reachable
        self.held: dict[str, dict[int, Held]] = {}
        self._aliases: dict[str, dict[str, int]] = {}

    def highest_version(self, adapter: str) -> int:
        return max(self._of(adapter), default=0)

    def missing(self, adapter: str, versions: Sequence[tuple[int, str]]) -> list[int]:
        here = self._of(adapter)
        return sorted(n for n, record in versions if self._digest(here.get(n)) != record)

    def mirror(self, entry: MirrorEntry) -> None:
        require_folder(entry)
        name, number = entry.record.adapter, entry.record.version
        here = self._of(name)
        held = self._digest(here.get(number))
        if held not in {None, entry.record_digest}:
            raise Mismatch(
                f"version {number} of {name} is record {held[:16]} in MLflow"
                f" and record {entry.record_digest[:16]} in the registry",
                place="MLflow in memory",
                hint=f"delete {name!r} from MLflow's model registry, then adapterctl sync",
            )
        for gap in range(self.highest_version(name) + 1, number):
            here[gap] = Held(None)
        if held is None:
            here[number] = Held(entry)
        self.held[name] = here

    def aliases(self, adapter: str) -> dict[str, int]:
        self._of(adapter)
        return dict(self._aliases.get(adapter, {}))

    def set_aliases(self, adapter: str, aliases: Mapping[str, int]) -> None:
        for number in aliases.values():
            self._require(adapter, number)
        others = {k: n for k, n in self.aliases(adapter).items() if k not in MANAGED}
        self._aliases[adapter] = others | dict(aliases)

    def tag(self, adapter: str, version: int, tags: Mapping[str, str]) -> None:
        self._require(adapter, version).tags.update(tags)

    def _of(self, adapter: str) -> dict[int, Held]:
        if not self.reachable:
            raise Unreachable("it does not answer", place="MLflow in memory")
        return self.held.get(adapter, {})

    def _require(self, adapter: str, number: int) -> Held:
        held = self._of(adapter).get(number)
        if held is None or held.entry is None:
            raise NotFound(
                f"MLflow has no version {number} of {adapter}",
                place="MLflow in memory",
                hint="adapterctl sync",
            )
        return held

    @staticmethod
    def _digest(held: Held | None) -> str | None:
        return held.entry.record_digest if held and held.entry else None


def entry(
    folder: Path,
    *,
    adapter: str = "support-router",
    version: int = 1,
    changes: Mapping[str, Any] | None = None,
    rebuilt_from: int | None = None,
    trail: int = 3,
) -> MirrorEntry:
    """A small SEQ_CLS version in ``folder``, which is made when absent.

    Args:
        changes: fields of the record to replace, as plain data, nested mappings merged.
    """
    plain = _merged(_record(adapter, version), changes or {})
    record = msgspec.convert(plain, VersionRecord)
    if rebuilt_from:
        old = RebuiltFrom(version=rebuilt_from, base="old", rung="carried", parity=_PASSED)
        record = msgspec.structs.replace(record, rebuilt_from=old)
    text = pretty(record)
    return MirrorEntry(
        record=record,
        record_bytes=text,
        record_digest=hashlib.sha256(text).hexdigest(),
        recipe_text=f"schema_version: 1\nadapter: {adapter}\n",
        folder=version_folder(folder),
        trail=[_step(number) for number in range(1, trail + 1)],
    )


def version_folder(folder: Path) -> Path:
    """Writes what a version's folder holds, with an adapter that is one in name only."""
    if folder.exists():
        return folder
    files = {
        "adapter/adapter_config.json": json.dumps({"peft_type": "LORA", "r": 4}),
        "adapter/adapter_model.safetensors": "not weights",
        "code/registry/prepare.py": "def prepare(rows):\n    return rows\n",
        "predictions/gold.jsonl": '{"id": "0", "output": "refund", "reference": "refund"}\n',
    }
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


_PASSED = ParityReport(
    verdict="PASS",
    level=0.05,
    old_side="rerun",
    metrics=[],
    negative_flips=[],
    bare_ties=False,
)


def _step(number: int) -> TrailStep:
    return TrailStep(step=number, loss=(2.0 / number).hex(), learning_rate=(0.001).hex())


def _merged(into: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    for key, value in changes.items():
        nested = isinstance(value, Mapping) and isinstance(into.get(key), dict)
        into[key] = _merged(dict(into[key]), value) if nested else value
    return into


def _pin(path: str, rows: int) -> dict[str, Any]:
    sha256 = digest([path, rows])
    return {"path": path, "md5": sha256[:32], "sha256": sha256, "size": 40 * rows, "rows": rows}


def _recipe(adapter: str) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "adapter": adapter,
        "base": "tiny",
        "task": "SEQ_CLS",
        "purpose": "Routes customer messages",
        "owners": {"team": "support-ml"},
        "data": {
            "train": {"path": "data/train.jsonl"},
            "evaluation": {"gold": {"path": "data/gold.jsonl", "metrics": ["accuracy"]}},
        },
        "preprocessing": "registry/prepare.py:prepare",
        "lora": {"r": 4, "lora_alpha": 8},
        "training": {"learning_rate": 5e-4, "max_length": 32, "seed": 17},
    }


def _record(adapter: str, version: int) -> dict[str, Any]:
    recipe = _recipe(adapter)
    return {
        "schema_version": 1,
        "adapter": adapter,
        "version": version,
        "created": "2026-11-20T10:00:00Z",
        "created_by": "Ada",
        "inputs_digest": digest([adapter, version, "inputs"]),
        "recipe_digest": digest(recipe),
        "recipe": recipe,
        "base": {
            "base": "tiny",
            "source": {"hub": "org/tiny"},
            "revision": "c0ffee",
            "fingerprint": f"fp1:{'ab' * 32}",
        },
        "train": _pin("data/train.jsonl", 847),
        "evaluation": {"gold": _pin("data/gold.jsonl", 200)},
        "code": {
            "entry_point": "registry/prepare.py:prepare",
            "files": [{"path": "registry/prepare.py", "sha256": digest("code"), "size": 36}],
            "digest": digest("bundle"),
            "repo": "https://git.example/team/adapters",
            "commit": "0123456789abcdef",
        },
        "environment": _ENVIRONMENT,
        "artifacts": {"md5": f"{'0' * 32}.dir", "size": 100, "files": []},
        "weights_sha256": digest("weights"),
        "adapter_config_sha256": digest("config"),
        "metrics": {"gold": {"accuracy": 0.9, "f1_macro": 0.88}},
        "labels": ["card", "refund"],
        "training": _TRAINING,
    }


_ENVIRONMENT = {
    "python": "3.11.7",
    "platform": "linux-x86_64",
    "cpu_model": "a CPU",
    "cpu_capability": "AVX2",
    "threads": 2,
    "device": "cpu",
    "cuda": None,
    "driver": None,
    "deterministic": True,
    "distributions": {"torch": "2.13.0"},
}
_TRAINING = {
    "steps": 3,
    "epochs": 1.0,
    "rows": 847,
    "tokens": 9000,
    "seconds": 60.0,
    "first_loss": 2.0,
    "last_loss": 0.7,
    "trainable_parameters": 1000,
    "target_modules": ["query", "value"],
    "labels": ["card", "refund"],
    "trainer": "builtin",
    "trail_sha256": digest("trail"),
}
