"""BASE004: the same weights under another name are recognised when added, and by the audit."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from adapterctl.jobs.audit import audit
from adapterctl.rules.findings import Finding
from adapterctl.stores.safetensors import identify
from support.commands import Commands
from support.registries import SmallRegistry
from support.safetensors_files import Tensors, write_safetensors

WEIGHTS: Tensors = {
    "embeddings.weight": ("F32", [2, 2], bytes(range(16))),
    "encoder.weight": ("F32", [2, 2], bytes(range(16, 32))),
    "embeddings.position_ids": ("I64", [1], bytes(8)),
}
POOLER: Tensors = {"pooler.weight": ("F32", [1], b"pool")}
OTHER: Tensors = {**WEIGHTS, "encoder.weight": ("F32", [2, 2], bytes(16))}


@pytest.fixture
def made(tmp_path: Path) -> SmallRegistry:
    return SmallRegistry(tmp_path / "project")


@pytest.fixture
def do(made: SmallRegistry, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(made.root, capsys)


def folder(made: SmallRegistry, name: str, *shards: Tensors) -> str:
    """Writes a base of one file, or of several with an index."""
    place = made.root.parent / "bases" / name
    files = ["model.safetensors"] if len(shards) == 1 else [f"{n}.safetensors" for n in range(9)]
    for file, tensors in zip(files, shards, strict=False):
        write_safetensors(place / file, tensors)
    if len(shards) > 1:
        held = zip(files, shards, strict=False)
        weight_map = {tensor: file for file, tensors in held for tensor in tensors}
        index = place / "model.safetensors.index.json"
        index.write_text(json.dumps({"weight_map": weight_map}))
    return str(place)


def under(prefix: str, tensors: Tensors) -> Tensors:
    return {f"{prefix}{name}": tensor for name, tensor in tensors.items()}


def test_other_names_other_shards_and_an_added_pooler_are_the_same_weights(made, do):
    do("bases", "add", "first", "--path", folder(made, "first", WEIGHTS))
    copy = folder(made, "copy", under("bert.", WEIGHTS), under("bert.", POOLER))
    said = do("bases", "add", "second", "--path", copy)
    assert said.status == 0
    assert (
        "BASE004 second has the same weights as first\n"
        "  hint: one base with two names: adapterctl bases alias first second\n"
    ) in said.out
    assert "git add registry/bases/second.yaml registry/bases/second.tensors\n" in said.out


def test_weights_that_differ_in_one_tensor_are_not_the_same(made, do):
    do("bases", "add", "first", "--path", folder(made, "first", WEIGHTS))
    said = do("bases", "add", "second", "--path", folder(made, "other", OTHER))
    assert said.status == 0
    assert "BASE004" not in said.out


def test_weights_that_were_fingerprinted_elsewhere_are_recognised_too(made, do, tmp_path):
    do("bases", "add", "first", "--path", folder(made, "first", WEIGHTS))
    there, file = folder(made, "there", under("m.", WEIGHTS)), str(tmp_path / "there.json")
    assert do("bases", "fingerprint", there, "--out", file).status == 0
    said = do("bases", "add", "second", "--path", "/far/away", "--fingerprint", file)
    assert "BASE004 second has the same weights as first\n" in said.out


@pytest.fixture
def twice(made: SmallRegistry, do: Commands) -> SmallRegistry:
    """``first`` and ``second`` are the same weights; an adapter stands on each, and on a third."""
    for name, tensors in (("first", WEIGHTS), ("second", under("m.", WEIGHTS)), ("other", OTHER)):
        assert do("bases", "add", name, "--path", folder(made, name, tensors)).status == 0
    for adapter, base in (("router", "first"), ("labeller", "second"), ("reader", "other")):
        made.adapter(adapter, base=base)
    return made


def found(made: SmallRegistry, **options) -> list[Finding]:
    return [one for one in audit(made.project(), **options).findings if one.code == "BASE004"]


def test_the_audit_tells_the_pair_once_about_the_later_name(twice):
    assert found(twice) == [
        Finding(
            code="BASE004",
            severity="low",
            subject="base:second",
            message="the same weights as first: what is known of the one is not known of the other",
            owners=["platform-ml", "support-ml"],
            base="second",
            affects=["labeller@1"],
            mend="adapterctl bases alias first second",
        )
    ]


def test_an_unused_name_is_the_one_to_give_up(twice):
    twice.event("router", "retired", 1, at="2026-10-01T08:00:00Z", because="done")
    assert [(one.subject, one.mend) for one in found(twice)] == [
        ("base:first", "adapterctl bases alias second first")
    ]


def test_its_mend_ends_it(twice, do):
    [one] = found(twice)
    assert do(*one.mend.split()[1:]).status == 0
    assert found(twice) == []


def test_a_twin_that_cannot_be_read_is_skipped_and_not_fine(twice):
    twice.event("router", "retired", 1, at="2026-10-01T08:00:00Z", because="done")
    twice.door.base_path("first").write_text("base: first\nrevison: x\n")
    answer = audit(twice.project())
    assert [one.subject for one in answer.skipped] == ["base:first"]
    assert found(twice) == []


def test_the_identity_that_a_stage_wrote_counts_too(twice):
    """A base that is built on the spot has no list in the registry."""
    base = twice.door.base("second")
    identity = identify(Path(base.source.path or ""))
    (twice.root / "second.json").write_bytes(msgspec.json.encode(identity))
    twice.door.base_path("second").with_suffix(".tensors").unlink()
    assert found(twice) == []
    stage_built = msgspec.structs.replace(base, fingerprint=None, fingerprint_file="second.json")
    twice.door.write_base(stage_built)
    assert [one.subject for one in found(twice)] == ["base:second"]
