"""A registry of a believable company: thousands of adapters on some two hundred bases.

Everything is text as a person, `register` and `lifecycle import` leave it; only digests stand for
bytes that nobody made. The same seed gives the same registry.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

TODAY = date(2026, 11, 23)
BASES = 200
TEAMS = [f"team-{number:02d}" for number in range(40)]
PROVIDERS = ("bedrock", "azure", "together_ai", "fireworks_ai")
REGIONS = ("us-east-1", "eu-central-1", None)
DISTRIBUTIONS = {f"distribution-{number}": f"{number % 7}.{number % 11}.0" for number in range(160)}

RECIPE = """\
schema_version: 1
adapter: {adapter}
purpose: Routes messages of {consumer} to the queue that answers them
owners: {{team: {team}{backup}}}
base: {base}
serving: [{{provider: {provider}{region}, consumers: [{consumer}]}}]
task: SEQ_CLS
data:
  train:
    path: data/{adapter}/train.jsonl
    window: 2026-01-01/2026-03-31
    keep_until: 2028-12-31
    # 847 rows out of 2,000, by a rule that is run again at registration.
    selection:
      pool: data/{adapter}/pool.jsonl
      rule: registry/adapters/{adapter}/prepare.py:choose
      labelled_by: support leads
  evaluation:
    gold:
      path: data/{adapter}/gold.jsonl
      window: 2026-01-01/2026-03-31
      metrics: [accuracy, f1_macro]
      slice_by: channel
{shadow}preprocessing: registry/adapters/{adapter}/prepare.py:prepare
lora:
  r: {r}
  lora_alpha: 32
  lora_dropout: 0.05
  target_modules: [q_proj, k_proj, v_proj, out_proj, fc1, fc2]
training:
  num_train_epochs: 5
  per_device_train_batch_size: 32
  learning_rate: 5e-4
  max_length: 96
  seed: 17
parity:
  gold: {{accuracy: {{margin: 0.03}}, f1_macro: {{margin: 0.03}}}}
  negative_flips: 0.12
"""
SHADOW = """\
    shadow:
      path: data/{adapter}/shadow.jsonl
      window: 2026-09-01/2026-09-30
      metrics: [accuracy]
"""


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """What was written: adapters, one version each but for some that were rebuilt once."""

    adapters: int
    versions: int
    bases: int


def write_fleet(root: Path, versions: int, *, seed: int = 7) -> Fleet:
    """Writes ``registry/`` with so many versions; about one adapter in ten has two."""
    draw = random.Random(seed)
    bases = [f"base-{number:03d}" for number in range(BASES)]
    for number, base in enumerate(bases):
        _put(root / f"registry/bases/{base}.yaml", _base(base, number))
    for feed, lines in _ledgers(bases, draw).items():
        text = "".join(json.dumps(line, sort_keys=True) + "\n" for line in lines)
        _put(root / f"registry/lifecycle/{feed}.jsonl", text)
    _put(root / "registry/people.yaml", _people())
    _put(root / "registry/waivers.yaml", _waivers())
    _put(root / "params.yaml", "schema_version: 1\nhorizon_days: 180\nlead_time_days: 60\n")
    written = adapters = 0
    while written < versions:
        written += _adapter(root, adapters, draw, left=versions - written)
        adapters += 1
    return Fleet(adapters=adapters, versions=written, bases=len(bases))


def _adapter(root: Path, number: int, draw: random.Random, *, left: int) -> int:
    adapter = f"adapter-{number:05d}"
    folder = root / "registry/adapters" / adapter
    facts = _facts(adapter, draw)
    _put(folder / "recipe.yaml", facts.pop("text"))
    numbers = [1, 2] if draw.random() < 0.1 and left > 1 else [1]
    for version in numbers:
        record = _record(adapter, version, facts)
        _put(folder / f"{version}.json", json.dumps(record, indent=2, sort_keys=True) + "\n")
    _put(folder / "events.jsonl", "".join(_events(numbers, draw)))
    return len(numbers)


def _facts(adapter: str, draw: random.Random) -> dict[str, Any]:
    """Returns what differs between adapters; common bases carry more of them."""
    base = f"base-{min(int(draw.expovariate(1 / 45)), BASES - 1):03d}"
    hosted = draw.random() < 0.3
    provider = draw.choice(PROVIDERS) if hosted else "self-hosted"
    region = draw.choice(REGIONS) if hosted else "eu"
    team, backup = draw.sample(TEAMS, 2)
    values = {
        "adapter": adapter,
        "base": base,
        "team": team,
        "backup": f", backup: {backup}" if draw.random() < 0.9 else "",
        "consumer": f"service-{draw.randrange(300)}",
        "provider": provider,
        "region": f", region: {region}" if region else "",
        "r": draw.choice((8, 16, 32)),
        "shadow": SHADOW.format(adapter=adapter) if draw.random() < 0.8 else "",
    }
    return {**values, "text": RECIPE.format(**values), "created": _day(-draw.randrange(30, 600))}


def _record(adapter: str, version: int, facts: dict[str, Any]) -> dict[str, Any]:
    sets = ["gold", "shadow"] if facts["shadow"] else ["gold"]
    rows = 400 if version == 2 else 4_000
    code = f"registry/adapters/{adapter}/prepare.py"
    return {
        "schema_version": 1,
        "adapter": adapter,
        "version": version,
        "created": f"{facts['created']}T09:00:00Z",
        "created_by": "An engineer",
        "inputs_digest": _sha(adapter, version, "inputs"),
        "recipe_digest": _sha(adapter, "recipe"),
        "recipe": _recipe(adapter, facts, sets),
        "base": {
            "base": facts["base"],
            "source": {"path": f"bases/{facts['base']}"},
            "fingerprint": f"fp1:{_sha(facts['base'], 'weights')}",
            "revision": f"sha256:{_sha(facts['base'], 'revision')}",
            "digests": {"config": _sha(facts["base"], "config")},
            "family": "llama",
            "architecture": "LlamaForCausalLM",
        },
        "train": _dataset(f"data/{adapter}/train.jsonl", 847),
        "evaluation": {name: _dataset(f"data/{adapter}/{name}.jsonl", rows) for name in sets},
        "selection": {
            "pool": _dataset(f"data/{adapter}/pool.jsonl", 2_000),
            "chosen": 847,
            "indices_sha256": _sha(adapter, "indices"),
            "rule": f"{code}:choose",
            "labelled_by": "support leads",
        },
        "code": {
            "entry_point": f"{code}:prepare",
            "files": [{"path": code, "sha256": _sha(code), "size": 812}],
            "digest": _sha(code, "closure"),
            "repo": "https://git.example.org/support.git",
            "commit": _sha(code, "commit")[:40],
            "ref": "main",
            "committed": True,
        },
        "environment": {
            "python": "3.11.9",
            "platform": "linux-x86_64",
            "cpu_model": "A processor",
            "cpu_capability": "AVX2",
            "threads": 2,
            "device": "cpu",
            "cuda": None,
            "driver": None,
            "deterministic": True,
            "distributions": DISTRIBUTIONS,
        },
        "artifacts": {
            "md5": f"{_md5(adapter, version)}.dir",
            "size": 1_204_912,
            "files": [
                {"path": f"adapter/{name}", "sha256": _sha(adapter, name), "size": 602_456}
                for name in ("adapter_config.json", "adapter_model.safetensors", "a", "b", "c")
            ],
        },
        "weights_sha256": _sha(adapter, version, "weights"),
        "adapter_config_sha256": _sha(adapter, version, "config"),
        "metrics": {name: {"accuracy": 0.905} for name in sets},
        "labels": [f"queue {number}" for number in range(12)],
        "prepared": {
            name: {
                "rows": 400,
                "rows_sha256": _sha(adapter, name, "rows"),
                "encoded_sha256": _sha(adapter, name, "ids"),
            }
            for name in ("train", *sets)
        },
        "training": {
            "steps": 159,
            "epochs": 3.0,
            "rows": 847,
            "tokens": 40_656,
            "seconds": 61.5,
            "first_loss": 4.3438,
            "last_loss": 0.3125,
            "trainable_parameters": 147_456,
            "target_modules": [f"layers.{n}.q_proj" for n in range(12)],
            "labels": [f"queue {number}" for number in range(12)],
            "trainer": "builtin",
            "trail_sha256": _sha(adapter, version, "trail"),
        },
        "lock": {"kind": "resolved", "sha256": _sha(adapter, "lock")},
    }


def _recipe(adapter: str, facts: dict[str, Any], sets: list[str]) -> dict[str, Any]:
    """Returns the recipe as its record keeps it: every field, in JSON."""
    import msgspec

    from adapterctl.records.recipe import Recipe
    from adapterctl.records.yaml_text import parse

    key = (facts["r"], len(sets), facts["provider"], facts["region"], bool(facts["backup"]))
    if key not in _WHOLE:
        data = parse(RECIPE.format(**facts), file="recipe.yaml").data
        whole = msgspec.json.encode(msgspec.convert(data, Recipe)).decode()
        _WHOLE[key] = (whole, facts)
    text, first = _WHOLE[key]
    for name in ("adapter", "base", "team", "consumer"):
        text = text.replace(first[name], facts[name])
    found: dict[str, Any] = json.loads(text)
    return found


_WHOLE: dict[tuple[Any, ...], tuple[str, dict[str, Any]]] = {}
"""One parsed recipe of each shape: reading YAML ten thousand times is not what is measured here."""


def _events(numbers: list[int], draw: random.Random) -> Iterator[str]:
    when = date(2026, 1, 1) + timedelta(days=draw.randrange(300))
    for version in numbers:
        event = {"event": "promoted", "version": version, "at": f"{when}T09:00:00Z", "by": "A lead"}
        yield json.dumps(event, sort_keys=True) + "\n"
    if draw.random() < 0.6:
        event = {"event": "reproduced", "version": numbers[-1], "at": f"{when}T10:00:00Z"}
        yield json.dumps({**event, "by": "A drill"}, sort_keys=True) + "\n"


def _base(base: str, number: int) -> str:
    lines = [
        "schema_version: 1",
        f"base: {base}",
        f"source: {{hub: acme/{base}}}",
        f"revision: {_sha(base)[:40]}",
        f"fingerprint: fp1:{_sha(base, 'weights')}",
        "family: llama",
        "architecture: LlamaForCausalLM",
        "parameters: 8030261248",
        "bytes: 16060522496",
        f"names: [acme.{base}-v1:0]",
    ]
    if number % 3:
        lines.append(f"mirror: mirrors/{base}")
    if number + 1 < BASES and number % 2:
        lines.append(f"successors: [base-{number + 1:03d}]")
    return "\n".join([*lines, "added: 2026-01-05", ""])


def _ledgers(bases: list[str], draw: random.Random) -> dict[str, list[dict[str, Any]]]:
    """Two feeds: dates of three in four bases at some provider, a move now and then; and strangers.

    Most of what a feed lists is about bases that nobody here uses.
    """
    ledgers: dict[str, list[dict[str, Any]]] = {"litellm": [], "modeldeprecations": []}
    for base in bases:
        if draw.random() < 0.25:
            continue
        for feed, lines in ledgers.items():
            seen = {"seen_on": "2026-05-01", "source": f"https://{feed}.example.org/list"}
            provider = draw.choice(PROVIDERS)
            line = {
                "subject": f"acme.{base}-v1:0",
                "phase": "serving",
                "kind": draw.choice(("shutdown", "shutdown", "not_before")),
                "date": _day(draw.randrange(-60, 900)),
                "key": f"{feed}:{provider}/acme.{base}-v1:0",
                "provider": provider,
                **seen,
            }
            lines.append(line)
            if draw.random() < 0.1:
                moved = {**line, "date": _day(draw.randrange(100, 900)), "seen_on": "2026-11-01"}
                lines.append(moved)
        if draw.random() < 0.3:
            weights = {
                "subject": f"acme/{base}",
                "phase": "weights",
                "kind": "shutdown",
                "date": _day(draw.randrange(30, 1_200)),
                "key": f"modeldeprecations:weights/{base}",
                "seen_on": "2026-05-01",
                "source": "https://modeldeprecations.example.org/list",
            }
            ledgers["modeldeprecations"].append(weights)
    for number in range(600):
        ledgers["litellm"].append(
            {
                "subject": f"stranger-{number}",
                "phase": "serving",
                "kind": "shutdown",
                "date": _day(draw.randrange(-200, 900)),
                "key": f"litellm:azure/stranger-{number}",
                "provider": "azure",
                "seen_on": "2026-05-01",
                "source": "https://litellm.example.org/list",
            }
        )
    return ledgers


def _people() -> str:
    lines = ["teams:"]
    for number, team in enumerate(TEAMS):
        until = ", until: 2026-06-30" if number % 20 == 19 else ""
        lines += [f"  {team}:", f"    members: [{{name: person-{number}{until}}}]"]
    return "\n".join([*lines, ""])


def _waivers() -> str:
    lines = ["waivers:"]
    for number in range(50):
        lines.append(
            f"  - {{code: EVAL002, subject: 'adapter:adapter-{number:05d}', reason: no traffic, "
            "by: A lead, until: 2027-06-30}"
        )
    return "\n".join([*lines, ""])


def _dataset(path: str, rows: int) -> dict[str, Any]:
    return {"path": path, "md5": _md5(path), "sha256": _sha(path), "size": rows * 96, "rows": rows}


def _day(days: int) -> str:
    return (TODAY + timedelta(days=days)).isoformat()


def _sha(*parts: object) -> str:
    return hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()


def _md5(*parts: object) -> str:
    return hashlib.md5("/".join(map(str, parts)).encode()).hexdigest()


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
