"""The recipe's evaluator, run on pairs of answers.

It runs in a folder that holds its pinned code and nothing else, with a home of its own and none of
the surroundings' variables but those that the recipe names. What it said is kept by the digest of
all that it was handed, and is not asked for twice.
"""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from adapterctl.errors import AdapterctlError, InvalidInput
from adapterctl.jobs.inputs.base_folder import checked
from adapterctl.jobs.inputs.code_root import code_root
from adapterctl.jobs.inputs.pinning import code_digest
from adapterctl.jobs.inputs.recipe_code import files_of
from adapterctl.jobs.locks import alone
from adapterctl.jobs.project import Project
from adapterctl.records.canonical import compact, digest
from adapterctl.records.config_text import with_values
from adapterctl.records.parity import Judging
from adapterctl.records.recipe import Evaluator, Recipe
from adapterctl.rules.evaluator_commands import KEY, evaluator_of, judged_sets
from adapterctl.rules.parity.duels import (
    Duel,
    Item,
    Ruling,
    Score,
    items,
    judging,
    outcomes,
    rulings,
    turns,
)
from adapterctl.rules.redaction import without_secrets
from adapterctl.rules.trainer_commands import as_set, command_line
from adapterctl.rules.trainer_output import step_in
from adapterctl.stores.code import bundle
from adapterctl.stores.files import write_atomically
from adapterctl.stores.processes import Ended, stream


@dataclass(frozen=True, kw_only=True)
class Court:
    """The evaluator, ready to be run."""

    project: Project
    place: Project
    recipe: Recipe

    @property
    def command(self) -> Evaluator:
        """The recipe's evaluator, which it must have."""
        command = evaluator_of(self.recipe)
        assert command is not None
        return command

    def facts(self) -> dict[str, Any]:
        """Returns who judged: what a record keeps of it."""
        command = self.command
        files = files_of(code_root(self.place, self.recipe), self.recipe, KEY)
        return {
            "command": without_secrets(command.command),
            "code": code_digest(files),
            "repeats": command.repeats,
            "judge": self._judge_facts(),
        }

    def _judge_facts(self) -> dict[str, Any] | None:
        """Returns the judge as it is declared: which weights, or which model of a provider."""
        if self.command.judge is None:
            return None
        base = self.project.registry.base(self.command.judge)
        known = {
            "base": base.base,
            "fingerprint": base.fingerprint,
            "revision": base.revision,
            "provider": base.source.provider,
            "model": base.source.model,
        }
        return {key: value for key, value in known.items() if value is not None}

    def judge(self, duels: Sequence[Duel]) -> tuple[list[Score], list[Judging]]:
        """Returns the scores of both sides of each duel, and how it judged."""
        command = self.command
        order = turns(len(duels), repeats=command.repeats, seed=self.recipe.training.seed)
        found = self._rulings(items(duels, order))
        scores = outcomes(len(duels), order, found)
        return scores, judging(duels, order, found, repeats=command.repeats)

    def _rulings(self, handed: Sequence[Item]) -> dict[str, Ruling]:
        key = digest([self.facts(), msgspec.to_builtins(self.command), list(handed)])
        folder = self.project.private / "judging" / key
        kept = folder / "rulings.jsonl"
        with alone(folder):
            if kept.is_file():
                self.project.display.say(f"the evaluator has judged these already: {kept}")
                return rulings(kept.read_bytes(), handed, place=str(kept))
            written = self._run(handed, folder)
            found = rulings(written, handed, place=f"{KEY}.command: its output")
            write_atomically(kept, written)
            shutil.rmtree(folder / "run")
        return found

    def _run(self, handed: Sequence[Item], folder: Path) -> bytes:
        """Runs the command; a run that fails leaves its log, and what it was handed."""
        run = folder / "run"
        shutil.rmtree(run, ignore_errors=True)
        home, root, out = run / "home", run / "code", run / "rulings.jsonl"
        home.mkdir(parents=True)
        root.mkdir()
        bundled = code_root(self.place, self.recipe)
        bundle(bundled, files_of(bundled, self.recipe, KEY), root)
        rows = run / "rows.jsonl"
        write_atomically(rows, b"".join(compact(item) + b"\n" for item in handed))
        words = self._words({"rows": rows, "out": out}, root=root, run=run)
        log = folder / "log.txt"
        self.project.display.say(f"running {without_secrets(shlex.join(words))}")
        ended = stream(
            words,
            root=root,
            variables={"HOME": str(home), "USERPROFILE": str(home), **self._variables()},
            log=log,
            said=self._show,
            place=f"{KEY}.command",
        )
        self.project.display.progress("judging", 1, 1)
        if ended.status != 0:
            raise self._failed(ended, words[0], log=log)
        if not out.is_file():
            raise self._failed(ended, words[0], log=log, what="wrote nothing to {out}")
        return out.read_bytes()

    def _words(self, paths: Mapping[str, Path], *, root: Path, run: Path) -> list[str]:
        command = self.command
        values: dict[str, Any] = {name: str(path) for name, path in paths.items()}
        values["seed"] = self.recipe.training.seed
        if command.judge is not None:
            values["judge"] = self._judge_there(command.judge)
        if command.config is not None:
            file = run / Path(command.config).name
            content = (root / command.config).read_bytes()
            if command.set:
                wanted = {key: as_set(text, values) for key, text in command.set.items()}
                content = with_values(content.decode(), wanted, file=command.config).encode()
            write_atomically(file, content)
            values["config"] = str(file)
        return command_line(command, values)

    def _judge_there(self, name: str) -> str:
        """Returns what the judge is called by: its folder, or its name at its provider."""
        base = self.project.registry.base(name)
        if base.source.provider is not None:
            return base.source.model or base.base
        return str(checked(self.project, base).resolve())

    def _variables(self) -> dict[str, str]:
        names = self.command.variables
        unset = [name for name in names if not os.environ.get(name)]
        if unset:
            raise InvalidInput.one(
                f"not set here: {', '.join(unset)}",
                place=f"{KEY}.variables",
                hint="set what the evaluator is handed, such as its key",
            )
        return {name: os.environ[name] for name in names}

    def _show(self, line: str) -> None:
        done, total = step_in(line)
        self.project.display.progress("judging", done, total)

    def _failed(self, ended: Ended, program: str, *, log: Path, what: str = "") -> AdapterctlError:
        """Returns the error with the last words, where no row may be in them."""
        how = f"signal {-ended.status}" if ended.status < 0 else f"exit status {ended.status}"
        sets = self.recipe.data.evaluation
        silent = any(sets[name].sensitive for name in judged_sets(self.recipe))
        words = [] if silent else [line for line in ended.tail if line.strip()]
        shown = "".join(f"\n    {line[:200]}" for line in words)
        return AdapterctlError(
            f"{Path(program).name} {what or f'ended with {how}'}{shown}",
            place=f"{KEY}.command",
            hint=f"the whole log: {log}",
        )
