"""What ``RegisterCallback`` does: looks when a run begins, keeps it when it ends, registers it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapterctl.errors import AdapterctlError, InvalidInput, Mismatch
from adapterctl.jobs import environment_lock
from adapterctl.jobs.capsule import ADAPTER, RECIPE, write_capsule
from adapterctl.jobs.filing import Filed
from adapterctl.jobs.inputs import base_folder
from adapterctl.jobs.inputs.code_root import code_root
from adapterctl.jobs.inputs.sources import Row, located, prepared
from adapterctl.jobs.project import Display, Project, require
from adapterctl.jobs.register import register_capsule
from adapterctl.jobs.trail_file import TRAIL, write_trail
from adapterctl.records.canonical import rows_digest
from adapterctl.records.capsule import Capsule
from adapterctl.records.recipe import Recipe
from adapterctl.records.run import RunFacts
from adapterctl.records.version import PreparedPin
from adapterctl.rules.as_used import AsUsed, as_used, lora_of, said
from adapterctl.stores.code import bundle, closure
from adapterctl.stores.hub import cached
from adapterctl.stores.safetensors import config_digest, weights_digest

if TYPE_CHECKING:
    from adapterctl.training.callback import AtTrainEnd
    from adapterctl.training.ended_run import EndedRun
    from adapterctl.training.rows.text import Example

Register = Callable[[Project, Path], Filed]
"""Registers the capsule in a folder."""


class Registration:
    """Follows one run: refuses what could not be registered before it begins, and keeps its end.

    At the end the capsule is written first; when it cannot be registered after that, the run goes
    on as if nothing had been, the reason is said, and the capsule stays.

    Args:
        project: where the recipe belongs; only its files are needed to write a capsule.
        recipe: its path.
        capsule: where to leave a capsule, to be registered elsewhere; ``None`` registers here.
        register: takes the capsule.
        now: the clock.

    Attributes:
        filed: the version, once it is registered.
        error: why it is not.
    """

    def __init__(
        self,
        project: Project,
        recipe: Path,
        *,
        capsule: Path | None,
        register: Register,
        now: Callable[[], datetime],
    ) -> None:
        self._project, self._register, self._now = project, register, now
        self._path = located(project, recipe)
        self._recipe = project.registry.recipe_at(self._path)
        self._capsule = capsule
        self.filed: Filed | None = None
        self.error: AdapterctlError | None = None

    def begin(self, run: EndedRun) -> None:
        """Looks whether the run is one that could be registered.

        Raises:
            AdapterctlError: another base, data or code that cannot be used, no place to write.
        """
        self._base(run)
        self._train_rows()
        if self._capsule is not None:
            self._capsule.parent.mkdir(parents=True, exist_ok=True)

    def end(self, run: EndedRun) -> None:
        """Writes the capsule, and registers it unless that is to be done elsewhere."""
        folder = self._capsule or self._scratch()
        capsule = write_capsule(folder, lambda out: self._fill(run, out))
        say = self._project.display.say
        for each in capsule.run.departures:
            say(said(each))
        if self._capsule is not None:
            say(f"the run is kept: adapterctl register --capsule {folder}")
            return
        try:
            self.filed = self._register(replace(self._project, now=self._now()), folder)
        except AdapterctlError as error:
            self.error = error
            say(f"not registered: {error}\nthe run is kept: adapterctl register --capsule {folder}")
        else:
            shutil.rmtree(folder)

    def _scratch(self) -> Path:
        stamp = self._now().strftime("%Y%m%dT%H%M%S")
        return self._project.private / "capsules" / f"{self._recipe.adapter}-{stamp}"

    def _base(self, run: EndedRun) -> tuple[Path, str]:
        """Returns folder and fingerprint of the base that the run has loaded."""
        name = run.base_name
        revision = getattr(run.adapted.config, "_commit_hash", None)
        here = Path(name)
        folder = here if here.is_dir() else cached(name, revision or "")
        if folder is None:
            raise InvalidInput.one(
                f"the run's base {name!r} is neither a folder nor in the Hub's cache: nothing "
                "can tell which weights it is",
                place="RegisterCallback",
                hint="load it with from_pretrained, from a folder or the Hub",
            )
        found = base_folder.identify(self._project, folder).fingerprint
        registry = self._project.registry
        if registry.base_path(self._recipe.base).is_file():
            declared = registry.base(self._recipe.base).fingerprint
            if declared != found:
                raise Mismatch(
                    f"the run is on {found}, and base {self._recipe.base!r} is {declared}",
                    place=str(folder),
                    hint=f"load {self._recipe.base!r}, or write the other base into {self._path}",
                )
        return folder, found

    def _train_rows(self) -> list[Row]:
        return prepared(self._project, self._recipe, self._recipe.data.train.path)

    def _fill(self, run: EndedRun, out: Path) -> Capsule:
        from adapterctl.training import ended_run
        from adapterctl.training.rows.tokenizer import load_tokenizer

        folder, fingerprint = self._base(run)
        used = self._used(run, folder)
        rows = self._train_rows()
        labels = _labels(used.recipe, rows)
        tokenizer = load_tokenizer(folder, trust_remote_code=used.recipe.trust_remote_code)
        examples = self._encoded(used.recipe, rows, labels=labels, tokenizer=tokenizer)
        root = code_root(self._project, self._recipe)
        code = closure(root, self._recipe.preprocessing)
        trail = ended_run.trail(run)
        ended_run.save(run, out / ADAPTER)
        write_trail(out / ADAPTER / TRAIL, trail)
        bundle(root, code, out / "code")
        shutil.copyfile(self._path, out / RECIPE)
        environment = ended_run.environment_of(run)
        return Capsule(
            schema_version=1,
            adapter=used.recipe.adapter,
            created=self._now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            recipe=used.recipe,
            base=fingerprint,
            prepared=_prepared_pin(rows, examples),
            code=code,
            environment=environment,
            lock=environment_lock.keep(self._project, environment, folder=out),
            training=ended_run.facts(run, labels=labels, trail=trail),
            run=_facts(run, used, examples=examples, tokenizer=tokenizer),
            weights_sha256=weights_digest(out / ADAPTER / "adapter_model.safetensors"),
            adapter_config_sha256=config_digest(out / ADAPTER / "adapter_config.json"),
        )

    def _used(self, run: EndedRun, folder: Path) -> AsUsed:
        from adapterctl.training import ended_run
        from adapterctl.training.inspect import given_lora

        recipe = self._recipe
        intended = given_lora(
            folder,
            recipe,
            labels=run.labels,
        )
        return as_used(
            recipe,
            training=ended_run.training_used(run),
            lora=lora_of(
                ended_run.lora_config(run),
                recipe,
                used=ended_run.targets(run),
                intended=intended,
            ),
            replicas=run.replicas,
        )

    def _encoded(
        self, recipe: Recipe, rows: list[Row], *, labels: list[str], tokenizer: Any
    ) -> list[Example]:
        from adapterctl.training.rows.text import encode

        return encode(
            rows,
            task=recipe.task,
            tokenizer=tokenizer,
            labels=labels,
            max_length=recipe.training.max_length,
            place=recipe.data.train.path,
            log=self._project.display.say,
        )


def _labels(recipe: Recipe, rows: list[Row]) -> list[str]:
    from adapterctl.training.rows.text import label_names

    return label_names(rows, place=recipe.data.train.path) if recipe.task == "SEQ_CLS" else []


def _prepared_pin(rows: list[Row], examples: list[Example]) -> PreparedPin:
    from adapterctl.training.rows.text import encoded_digest

    return PreparedPin(
        rows=len(rows), rows_sha256=rows_digest(rows), encoded_sha256=encoded_digest(examples)
    )


def _facts(run: EndedRun, used: AsUsed, *, examples: list[Example], tokenizer: Any) -> RunFacts:
    from adapterctl.training import ended_run

    compared = ended_run.rows_used(run, examples, tokenizer=tokenizer)
    return RunFacts(
        trainer=ended_run.trainer_of(run.arguments),
        departures=used.departures,
        unsaid={**used.unsaid, **ended_run.unsaid(run)},
        rows=None if compared is None else compared.given,
        same_rows=0 if compared is None else compared.same,
        relabelled=0 if compared is None else compared.relabelled,
    )


def registering(
    recipe: str | Path,
    *,
    capsule: str | Path | None,
    project: str | Path | None,
    device: str,
    now: Callable[[], datetime],
    display: Display,
) -> AtTrainEnd:
    """Returns the callback behind ``adapterctl.RegisterCallback``, which see."""
    require("torch", extra="train", needed_for="RegisterCallback")
    from adapterctl.training.callback import AtTrainEnd

    path = Path(recipe).absolute()
    root = _project_of(path) if project is None else Path(project).resolve()
    registration = Registration(
        Project(root=root, now=now(), display=display),
        path,
        capsule=None if capsule is None else Path(capsule).absolute(),
        register=partial(register_capsule, device=device),
        now=now,
    )
    return AtTrainEnd(registration)


def _project_of(path: Path) -> Path:
    return next((p for p in path.parents if (p / "registry").is_dir()), path.parent)
