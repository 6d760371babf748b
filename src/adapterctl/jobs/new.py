"""A commented recipe to start from, with what the data already says filled in."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapterctl.errors import InvalidInput, NotFound
from adapterctl.jobs.bases import check_name
from adapterctl.jobs.project import Project
from adapterctl.jobs.stages import enlist
from adapterctl.records.canonical import compact
from adapterctl.records.yaml_text import parse
from adapterctl.rules.adoption.adopted import Declared
from adapterctl.rules.adoption.foreign_configs import Carried, carried
from adapterctl.rules.names.stated import stated_base
from adapterctl.stores.files import create_exclusively
from adapterctl.stores.rows import read_rows, write_rows

Row = dict[str, Any]

HELD_OUT = 5
"""One row in this many is held out as the gold set when the data comes as one file."""

MAX_LABELS = 200


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Which fields of the raw rows hold what a base reads and what it should answer."""

    task: str
    text: str
    answer: str


@dataclass(frozen=True, kw_only=True)
class Started:
    """What was written for a new adapter, and what was guessed."""

    adapter: str
    columns: Columns
    carried: Carried | None
    train: str
    gold: str
    rows: tuple[int, int]
    written: tuple[str, ...]


def new(
    project: Project,
    adapter: str,
    *,
    base: str | None,
    task: str | None,
    data: Path,
    source: Path | None = None,
) -> Started:
    """Writes recipe.yaml and prepare.py for a new adapter, and splits one data file in two.

    Args:
        project: where.
        adapter: its name.
        base: a declared base; may be left out when there is exactly one.
        task: ``SEQ_CLS`` or ``CAUSAL_LM``; None looks at the rows.
        data: a JSONL, CSV or Parquet file with all rows.
        source: an adapter's folder, or a config of Axolotl, LLaMA-Factory or TRL, whose settings
            are carried over.

    Raises:
        InvalidInput: the name is taken or not valid, no base, or rows that show no columns.
    """
    check_name(adapter)
    _check_free(project, adapter)
    settings = _settings(source)
    chosen = _base(project, base or _meant(project, settings))
    rows = read_rows(data, place=str(data))
    columns = _columns(rows, task=task, place=str(data))
    counts, pointers = _write_sets(project, adapter, rows)
    home = project.registry.adapter_folder(adapter)
    recipe = _recipe(project, adapter, base=chosen, columns=columns, settings=settings)
    create_exclusively(home / "prepare.py", _prepare(columns).encode())
    create_exclusively(home / "recipe.yaml", recipe.encode())
    changed = enlist(project, adapter)
    paths = [home / "recipe.yaml", home / "prepare.py", *changed, *pointers]
    return Started(
        adapter=adapter,
        columns=columns,
        carried=settings,
        train=f"data/{adapter}/train.jsonl",
        gold=f"data/{adapter}/gold.jsonl",
        rows=counts,
        written=tuple(path.relative_to(project.root).as_posix() for path in paths),
    )


def _write_sets(
    project: Project, adapter: str, rows: list[Row]
) -> tuple[tuple[int, int], list[Path]]:
    """Writes training and gold set; returns their sizes and the files that git should track.

    They are under DVC from the start, so that ``git add`` never takes the rows themselves.
    """
    train, gold = split(rows)
    folder = project.root / "data" / adapter
    for name, part in (("train", train), ("gold", gold)):
        write_rows(folder / f"{name}.jsonl", part)
        project.dvc.pin(f"data/{adapter}/{name}.jsonl")
    pointers = [folder / "train.jsonl.dvc", folder / "gold.jsonl.dvc", folder / ".gitignore"]
    return (len(train), len(gold)), pointers


def split(rows: list[Row]) -> tuple[list[Row], list[Row]]:
    """Returns (training rows, gold rows): a row's own content decides, equal rows stay together."""
    gold = [row for row in rows if _held_out(row)]
    train = [row for row in rows if not _held_out(row)]
    if not gold or not train:
        raise InvalidInput.one(
            f"{len(rows)} rows are too few to hold some out",
            hint="write data.train and data.evaluation yourself",
        )
    return train, gold


def _held_out(row: Row) -> bool:
    return int(hashlib.sha256(compact(row)).hexdigest(), 16) % HELD_OUT == 0


def _check_free(project: Project, adapter: str) -> None:
    if project.registry.recipe_path(adapter).exists():
        raise InvalidInput.one(
            "this adapter has a recipe already",
            place=project.registry.recipe_path(adapter).relative_to(project.root).as_posix(),
            hint=f"edit it, then: adapterctl register registry/adapters/{adapter}/recipe.yaml",
        )


def _settings(source: Path | None) -> Carried | None:
    """Returns what an adapter's folder or a trainer's config says.

    Raises:
        NotFound: there is none.
        InvalidInput: it is neither.
    """
    if source is None:
        return None
    file = source / "adapter_config.json" if source.is_dir() else source
    if not file.is_file():
        raise NotFound("no such file", place=str(file), hint="--from takes a folder or a config")
    config = parse(file.read_text(encoding="utf-8", errors="replace"), file=str(file)).data
    if not isinstance(config, dict):
        raise InvalidInput.one("not a config: no keys", place=str(file))
    return carried({str(key): value for key, value in config.items()}, place=str(file))


def _meant(project: Project, settings: Carried | None) -> str | None:
    """Returns the declared base that a config means."""
    if settings is None or settings.base is None:
        return None
    declared = Declared(project.registry.base(name) for name in project.registry.bases())
    meant = declared.meant_by(stated_base(settings.base))
    return meant.base if meant else None


def _base(project: Project, base: str | None) -> str:
    known = project.registry.bases()
    if base is None and len(known) != 1:
        raise InvalidInput.one(
            f"which base? known: {', '.join(known) or 'none'}",
            hint="--base ID; adapterctl bases add ID --path DIR declares one",
        )
    return project.registry.base(base or known[0]).base


def _columns(rows: list[Row], *, task: str | None, place: str) -> Columns:
    fields = set.intersection(*(set(row) for row in rows))
    if "messages" in fields and task in {None, "CAUSAL_LM"}:
        return Columns(task="CAUSAL_LM", text="messages", answer="messages")
    if {"prompt", "completion"} <= fields and task in {None, "CAUSAL_LM"}:
        return Columns(task="CAUSAL_LM", text="prompt", answer="completion")
    texts = [f for f in sorted(fields) if all(isinstance(row[f], str) for row in rows)]
    if task == "CAUSAL_LM":
        raise _no_columns(place, sorted(fields), "prompt and completion, or messages")
    label = _label_field(rows, sorted(fields))
    longest = max((f for f in texts if f != label), key=lambda f: _length(rows, f), default=None)
    if label is None or longest is None:
        raise _no_columns(place, sorted(fields), "text and label, prompt and completion, messages")
    return Columns(task="SEQ_CLS", text=longest, answer=label)


def _label_field(rows: list[Row], fields: list[str]) -> str | None:
    """The field named like a label, or else the one with the fewest distinct short values."""
    for name in ("label", "intent", "category", "class"):
        if name in fields:
            return name
    counts = {f: len({str(row[f]) for row in rows}) for f in fields}
    few = [f for f in fields if 2 <= counts[f] <= min(MAX_LABELS, len(rows) // 2)]
    return min(few, key=lambda f: counts[f], default=None)


def _length(rows: list[Row], field: str) -> int:
    return sum(len(row[field]) for row in rows)


def _no_columns(place: str, fields: list[str], wanted: str) -> InvalidInput:
    return InvalidInput.one(
        f"cannot tell what to learn from the fields {', '.join(fields) or '(none shared)'}",
        place=place,
        hint=f"name them {wanted}",
    )


def _prepare(columns: Columns) -> str:
    if columns.text == columns.answer:
        body = f'{{"{columns.text}": row["{columns.text}"]}}'
    elif columns.task == "SEQ_CLS":
        body = f'{{"text": row["{columns.text}"].strip(), "label": str(row["{columns.answer}"])}}'
    else:
        body = '{"prompt": row["prompt"], "completion": row["completion"]}'
    return f'''"""Preprocessing: the same for every set, plain Python, no tokenizer."""


def prepare(rows: list[dict]) -> list[dict]:
    """Turns raw rows into the rows that the adapter learns from and is judged on."""
    return [{body} for row in rows]
'''


def _recipe(
    project: Project, adapter: str, *, base: str, columns: Columns, settings: Carried | None
) -> str:
    metrics = "[accuracy, f1_macro]" if columns.task == "SEQ_CLS" else "[exact_match, token_f1]"
    margin = "accuracy" if columns.task == "SEQ_CLS" else "exact_match"
    generation = "" if columns.task == "SEQ_CLS" else GENERATION
    return RECIPE.format(
        adapter=adapter,
        base=base,
        task=columns.task,
        metrics=metrics,
        margin=margin,
        generation=generation,
        settings=SETTINGS if settings is None else _carried_text(settings),
        team=project.by.lower().replace('"', ""),
    )


def _carried_text(settings: Carried) -> str:
    """Returns ``lora`` and ``training`` as another config has them, and what stays behind."""
    lora = settings.lora or {"r": 16, "lora_alpha": 32, "target_modules": "all-linear"}
    lines = [f"# Carried over from a config of {settings.source}."]
    for section, values in (("lora", lora), ("training", settings.training)):
        if values:
            lines.append(f"{section}:")
            lines += [f"  {key}: {json.dumps(value)}" for key, value in values.items()]
    for key, why in sorted(settings.left.items()):
        lines.append(f"# not carried over: {key}" + (f" ({' '.join(why.split())})" if why else ""))
    return "\n".join(lines) + "\n"


GENERATION = "generation: {max_new_tokens: 64, temperature: 0.0}   # how answers are written\n"

SETTINGS = """\
lora: {r: 16, lora_alpha: 32, lora_dropout: 0.05, target_modules: all-linear}   # peft.LoraConfig
training:                      # transformers.TrainingArguments
  num_train_epochs: 3
  per_device_train_batch_size: 16
  learning_rate: 5e-4
  max_length: 128
  seed: 17
"""

RECIPE = """\
schema_version: 1
adapter: {adapter}
purpose: ""                    # one line: what is it for?
owners: {{team: "{team}"}}       # add `backup:`, the team that answers when this one is gone
base: {base}                   # registry/bases/{base}.yaml
serving: [{{provider: self-hosted}}]   # which dates hit it; add region and consumers
task: {task}                   # SEQ_CLS or CAUSAL_LM
data:
  train:
    path: data/{adapter}/train.jsonl
    # selection: {{pool: ..., rule: path.py:choose}}   which rows were chosen, out of which
  evaluation:
    gold: {{path: data/{adapter}/gold.jsonl, metrics: {metrics}}}
    # shadow: {{path: ..., metrics: [...]}}            recent traffic, to tell drift from regression
preprocessing: registry/adapters/{adapter}/prepare.py:prepare
{settings}{generation}# The gate of a rebuild: how much worse the new adapter may be.
parity: {{gold: {{{margin}: {{margin: 0.02}}}}, negative_flips: 0.05}}
"""
