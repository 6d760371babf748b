"""A small believable registry, written into a folder without training anything.

Records are built as nouns and go through the registry's own door; digests are made of names, so
that equal things agree and different things differ.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec
from ruamel.yaml import YAML

from adapterctl.jobs.project import Project
from adapterctl.records.adopted import AdoptedVersion, PeftRelease
from adapterctl.records.base import Base, BaseDigests, BaseSource
from adapterctl.records.event import Event, EventKind
from adapterctl.records.lifecycle import Kind, Observation, Phase
from adapterctl.records.parity import MetricParity, NegativeFlips, ParityReport, Verdict
from adapterctl.records.policy import Policy, Waiver, Waivers
from adapterctl.records.recipe import (
    Data,
    EvaluationData,
    LoraSettings,
    Owners,
    Recipe,
    Selection,
    Serving,
    TrainData,
    TrainingSettings,
)
from adapterctl.records.version import (
    ArtifactPin,
    BasePin,
    CodePin,
    DatasetPin,
    Environment,
    FilePin,
    PreparedPin,
    RebuiltFrom,
    SelectionPin,
    TrainingFacts,
    VersionRecord,
)
from adapterctl.records.yaml_edit import dump_yaml
from adapterctl.rules.names.stated import stated_base
from adapterctl.stores.files import write_atomically
from adapterctl.stores.registry import FolderRegistry

TODAY = date(2026, 11, 23)
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SOURCE = "https://example.org/deprecations"


def sha(*parts: object) -> str:
    """Returns a sha256 that stands for ``parts``."""
    return hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()


def md5(*parts: object) -> str:
    """Returns an md5 that stands for ``parts``."""
    return hashlib.md5("/".join(map(str, parts)).encode()).hexdigest()


def in_days(days: int) -> str:
    """Returns the day so many days after `TODAY`."""
    return (TODAY + timedelta(days=days)).isoformat()


class SmallRegistry:
    """Writes bases, recipes, versions, events, dates and waivers under ``root``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.door = FolderRegistry(root)
        self.door.folder.mkdir(parents=True, exist_ok=True)
        self._keys = 0

    def project(self, *, as_of: date = TODAY) -> Project:
        """Returns the project as it is seen on ``as_of``."""
        return Project(root=self.root, now=NOON, as_of=as_of)

    def policy(self, **values: Any) -> None:
        """Writes params.yaml."""
        write_atomically(self.root / "params.yaml", dump_yaml(Policy(**values)).encode())

    def base(self, name: str, **changes: Any) -> Base:
        """Declares a base with local weights."""
        base = msgspec.structs.replace(a_base(name), **changes)
        self.door.write_base(base)
        return base

    def recipe(self, adapter: str, **changes: Any) -> Recipe:
        """Writes an adapter's recipe."""
        recipe = msgspec.structs.replace(a_recipe(adapter), **changes)
        path = self.door.recipe_path(adapter)
        write_atomically(path, as_written(recipe).encode())
        return recipe

    def version(self, recipe: Recipe, **changes: Any) -> VersionRecord:
        """Registers the next version of a recipe's adapter."""
        return self.door.claim(
            recipe.adapter,
            lambda number: msgspec.structs.replace(a_record(recipe, number), **changes),
        )

    def adapter(self, name: str, *, promoted: bool = True, **changes: Any) -> VersionRecord:
        """Writes a recipe and registers its first version, which becomes the champion."""
        record = self.version(self.recipe(name, **changes))
        self.event(name, "reproduced", record.version, at="2026-10-01T09:00:00Z")
        if promoted:
            self.event(name, "promoted", record.version, at="2026-06-02T09:00:00Z")
        return record

    def adopted(self, adapter: str, **changes: Any) -> AdoptedVersion:
        """Records an imported version."""
        draft = an_adopted(adapter, **changes)
        return self.door.claim(adapter, lambda n: msgspec.structs.replace(draft, version=n))

    def event(self, adapter: str, kind: EventKind, version: int, **rest: Any) -> None:
        """Adds an event."""
        values = {"at": "2026-06-02T09:00:00Z", "by": "Tester", **rest}
        self.door.append_event(adapter, Event(event=kind, version=version, **values))

    def date(
        self, subject: str, day: str | None, *, phase: Phase = "weights", **rest: Any
    ) -> Observation:
        """Adds an observation; each has its own key unless one is given."""
        self._keys += 1
        kind: Kind = rest.pop("kind", "shutdown")
        values = {
            "source": SOURCE,
            "seen_on": "2026-11-01",
            "key": f"test:{self._keys}",
            **rest,
        }
        observation = Observation(subject=subject, phase=phase, kind=kind, date=day, **values)
        self.door.append_observations("manual", observation)
        return observation

    def waive(self, code: str, subject: str, *, until: str) -> None:
        """Adds a waiver."""
        waiver = Waiver(code=code, subject=subject, reason="accepted", by="Tester", until=until)
        waivers = Waivers(waivers=[*self.door.waivers(), waiver])
        path = self.door.folder / "waivers.yaml"
        write_atomically(path, dump_yaml(waivers).encode())

    def broken_recipe(self, adapter: str) -> None:
        """Puts a typo into an adapter's recipe."""
        path = self.door.recipe_path(adapter)
        write_atomically(path, path.read_bytes() + b"ownres: {}\n")

    def broken_record(self, adapter: str, version: int) -> None:
        """Cuts a record short, as a bad merge might."""
        path = self.door.record_path(adapter, version)
        write_atomically(path, path.read_bytes()[:200])


def nothing_to_be_found(root: Path) -> SmallRegistry:
    """Returns one adapter that an audit finds nothing about, on a base with a far not-before."""
    registry = SmallRegistry(root)
    registry.base("minilm-l6")
    registry.base("minilm-l12")
    registry.adapter("support-router")
    registry.date("minilm-l6", in_days(2000), kind="not_before")
    return registry


def as_written(noun: msgspec.Struct) -> str:
    """Returns a noun as a person writes it: YAML without what stands at its default."""
    buffer = StringIO()
    YAML(typ="rt", pure=True).dump(_lean(noun), buffer)
    return buffer.getvalue()


def _lean(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        fields = {field.name: field for field in msgspec.structs.fields(value)}
        given = {name: getattr(value, name) for name in fields}
        return {k: _lean(v) for k, v in given.items() if v != _default(fields[k])}
    if isinstance(value, dict):
        return {key: _lean(item) for key, item in value.items()}
    return [_lean(item) for item in value] if isinstance(value, list) else value


def _default(field: msgspec.structs.FieldInfo) -> Any:
    made = field.default_factory
    return field.default if made is msgspec.NODEFAULT else made()


def a_base(name: str) -> Base:
    """Returns a base with local weights, pinned and fingerprinted."""
    return Base(
        schema_version=1,
        base=name,
        source=BaseSource(path=f"bases/{name}"),
        revision=f"sha256:{sha(name, 'revision')}",
        fingerprint=f"fp1:{sha(name, 'weights')}",
        digests=BaseDigests(config=sha(name, "config"), tokenizer=sha("bert", "tokenizer")),
        family="bert",
        architecture="BertModel",
        mirror=f"mirrors/{name}",
        parameters=22_713_216,
        bytes=90_852_864,
        added="2026-01-05",
    )


def a_recipe(adapter: str) -> Recipe:
    """Returns a recipe that leaves nothing to be found: owned, selected, with a shadow set."""
    folder = f"data/{adapter}"
    return Recipe(
        schema_version=1,
        adapter=adapter,
        purpose="Routes customer messages to one of 77 queues",
        owners=Owners(team="support-ml", backup="platform-ml"),
        base="minilm-l6",
        serving=[Serving(provider="self-hosted", region="eu", consumers=["helpdesk"])],
        task="SEQ_CLS",
        data=Data(
            train=TrainData(
                path=f"{folder}/train.jsonl",
                selection=Selection(
                    pool=f"{folder}/pool.jsonl",
                    rule=f"registry/adapters/{adapter}/prepare.py:choose",
                    labelled_by="support leads",
                ),
            ),
            evaluation={
                "gold": EvaluationData(path=f"{folder}/gold.jsonl", metrics=["accuracy"]),
                "shadow": EvaluationData(path=f"{folder}/shadow.jsonl", metrics=["accuracy"]),
            },
        ),
        preprocessing=f"registry/adapters/{adapter}/prepare.py:prepare",
        lora=LoraSettings(r=16, lora_alpha=32, lora_dropout=0.05),
        training=TrainingSettings(
            num_train_epochs=3.0, per_device_train_batch_size=16, learning_rate=5e-4, seed=17
        ),
    )


def a_record(recipe: Recipe, version: int) -> VersionRecord:
    """Returns the record of a version as `register` would write it for ``recipe``."""
    base = a_base(recipe.base)
    seed = (recipe.adapter, version)
    return VersionRecord(
        schema_version=1,
        adapter=recipe.adapter,
        version=version,
        created=f"2026-06-{version:02d}T09:00:00Z",
        created_by="Tester",
        inputs_digest=sha(*seed, "inputs"),
        recipe_digest=sha(*seed, "recipe"),
        recipe=recipe,
        base=BasePin(
            base=base.base,
            source=base.source,
            fingerprint=f"fp1:{sha(base.base, 'weights')}",
            revision=base.revision,
            digests=base.digests,
            family=base.family,
            architecture=base.architecture,
        ),
        train=a_dataset(recipe.data.train.path, rows=847),
        evaluation={
            name: a_dataset(data.path, rows=2_000) for name, data in recipe.data.evaluation.items()
        },
        code=a_code(recipe),
        environment=an_environment(),
        artifacts=ArtifactPin(
            md5=f"{md5(*seed)}.dir",
            size=1_204_912,
            files=[
                FilePin(path=f"adapter/{name}", sha256=sha(*seed, name), size=602_456)
                for name in ("adapter_config.json", "adapter_model.safetensors")
            ],
        ),
        weights_sha256=sha(*seed, "weights"),
        adapter_config_sha256=sha(*seed, "config"),
        prepared={
            name: PreparedPin(
                rows=rows, rows_sha256=sha(*seed, name), encoded_sha256=sha(*seed, name, "ids")
            )
            for name, rows in {"train": 847, **dict.fromkeys(recipe.data.evaluation, 200)}.items()
        },
        metrics={"gold": {"accuracy": 0.905}, "shadow": {"accuracy": 0.88}},
        selection=SelectionPin(
            pool=a_dataset(f"data/{recipe.adapter}/pool.jsonl", rows=2000),
            chosen=847,
            indices_sha256=sha(*seed, "indices"),
            rule=f"registry/adapters/{recipe.adapter}/prepare.py:choose",
            labelled_by="support leads",
        ),
        training=a_training(*seed),
    )


def an_adopted(
    adapter: str, *, version: int = 1, weights: str = "adapter_model.safetensors", **changes: Any
) -> AdoptedVersion:
    """Returns the record of an imported adapter, with weights unless ``artifacts`` is ``None``."""
    config = {"base_model_name_or_path": "acme/base-7b", "peft_type": "LORA", "r": 8}
    names = ["adapter_config.json", weights]
    files = [FilePin(path=f"adapter/{name}", sha256=sha(adapter, name), size=64) for name in names]
    values: dict[str, Any] = {
        "origin": f"/runs/{adapter}",
        "peft_type": "LORA",
        "peft_release": PeftRelease(min="0.18.1", max="0.18.1"),
        "base": stated_base("acme/base-7b"),
        "config": config,
        "adapter_config_sha256": sha(adapter, "config"),
        "content_sha256": sha(adapter, "content"),
        "artifacts": ArtifactPin(md5=f"{md5(adapter, version)}.dir", size=128, files=files),
        "weights_sha256": sha(adapter, "weights"),
        **changes,
    }
    return AdoptedVersion(
        schema_version=1,
        adapter=adapter,
        version=version,
        created="2026-11-20T10:00:00Z",
        created_by="ana",
        **values,
    )


def a_dataset(path: str, *, rows: int) -> DatasetPin:
    """Returns the pin of a data file."""
    return DatasetPin(path=path, md5=md5(path), sha256=sha(path), size=rows * 96, rows=rows)


def a_code(recipe: Recipe) -> CodePin:
    """Returns the pin of committed preprocessing."""
    path = recipe.preprocessing.partition(":")[0]
    return CodePin(
        entry_point=recipe.preprocessing,
        files=[FilePin(path=path, sha256=sha(path), size=812)],
        digest=sha(path, "closure"),
        repo="https://example.org/support.git",
        commit=sha(path, "commit")[:40],
        ref="main",
        committed=True,
    )


def an_environment() -> Environment:
    """Returns the facts of a plain machine."""
    return Environment(
        python="3.11.9",
        platform="linux-x86_64",
        cpu_model="A processor",
        cpu_capability="AVX2",
        threads=2,
        device="cpu",
        cuda=None,
        driver=None,
        deterministic=True,
        distributions={"peft": "0.19.1", "torch": "2.11.0", "transformers": "5.17.0"},
    )


def a_training(*seed: object) -> TrainingFacts:
    """Returns the facts of a short training run."""
    return TrainingFacts(
        steps=159,
        epochs=3.0,
        rows=847,
        tokens=40_656,
        seconds=61.5,
        first_loss=4.3438,
        last_loss=0.3125,
        trainable_parameters=147_456,
        target_modules=["query", "key", "value", "dense"],
        labels=["card", "cash", "transfer"],
        trainer="builtin",
        trail_sha256=sha(*seed, "trail"),
    )


def a_rebuild(version: int, base: str, *, verdict: Verdict = "PASS") -> RebuiltFrom:
    """Returns where a candidate comes from, with a short parity report."""
    accuracy = MetricParity(
        name="accuracy",
        set="gold",
        slice=None,
        rows=200,
        old=0.905,
        bare=0.31,
        candidate=0.91,
        difference=0.005,
        interval=(-0.012, 0.022),
        margin=0.02,
        verdict=verdict,
    )
    flips = NegativeFlips(
        set="gold", rows=200, flips=4, rate=0.02, upper=0.045, limit=0.05, verdict="PASS"
    )
    report = ParityReport(
        verdict=verdict,
        level=0.05,
        old_side="rerun",
        metrics=[accuracy],
        negative_flips=[flips],
        bare_ties=False,
    )
    return RebuiltFrom(version=version, base=base, rung="carried", parity=report)


def a_story(root: Path) -> SmallRegistry:
    """Writes a registry in the middle of its life.

    ``support-router`` dies in 43 days with a rebuilt candidate that passed; ``invoice-reader`` is
    past its shutdown at a provider; ``faq-short`` has an unknown end, no backup and no shadow set;
    ``draft`` is not registered, ``old-timer`` is retired, and ``cracked`` has a broken record.
    """
    made = SmallRegistry(root)
    for name in ("minilm-l6", "minilm-l12", "tiny-gpt2"):
        made.base(name)
    hosted = BaseSource(provider="openai", model="gpt-4o-mini-2024-07-18")
    made.base("gpt-4o-mini", source=hosted, revision=None, fingerprint=None)
    made.date("minilm-l6", in_days(43), successor="minilm-l12")
    made.date("minilm-l12", in_days(1200), kind="not_before")
    made.date("gpt-4o-mini", in_days(-8), phase="serving", provider="openai", successor="gpt-5")

    first = made.adapter("support-router")
    successor = made.recipe("support-router", base="minilm-l12")
    rebuilt = a_rebuild(first.version, "minilm-l6")
    made.version(successor, created="2026-11-20T15:29:00Z", rebuilt_from=rebuilt)
    made.event("support-router", "candidate", 2, at="2026-11-20T15:30:00Z")
    made.recipe("support-router")

    made.adapter(
        "invoice-reader",
        base="gpt-4o-mini",
        task="CAUSAL_LM",
        owners=Owners(team="billing", backup="platform-ml"),
        serving=[Serving(provider="openai", region="eu", consumers=["ledger", "archive"])],
    )
    bare = a_recipe("faq-short")
    gold = {"gold": bare.data.evaluation["gold"]}
    made.adapter(
        "faq-short",
        promoted=False,
        base="tiny-gpt2",
        task="CAUSAL_LM",
        owners=Owners(team="support-ml"),
        data=msgspec.structs.replace(bare.data, evaluation=gold),
    )
    made.recipe("draft")
    made.adapter("old-timer")
    made.event("old-timer", "retired", 1, at="2026-10-01T08:00:00Z", because="nobody asks any more")
    made.adapter("cracked")
    made.broken_record("cracked", 1)
    made.waive("EVAL002", "adapter:faq-short", until="2026-12-31")
    return made
