"""Where data lie and whether they stay there must be said, and must go together."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from adapterctl.errors import InvalidInput
from adapterctl.records.recipe import EvaluationData, Selection, TrainData
from adapterctl.rules.bucket_urls import split
from adapterctl.rules.recipes import Contradiction, contradictions, recipe_digest
from support.recipes import classifier

KEPT = "s3://customers/2026/train.jsonl"
LOCAL = "data/train.jsonl"


DIGEST_BEFORE = "429ce69d7289383bffd28a2ef4719268675915b7154b7a615672fcdf6b8afa78"
"""Of `classifier()`, while only a training set could stay in a bucket."""


def said(train: TrainData, **evaluation: EvaluationData) -> list[Contradiction]:
    recipe = classifier()
    data = replace(recipe.data, train=train, evaluation=evaluation)
    return list(contradictions(replace(recipe, data=data)))


def test_data_that_stay_in_their_bucket_are_named_and_said_to_stay() -> None:
    pool = Selection(pool=KEPT, copy=False, reason="all")
    gold = EvaluationData(path=KEPT, copy=False, metrics=["accuracy"])
    assert said(TrainData(path=KEPT, copy=False, selection=pool), gold=gold) == []


def test_data_in_a_bucket_are_never_copied_by_default() -> None:
    hint = "add copy: false, or fetch it into the project for DVC to keep"
    what = "data in a bucket are pinned there, and not copied"
    pool, gold = Selection(pool=KEPT), EvaluationData(path=KEPT, metrics=["accuracy"])
    assert said(TrainData(path=KEPT, selection=pool), gold=gold) == [
        (("data", "train", "path"), what, hint),
        (("data", "train", "selection", "pool"), what, hint),
        (("data", "evaluation", "gold", "path"), what, hint),
    ]


def test_a_file_of_the_project_cannot_stay_elsewhere() -> None:
    assert said(TrainData(path=LOCAL, copy=False)) == [
        (
            ("data", "train", "copy"),
            "only data in a bucket can stay where they are",
            "write path: s3://BUCKET/KEY, or remove copy: false",
        )
    ]


WRONG = {
    "gs://customers/x.jsonl": ("no data are read from gs://", "s3://BUCKET/KEY, or a file"),
    "s3://Not_A_Bucket/x.jsonl": (
        "not the address of a bucket",
        "write it as s3://BUCKET/KEY",
    ),
    "s3://customers/": (
        "not the address of an object",
        "name one object; a folder of them has no version id",
    ),
    "s3://customers/2026/": (
        "not the address of an object",
        "name one object; a folder of them has no version id",
    ),
}


@pytest.mark.parametrize("path", WRONG)
def test_other_addresses_are_refused(path: str) -> None:
    assert said(TrainData(path=path, copy=False)) == [(("data", "train", "path"), *WRONG[path])]


def test_the_word_copy_changes_no_digest_where_it_is_not_said() -> None:
    """Recipes that were registered before it keep theirs: the same five are the same version."""
    recipe = classifier()
    assert recipe_digest(recipe) == DIGEST_BEFORE
    gold = replace(recipe.data.evaluation["gold"], copy=False)
    pool = Selection(pool=KEPT, reason="all")
    kept = replace(pool, copy=False)
    digests = {
        recipe_digest(replace(recipe, data=replace(recipe.data, **told)))
        for told in (
            {},
            {"evaluation": {"gold": gold}},
            {"train": replace(recipe.data.train, selection=pool)},
            {"train": replace(recipe.data.train, selection=kept)},
        )
    }
    assert len(digests) == 4


def test_a_prefix_is_read_as_a_folder() -> None:
    assert [split(f"s3://bucket{rest}").prefix for rest in ("", "/", "/a/b", "/a/b/")] == [
        "", "", "a/b/", "a/b/"
    ]  # fmt: skip
    with pytest.raises(InvalidInput, match=r"file\.jsonl: not the address of a bucket"):
        split("file.jsonl")
