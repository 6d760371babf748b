"""Repositories of the Hugging Face Hub that have a new name: old and new are one repository.

The Hub answers for the old name, too, or once did. Which these are is known from the table here
and from what a feed of Hub cases said (`records.lifecycle.Naming`).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from adapterctl.records.lifecycle import Naming

ANY = "/*"
"""Ends the name of an organisation of which every repository is meant."""

ORGANISATIONS = {
    "thudm": "zai-org",
    "cohereforai": "CohereLabs",
}
"""https://github.com/xorbitsai/inference/pull/3870, https://github.com/huggingface/chat-ui/pull/1815"""

_MOVED: tuple[tuple[str, str], ...] = (
    ("google-bert", "bert-base-uncased bert-base-cased bert-large-uncased bert-large-cased"
     " bert-base-multilingual-cased bert-base-multilingual-uncased bert-base-chinese"
     " bert-base-german-cased bert-large-uncased-whole-word-masking"),
    ("FacebookAI", "roberta-base roberta-large roberta-large-mnli xlm-roberta-base"
     " xlm-roberta-large"),
    ("distilbert", "distilbert-base-uncased distilbert-base-cased distilbert-base-german-cased"
     " distilbert-base-multilingual-cased distilbert-base-uncased-finetuned-sst-2-english"
     " distilgpt2 distilroberta-base"),
    ("openai-community", "gpt2 gpt2-medium gpt2-large gpt2-xl openai-gpt"),
    ("google-t5", "t5-small t5-base t5-large t5-3b t5-11b"),
    ("albert", "albert-base-v1 albert-base-v2 albert-large-v1 albert-large-v2 albert-xlarge-v2"
     " albert-xxlarge-v2"),
    ("xlnet", "xlnet-base-cased xlnet-large-cased"),
)  # fmt: skip
"""Repositories that had no organisation until 2024, under the one that they have now."""

REPOSITORIES = {
    **{name: f"{owner}/{name}" for owner, names in _MOVED for name in names.split()},
    **{
        f"meta-llama/meta-llama-3.1-{size}b{kind.lower()}": f"meta-llama/Llama-3.1-{size}B{kind}"
        for size in (8, 70, 405)
        for kind in ("", "-Instruct")
    },
}
"""Old name, in small letters, to the new one."""


class Renames:
    """The table's names, and those that were observed: of each key, the latest line counts."""

    def __init__(self, observed: Iterable[Naming] = ()) -> None:
        lines = sorted(observed, key=lambda one: one.seen_on)
        self._observed = {one.key: one for one in lines}

    @cached_property
    def _new(self) -> dict[str, str]:
        organisations = {f"{old}{ANY}": f"{new}{ANY}" for old, new in ORGANISATIONS.items()}
        seen = {each.name.lower(): each.same_as for each in self._observed.values()}
        return {**REPOSITORIES, **organisations, **seen}

    def newest(self, repository: str) -> str:
        """Returns the name that a repository has now; its own where no other is known."""
        known = {repository.lower()}
        while (new := self._next(repository)) is not None and new.lower() not in known:
            known.add(new.lower())
            repository = new
        return repository

    def _next(self, repository: str) -> str | None:
        if new := self._new.get(repository.lower()):
            return new
        owner, slash, name = repository.partition("/")
        new = self._new.get(f"{owner.lower()}{ANY}") if slash else None
        return f"{new.removesuffix(ANY)}/{name}" if new else None


def unheard(stated: Iterable[Naming], ledger: Iterable[Naming]) -> list[Naming]:
    """Returns the lines that say something else than the ledger's latest of their key."""
    latest = {one.key: one for one in sorted(ledger, key=lambda one: one.seen_on)}
    return [one for one in stated if _says(one) != _says(latest.get(one.key))]


def _says(one: Naming | None) -> tuple[str, str] | None:
    return (one.name, one.same_as) if one else None
