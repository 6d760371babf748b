from __future__ import annotations

import json
from pathlib import Path

import pytest

from adapterctl.stores.safetensors import config_digest, identify, weights_digest
from support.commands import Commands, modules_after
from support.registries import SmallRegistry
from support.safetensors_files import Tensors, write_safetensors

LORA: Tensors = {
    "base_model.model.encoder.query.lora_A.weight": ("F32", [2, 4], bytes(range(32))),
    "base_model.model.encoder.query.lora_B.weight": ("F32", [3, 2], bytes(range(24))),
}
BASE: Tensors = {"embed.weight": ("F16", [2, 2], b"abcdefgh")}


@pytest.fixture
def stray(tmp_path: Path) -> Path:
    """A PEFT folder outside the project, under a name that says nothing."""
    folder = tmp_path / "downloads" / "final_v3_really"
    write_safetensors(folder / "adapter_model.safetensors", LORA)
    (folder / "adapter_config.json").write_text(json.dumps({"r": 2, "lora_alpha": 8}))
    return folder


@pytest.fixture
def made(tmp_path: Path, stray: Path) -> SmallRegistry:
    """A registry that knows the stray folder's weights as router@2, and a base."""
    registry = SmallRegistry(tmp_path / "project")
    registry.base("minilm-l6")
    base = write_safetensors(tmp_path / "bases" / "tiny" / "model.safetensors", BASE).parent
    registry.base("tiny", fingerprint=identify(base).fingerprint)
    recipe = registry.recipe("router")
    registry.version(recipe)
    registry.version(
        recipe,
        weights_sha256=weights_digest(stray),
        adapter_config_sha256=config_digest(stray),
    )
    registry.event("router", "promoted", 2)
    return registry


@pytest.fixture
def project(made: SmallRegistry, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(made.root, capsys)


def test_a_stray_file_is_named_by_its_content(project, stray):
    said = project("whatis", str(stray / "adapter_model.safetensors"))
    assert said.status == 0
    assert said.out == (
        "adapter router@2 (champion)\n"
        f"  digest      {weights_digest(stray)}\n"
        "  kind        LoRA\n"
        "  rank        2\n"
        "  targets     query\n"
        "  tensors     2 (F32)\n"
        "  parameters  14\n"
    )


def test_a_folder_is_named_too_and_its_config_is_compared(project, stray):
    assert project("whatis", str(stray)).out.startswith("adapter router@2 (champion)\n  ")
    (stray / "adapter_config.json").write_text(json.dumps({"r": 2, "lora_alpha": 64}))
    said = project("whatis", str(stray))
    assert said.status == 0
    assert "its adapter_config.json is NOT the registered one" in said.out
    [result] = project("whatis", str(stray), "--format", "json").json["results"]
    assert result["names"] == [
        {
            "kind": "adapter",
            "name": "router@2",
            "aliases": ["champion"],
            "config_differs": True,
            "exact": True,
        }
    ]


def test_other_metadata_and_file_names_do_not_hide_it(project, stray, tmp_path):
    turned = dict(reversed(LORA.items()))
    copy = write_safetensors(tmp_path / "x.safetensors", turned)
    assert copy.read_bytes() != (stray / "adapter_model.safetensors").read_bytes()
    assert project("whatis", str(copy)).out.startswith("adapter router@2")


def test_a_base_is_named_by_its_file_or_folder(project, tmp_path):
    folder = tmp_path / "bases" / "tiny"
    for path in (folder, folder / "model.safetensors"):
        said = project("whatis", str(path))
        assert (said.status, said.out.splitlines()[0]) == (0, "base tiny")


def test_a_shard_and_a_renamed_copy_are_named_after_the_base_they_are_of(project, tmp_path):
    shard: Tensors = {"embed.weight": ("F16", [2, 2], b"abcdefgh")}
    whole: Tensors = {**shard, "head.weight": ("F16", [1], b"ij")}
    folder = write_safetensors(tmp_path / "bases" / "two" / "model.safetensors", whole).parent
    assert project("bases", "add", "two", "--path", str(folder)).status == 0
    renamed = {f"model.{name}": tensor for name, tensor in whole.items()}
    for name, tensors in {"shard": {"head.weight": whole["head.weight"]}, "copy": renamed}.items():
        said = project("whatis", str(write_safetensors(tmp_path / f"{name}.bin", tensors)))
        assert said.status == 0
        assert said.out.startswith("base two: a part of it, or its tensors under other names\n")


def test_every_version_with_the_weights_is_named(project, made, stray):
    recipe = made.door.recipe("router")
    made.version(recipe, weights_sha256=weights_digest(stray))
    results = project("whatis", str(stray), "--format", "json").json["results"]
    assert [one["name"] for one in results[0]["names"]] == ["router@2", "router@3"]


def test_one_byte_makes_it_unknown_and_what_it_holds_is_told(project, tmp_path):
    name, (dtype, shape, data) = next(iter(LORA.items()))
    other = LORA | {name: (dtype, shape, b"\xff" + data[1:])}
    path = write_safetensors(tmp_path / "other.safetensors", other)
    said = project("whatis", str(path))
    assert said.status == 1
    assert said.out.startswith("not known here: no registered version and no base has these")
    assert "  rank        2\n" in said.out


def test_unknown_weights_that_are_no_adapter_are_said_to_be_none(project, tmp_path):
    path = write_safetensors(tmp_path / "other.safetensors", {"w": ("U8", [1], b"x")})
    said = project("whatis", str(path))
    assert said.status == 1
    assert "  kind        not LoRA\n" in said.out


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "a Git LFS pointer"),
        (b"PK\x03\x04 a pickle in a zip, as torch writes", "not safetensors, or cut off"),
        (b"", "not safetensors, or cut off in its header (0 bytes)"),
        ("cut", "truncated: "),
    ],
    ids=["lfs", "pickle", "empty", "truncated"],
)
def test_what_cannot_be_read_exits_3_and_says_why(project, stray, tmp_path, content, message):
    path = tmp_path / "broken.safetensors"
    whole = (stray / "adapter_model.safetensors").read_bytes()
    path.write_bytes(whole[:-5] if content == "cut" else content)
    said = project("whatis", str(path))
    assert (said.status, said.out) == (3, "")
    assert said.err.startswith(f"error: {path}: {message}")


def test_a_folder_with_pickled_weights_is_told_what_to_do(project, stray):
    (stray / "adapter_model.safetensors").rename(stray / "adapter_model.bin")
    said = project("whatis", str(stray))
    assert said.status == 3
    assert "pickled weights only: adapter_model.bin\n  hint: " in said.err


def test_a_file_that_is_not_there_exits_3(project, tmp_path):
    said = project("whatis", str(tmp_path / "nothing"))
    assert (said.status, said.err) == (3, f"error: {tmp_path / 'nothing'}: no such file\n")


def test_a_broken_record_that_names_the_weights_is_told(project, made, stray):
    path = made.door.record_path("router", 2)
    path.write_bytes(path.read_bytes().replace(b'"schema_version": 1', b'"schema_version": 7'))
    said = project("whatis", str(stray))
    assert said.status == 1
    assert "adapter:router@2: registry/adapters/router/2.json: " in said.out


def test_nothing_heavy_is_imported(made, stray):
    heavy = {"torch", "transformers", "peft", "numpy", "mlflow", "dvc", "safetensors"}
    assert modules_after(made.root, "whatis", str(stray)) & heavy == set()
