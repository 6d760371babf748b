"""What changed between two versions, by room."""

from __future__ import annotations

import msgspec
import pytest

from adapterctl.records.adopted import AdoptedVersion, PeftRelease, StatedBase
from adapterctl.records.recipe import LoraSettings, Serving
from adapterctl.records.version import FilePin, VersionRecord
from adapterctl.rules.version_diff import ROOMS, Difference, VersionDiff, diff
from support.registries import a_dataset, a_rebuild, a_recipe, a_record, sha

OLD = a_record(a_recipe("router"), 1)


def changed(record: VersionRecord, **fields) -> VersionRecord:
    return msgspec.structs.replace(record, **fields)


def against(**fields) -> VersionDiff:
    """The difference to a version 2 in which nothing but ``fields`` is not as in version 1."""
    return diff(OLD, changed(OLD, version=2, created="2026-11-20T00:00:00Z", **fields))


def only(found: VersionDiff, room: str) -> list[tuple]:
    """The differences of one room, after a look that no other room has any."""
    assert [name for name, differences in found.rooms.items() if differences] == [room]
    return [(one.path, one.before, one.after) for one in found.rooms[room]]


def test_a_version_against_itself_has_every_room_and_nothing_in_it():
    found = diff(OLD, OLD)
    assert found.rooms == {room: [] for room in ROOMS}
    assert (found.before, found.after) == ("router@1", "router@1")


def test_another_number_and_date_are_no_difference():
    assert not any(against().rooms.values())


def test_another_base_is_told_by_name_and_fingerprint_and_once():
    other = a_record(a_recipe("router"), 1).base
    base = msgspec.structs.replace(other, base="new", fingerprint=f"fp1:{sha('new')}")
    recipe = msgspec.structs.replace(OLD.recipe, base="new")
    assert only(against(base=base, recipe=recipe), "base") == [
        ("base", "minilm-l6", "new"),
        ("fingerprint", OLD.base.fingerprint, f"fp1:{sha('new')}"),
    ]


def test_data_differ_by_digests_and_row_counts():
    train = a_dataset("data/router/train.jsonl", rows=903)
    train = msgspec.structs.replace(train, sha256=sha("more"))
    assert only(against(train=train), "data") == [
        ("train.rows", 847, 903),
        ("train.sha256", OLD.train.sha256, sha("more")),
        ("train.size", 847 * 96, 903 * 96),
    ]


def test_an_evaluation_set_that_is_gone_is_told_with_all_that_it_had():
    gold = {"gold": OLD.evaluation["gold"]}
    paths = {path: after for path, _, after in only(against(evaluation=gold), "data")}
    assert paths["evaluation.shadow.path"] is None
    fields = ("path", "md5", "sha256", "size", "rows")
    assert set(paths) == {f"evaluation.shadow.{field}" for field in fields}


def test_code_differs_by_the_files_that_were_added_removed_and_changed():
    before = [file("prepare.py", "a"), file("texts.py", "b"), file("gone.py", "c")]
    after = [file("prepare.py", "A"), file("texts.py", "b"), file("new.py", "d")]
    old = changed(OLD, code=msgspec.structs.replace(OLD.code, files=before))
    new = changed(OLD, code=msgspec.structs.replace(OLD.code, files=after, committed=False))
    assert only(diff(old, new), "code") == [
        ("committed", True, False),
        ("files.gone.py", sha("c"), None),
        ("files.new.py", None, sha("d")),
        ("files.prepare.py", sha("a"), sha("A")),
    ]


def file(path: str, content: str) -> FilePin:
    return FilePin(path=path, sha256=sha(content), size=1)


def test_the_recipe_differs_by_its_own_keys():
    recipe = msgspec.structs.replace(
        OLD.recipe, lora=LoraSettings(r=8, lora_alpha=32, lora_dropout=0.05), serving=[]
    )
    region = Serving(provider="self-hosted", region="eu", consumers=["helpdesk"])
    assert only(against(recipe=recipe), "recipe") == [
        ("lora.r", 16, 8),
        ("serving", [msgspec.to_builtins(region)], []),
    ]


@pytest.mark.parametrize(
    ("fields", "path", "can"),
    [
        ({"distributions": {**OLD.environment.distributions, "torch": "2.12.0"}},
         "distributions.torch", True),
        ({"distributions": {**OLD.environment.distributions, "click": "8.3"}},
         "distributions.click", False),
        ({"python": "3.12.1"}, "python", True),
        ({"cuda": "12.8"}, "cuda", True),
        ({"driver": "570"}, "driver", True),
        ({"threads": 4}, "threads", True),
        ({"cpu_capability": "AVX512"}, "cpu_capability", True),
        ({"cpu_model": "Another"}, "cpu_model", False),
        ({"deterministic": False}, "deterministic", True),
        ({"variables": {"LANG": "C"}}, "variables.LANG", False),
    ],
)  # fmt: skip
def test_the_environment_is_split_by_what_can_change_results(fields, path, can):
    environment = msgspec.structs.replace(OLD.environment, **fields)
    [one] = against(environment=environment).rooms["environment"]
    assert (one.path, one.can_change_results) == (path, can)


def test_results_are_metrics_weights_and_where_it_was_rebuilt_from():
    rebuilt = a_rebuild(1, "minilm-l6", verdict="FAIL")
    found = against(
        metrics={"gold": {"accuracy": 0.91}}, weights_sha256=sha("new"), rebuilt_from=rebuilt
    )
    assert only(found, "results") == [
        ("metrics.gold.accuracy", 0.905, 0.91),
        ("metrics.shadow.accuracy", 0.88, None),
        ("rebuilt_from.base", None, "minilm-l6"),
        ("rebuilt_from.parity", None, "FAIL"),
        ("rebuilt_from.rung", None, "carried"),
        ("rebuilt_from.version", None, 1),
        ("weights_sha256", OLD.weights_sha256, sha("new")),
    ]


def test_metrics_stand_side_by_side_even_when_they_are_equal():
    found = against(metrics={"gold": {"accuracy": 0.905, "f1_macro": 0.9}})
    sides = [(one.set, one.metric, one.before, one.after) for one in found.metrics]
    assert sides == [
        ("gold", "accuracy", 0.905, 0.905),
        ("gold", "f1_macro", None, 0.9),
        ("shadow", "accuracy", 0.88, None),
    ]


def test_zero_is_not_nothing():
    train = msgspec.structs.replace(OLD.train, rows=0)
    without = changed(OLD, train=msgspec.structs.replace(OLD.train, rows=None))
    assert diff(changed(OLD, train=train), without).rooms["data"] == [
        Difference(path="train.rows", before=0, after=None)
    ]


def test_no_field_of_a_record_falls_between_the_rooms():
    """Every field is in a room, or names the record; a new one is a result until it is placed."""
    unsaid = {"schema_version", "adapter", "version", "created", "created_by", "inputs_digest",
              "recipe_digest"}  # fmt: skip
    empty = AdoptedVersion(
        schema_version=1, adapter="other", version=9, created="", created_by="", origin="x",
        peft_type="IA3", peft_release=PeftRelease(min="0.5"), base=StatedBase(kind="none"),
        config={"r": 3}, adapter_config_sha256=sha("c"), content_sha256=sha("d"),
    )  # fmt: skip
    rooms = diff(OLD, empty).rooms
    told = {path for differences in rooms.values() for path in (one.path for one in differences)}
    first = {path.partition(".")[0] for path in told}
    fields = {
        name for name in VersionRecord.__struct_fields__
        if getattr(OLD, name) not in (None, [], {}) and name not in unsaid
    }  # fmt: skip
    assert fields - {"base", "code", "recipe", "environment"} <= first
    assert all(rooms.values())
    assert ("config.r", None, 3) in [(d.path, d.before, d.after) for d in rooms["recipe"]]
    assert all(one.can_change_results for one in rooms["environment"])
