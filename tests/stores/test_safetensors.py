from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from adapterctl.errors import InvalidInput
from adapterctl.records.base import BaseDigests, BaseIdentity
from adapterctl.stores.safetensors import (
    config_digest,
    identify,
    tensor_digests,
    tensor_lines,
    weights_digest,
)

Tensors = dict[str, tuple[str, list[int], bytes]]

EMBED = ("F32", [4, 2], bytes(range(32)))
HEAD = ("F16", [3], b"abcdef")
NORM = ("BF16", [], b"\x00\x3f")
BASE: Tensors = {"embed.weight": EMBED, "head.weight": HEAD, "norm": NORM}


def write_tensors(path: Path, tensors: Tensors, *, metadata: bool = True) -> Path:
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}} if metadata else {}
    place = 0
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [place, place + len(data)]}
        place += len(data)
    return write_raw(path, header, b"".join(data for _, _, data in tensors.values()))


def write_raw(path: Path, header: dict[str, Any], data: bytes) -> Path:
    text = json.dumps(header).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


def write_shards(folder: Path, shards: dict[str, Tensors]) -> Path:
    weight_map = {name: file for file, tensors in shards.items() for name in tensors}
    for file, tensors in shards.items():
        write_tensors(folder / file, tensors)
    index = {"metadata": {"total_size": 40}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


def refusal(folder: Path) -> str:
    with pytest.raises(InvalidInput) as caught:
        identify(folder)
    return str(caught.value).replace(str(folder), "BASE")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    write_tensors(tmp_path / "base" / "model.safetensors", BASE)
    return tmp_path / "base"


def test_the_fingerprint_is_the_documented_one(base: Path) -> None:
    lines = [
        f"embed.weight\tF32\t[4,2]\t{hashlib.sha256(EMBED[2]).hexdigest()}",
        f"head.weight\tF16\t[3]\t{hashlib.sha256(HEAD[2]).hexdigest()}",
        f"norm\tBF16\t[]\t{hashlib.sha256(NORM[2]).hexdigest()}",
    ]
    expected = hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()
    assert tensor_lines(base / "model.safetensors") == lines
    assert identify(base) == BaseIdentity(
        fingerprint=f"fp1:{expected}",
        digests=BaseDigests(),
        parameters=12,
        bytes=40,
        tensors=3,
        float_digests=sorted(hashlib.sha256(data).hexdigest()[:16] for _, _, data in BASE.values()),
    )


def test_only_floating_point_tensors_tell_the_same_weights(base: Path, tmp_path: Path) -> None:
    """Copies differ in buffers of whole numbers, in names, and in how often a tied one is there."""
    buffers: Tensors = {
        "position_ids": ("I64", [1], bytes(8)),
        "mask": ("BOOL", [2], b"\x00\x01"),
        "lm_head.weight": EMBED,
    }
    renamed = {f"model.{name}": tensor for name, tensor in BASE.items()}
    copy = write_tensors(tmp_path / "copy" / "model.safetensors", {**renamed, **buffers}).parent
    assert identify(copy).fingerprint != identify(base).fingerprint
    assert identify(copy).float_digests == identify(base).float_digests


def test_sharding_file_names_order_and_metadata_do_not_change_the_fingerprint(
    base: Path, tmp_path: Path
) -> None:
    two = write_shards(
        tmp_path / "two",
        {"model-00001-of-00002.safetensors": {"norm": NORM, "embed.weight": EMBED},
         "model-00002-of-00002.safetensors": {"head.weight": HEAD}},
    )  # fmt: skip
    three = write_shards(
        tmp_path / "three",
        {"a.safetensors": {"head.weight": HEAD}, "b.safetensors": {"embed.weight": EMBED},
         "c.safetensors": {"norm": NORM}},
    )  # fmt: skip
    turned = dict(reversed(BASE.items()))
    bare = write_tensors(tmp_path / "bare" / "model.safetensors", turned, metadata=False).parent
    assert identify(base) == identify(two) == identify(three) == identify(bare)


@pytest.mark.parametrize(
    ("name", "tensor"),
    [
        ("norm", ("BF16", [], b"\x01\x3f")),
        ("norm", ("F16", [], b"\x00\x3f")),
        ("norm", ("BF16", [1], b"\x00\x3f")),
        ("embed.weight", ("F32", [2, 4], bytes(range(32)))),
    ],
    ids=["one byte", "dtype", "rank", "shape"],
)
def test_any_change_of_a_tensor_changes_the_fingerprint(
    base: Path, tmp_path: Path, name: str, tensor: tuple[str, list[int], bytes]
) -> None:
    changed = write_tensors(tmp_path / "changed" / "model.safetensors", BASE | {name: tensor})
    assert identify(changed.parent).fingerprint != identify(base).fingerprint


def test_a_renamed_tensor_changes_the_fingerprint(base: Path, tmp_path: Path) -> None:
    renamed = {("norms" if name == "norm" else name): t for name, t in BASE.items()}
    other = write_tensors(tmp_path / "renamed" / "model.safetensors", renamed)
    assert identify(other.parent).fingerprint != identify(base).fingerprint


def test_the_library_reads_the_same_tensors(tmp_path: Path) -> None:
    numpy = pytest.importorskip("numpy")
    library = pytest.importorskip("safetensors.numpy")
    arrays = {
        "b": numpy.arange(6, dtype="float32").reshape(2, 3),
        "a": numpy.arange(5, dtype="int64"),
        "empty": numpy.zeros((0, 4), dtype="float16"),
        "flag": numpy.array([True, False]),
    }
    library.save_file(arrays, tmp_path / "model.safetensors", metadata={"format": "np"})
    expected = sorted(
        f"{name}\t{dtype}\t[{','.join(map(str, arrays[name].shape))}]\t"
        f"{hashlib.sha256(arrays[name].tobytes()).hexdigest()}"
        for name, dtype in {"b": "F32", "a": "I64", "empty": "F16", "flag": "BOOL"}.items()
    )
    assert tensor_lines(tmp_path / "model.safetensors") == expected


def test_large_tensors_are_hashed_whole_and_progress_counts_every_byte(tmp_path: Path) -> None:
    data = os.urandom(3_000_001)
    tensors: Tensors = {"a": ("U8", [len(data)], data), "b": ("U8", [7], b"1234567")}
    write_tensors(tmp_path / "model.safetensors", tensors)
    seen: list[tuple[str, int, int]] = []
    digests = tensor_digests(tmp_path, progress=lambda *step: seen.append(step))
    assert {d.name: d.sha256 for d in digests}["a"] == hashlib.sha256(data).hexdigest()
    assert seen[-1] == ("hashing weights", 3_000_008, 3_000_008)
    assert len(seen) == 2


# beside the weights


def write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value))


def test_config_tokenizer_and_template_have_digests_of_their_own(base: Path) -> None:
    write_json(base / "config.json", {"model_type": "bert", "architectures": ["BertModel"]})
    write_json(base / "tokenizer.json", {"model": {}})
    (base / "chat_template.jinja").write_text("{{ messages }}")
    whole = identify(base)
    assert (whole.family, whole.architecture) == ("bert", "BertModel")

    write_json(base / "config.json", {"model_type": "bert", "architectures": ["Other"]})
    config = identify(base)
    (base / "tokenizer.json").write_text("{}")
    tokenizer = identify(base)
    (base / "chat_template.jinja").write_text("{{ message }}")
    template = identify(base)

    assert {whole.fingerprint} == {config.fingerprint, template.fingerprint}
    assert changed(whole.digests, config.digests) == ["config"]
    assert changed(config.digests, tokenizer.digests) == ["tokenizer"]
    assert changed(tokenizer.digests, template.digests) == ["chat_template"]


def changed(one: BaseDigests, two: BaseDigests) -> list[str]:
    fields = ["config", "tokenizer", "chat_template"]
    return [name for name in fields if getattr(one, name) != getattr(two, name)]


def test_what_a_copy_rewrites_in_config_json_does_not_change_its_digest(base: Path) -> None:
    write_json(base / "config.json", {"model_type": "bert", "hidden_size": 4})
    before = identify(base).digests.config
    write_json(
        base / "config.json",
        {
            "hidden_size": 4,
            "transformers_version": "9",
            "_name_or_path": "/x",
            "model_type": "bert",
        },
    )
    assert identify(base).digests.config == before
    write_json(base / "config.json", {"model_type": "bert", "hidden_size": 5})
    assert identify(base).digests.config != before


def test_a_template_inside_tokenizer_config_counts_as_the_same_text(base: Path) -> None:
    (base / "chat_template.jinja").write_text("{{ é }}", encoding="utf-8")
    in_file = identify(base).digests.chat_template
    (base / "chat_template.jinja").unlink()
    write_json(base / "tokenizer_config.json", {"chat_template": "{{ é }}"})
    assert identify(base).digests.chat_template == in_file
    assert in_file == hashlib.sha256("{{ é }}".encode()).hexdigest()


def test_a_config_that_is_not_json_is_refused(base: Path) -> None:
    (base / "config.json").write_text("{")
    assert refusal(base) == (
        "BASE/config.json: not a JSON object: Input data was truncated\n"
        "  hint: fetch the file again"
    )


# the cache


def test_a_known_file_is_not_read_again_and_a_changed_one_is(base: Path, tmp_path: Path) -> None:
    file, cache, read = base / "model.safetensors", tmp_path / "cache", []
    first = identify(base, cache=cache, progress=lambda *step: read.append(step))
    assert len(read) == 3
    assert identify(base, cache=cache, progress=lambda *step: read.append(step)) == first
    assert len(read) == 3
    status = file.stat()
    write_tensors(file, BASE | {"norm": ("BF16", [], b"\x01\x3f")})
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    second = identify(base, cache=cache, progress=lambda *step: read.append(step))
    assert len(read) == 6
    assert second.fingerprint != first.fingerprint


@pytest.mark.parametrize("damage", [b"", b"{", b'{"identity": [], "tensors": []}', b"\xff\xff"])
def test_a_damaged_cache_entry_counts_as_absent(base: Path, tmp_path: Path, damage: bytes) -> None:
    cache = tmp_path / "cache"
    first = identify(base, cache=cache)
    (entry,) = cache.iterdir()
    entry.write_bytes(damage)
    assert identify(base, cache=cache) == first
    assert len(entry.read_bytes()) > 100


def test_a_cache_that_cannot_be_written_costs_only_time(base: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert identify(base, cache=tmp_path / "file") == identify(base)


def test_a_snapshot_of_links_is_known_by_the_files_behind_them(base: Path, tmp_path: Path) -> None:
    snapshot, cache, read = tmp_path / "snapshot", tmp_path / "cache", []
    snapshot.mkdir()
    (snapshot / "model.safetensors").symlink_to(base / "model.safetensors")
    assert identify(snapshot, cache=cache) == identify(base)
    identify(base, cache=cache, progress=lambda *step: read.append(step))
    assert read == []


# refusals


def test_a_truncated_file_is_refused(base: Path) -> None:
    file = base / "model.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[:-5])
    assert refusal(base) == (
        f"BASE/model.safetensors: truncated: {len(whole)} bytes are declared, "
        f"{len(whole) - 5} are there\n  hint: fetch the file again"
    )
    for length in (0, 5, 40):
        file.write_bytes(whole[:length])
        assert refusal(base) == (
            f"BASE/model.safetensors: not safetensors, or cut off in its header ({length} bytes)\n"
            "  hint: fetch the file again"
        )


def test_a_pointer_of_git_lfs_is_refused_with_the_mend(base: Path) -> None:
    (base / "model.safetensors").write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"
    )
    assert refusal(base) == (
        "BASE/model.safetensors: a Git LFS pointer, not the weights\n  hint: git lfs pull"
    )


def entry(begin: int, end: int, **changes: Any) -> dict[str, Any]:
    return {"dtype": "U8", "shape": [end - begin], "data_offsets": [begin, end]} | changes


@pytest.mark.parametrize(
    ("header", "what"),
    [
        ({"a": entry(0, 4), "b": entry(2, 8)}, "tensor 'b' overlaps the tensor before it"),
        ({"a": entry(0, 4), "b": entry(6, 8)}, "tensor 'b' follows a hole"),
        ({"a": entry(2, 8)}, "tensor 'a' follows a hole"),
        ({"a": entry(0, 4)}, "its last 4 bytes belong to no tensor"),
        (
            {"a": entry(0, 8, data_offsets=[8, 0])},
            "tensor 'a' has impossible offsets: 8 to 0",
        ),
        (
            {"a": entry(0, 8, data_offsets=[-8, 0])},
            "tensor 'a' has impossible offsets: -8 to 0",
        ),
        (
            {"a": entry(0, 8, dtype="F32")},
            "tensor 'a' has 8 bytes, which F32 [8] does not take",
        ),
        (
            {"a\tb": entry(0, 8)},
            "the tensor name 'a\\tb' holds a tab or a line break",
        ),
    ],
)
def test_offsets_that_cannot_be_true_are_refused(
    tmp_path: Path, header: dict[str, Any], what: str
) -> None:
    write_raw(tmp_path / "model.safetensors", header, b"12345678")
    assert refusal(tmp_path) == (f"BASE/model.safetensors: {what}\n  hint: fetch the file again")


@pytest.mark.parametrize("header", [b"[]", b'{"a": 1}', b'{"a": {"dtype": "U8"}}', b"{\xff}"])
def test_a_header_of_another_shape_is_refused(tmp_path: Path, header: bytes) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(len(header).to_bytes(8, "little") + header)
    assert refusal(tmp_path).startswith(
        "BASE/model.safetensors: its header is not a safetensors header: "
    )


def test_a_missing_shard_is_named(base: Path) -> None:
    (base / "model.safetensors").unlink()
    write_shards(base, {"a.safetensors": {"norm": NORM}, "b.safetensors": {"head": HEAD}})
    (base / "b.safetensors").unlink()
    assert refusal(base) == (
        "BASE/model.safetensors.index.json: missing shards: b.safetensors\n"
        "  hint: fetch the base again"
    )


def test_a_tensor_in_two_shards_is_refused(tmp_path: Path) -> None:
    write_shards(
        tmp_path,
        {
            "a.safetensors": {"norm": NORM, "embed": EMBED},
            "b.safetensors": {"head": HEAD, "norm": NORM},
        },
    )
    assert refusal(tmp_path) == (
        "BASE/b.safetensors: tensor 'norm' is also in a.safetensors\n  hint: fetch the base again"
    )


def test_an_index_that_promises_more_than_its_shards_hold_is_refused(tmp_path: Path) -> None:
    write_shards(tmp_path, {"a.safetensors": BASE})
    index = tmp_path / "model.safetensors.index.json"
    names = [*BASE, "l1", "l2", "l3", "l4"]
    write_json(index, {"weight_map": dict.fromkeys(names, "a.safetensors")})
    assert refusal(tmp_path) == (
        "BASE/model.safetensors.index.json: tensors that are not where it says: "
        "l1, l2, l3 and 1 more\n  hint: fetch the base again"
    )


def test_an_index_cannot_reach_outside_its_folder(base: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    write_json(
        other / "model.safetensors.index.json",
        {"weight_map": {"norm": "../base/model.safetensors"}},
    )
    assert refusal(other) == (
        "BASE/model.safetensors.index.json: names files outside its folder: "
        "../base/model.safetensors\n  hint: fetch the base again"
    )


def test_an_index_without_a_map_is_refused(tmp_path: Path) -> None:
    write_json(tmp_path / "model.safetensors.index.json", {"weight_map": {}})
    assert refusal(tmp_path) == (
        "BASE/model.safetensors.index.json: names no shards (weight_map)\n"
        "  hint: fetch the base again"
    )


def test_two_sets_of_weights_in_one_folder_are_refused(base: Path) -> None:
    write_shards(base, {"a.safetensors": BASE})
    assert refusal(base) == (
        "BASE: holds both model.safetensors and model.safetensors.index.json with other files\n"
        "  hint: keep one: transformers loads the first, a fingerprint would name the second"
    )


def test_a_folder_without_safetensors_says_what_it_holds_instead(tmp_path: Path) -> None:
    assert refusal(tmp_path / "gone") == (
        "BASE: no such folder\n  hint: name the folder that holds config.json and the weights"
    )
    assert refusal(tmp_path) == (
        "BASE: no safetensors\n"
        "  hint: a base has model.safetensors, or model.safetensors.index.json and its shards"
    )
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    assert refusal(tmp_path) == (
        "BASE: no safetensors, only pickled weights: pytorch_model.bin\n"
        "  hint: convert it once: load it with transformers and save_pretrained() it"
    )
    (tmp_path / "adapter_config.json").write_text("{}")
    assert refusal(tmp_path) == (
        "BASE: an adapter, not a base\n"
        "  hint: name the base; an adapter is taken by: adapterctl register RECIPE --adapter DIR"
    )


# adapters


def test_an_adapter_is_known_by_its_tensors_not_by_its_file(tmp_path: Path) -> None:
    one = write_tensors(tmp_path / "one" / "adapter_model.safetensors", BASE)
    turned = dict(reversed(BASE.items()))
    two = write_tensors(tmp_path / "two" / "x.safetensors", turned, metadata=False)
    assert one.read_bytes() != two.read_bytes()
    assert weights_digest(one) == weights_digest(one.parent) == weights_digest(two)
    write_tensors(two, BASE | {"norm": ("BF16", [], b"\x01\x3f")})
    assert weights_digest(two) != weights_digest(one)


def test_a_missing_adapter_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"adapter_model\.safetensors: cannot read: No such"):
        weights_digest(tmp_path)


def test_the_order_of_sets_does_not_change_the_config_digest(tmp_path: Path) -> None:
    file = tmp_path / "adapter_config.json"
    config = {"r": 8, "target_modules": ["q", "v"], "base_model_name_or_path": "a/b"}
    write_json(file, config)
    first = config_digest(tmp_path)
    write_json(file, dict(reversed((config | {"target_modules": ["v", "q"]}).items())))
    assert config_digest(file) == first
    for change in ({"r": 9}, {"target_modules": ["q"]}, {"base_model_name_or_path": "a/c"}):
        write_json(file, config | change)
        assert config_digest(file) != first


def test_lists_that_are_not_sets_keep_their_order(tmp_path: Path) -> None:
    file = tmp_path / "adapter_config.json"
    write_json(file, {"layer_replication": [[0, 4], [2, 5]]})
    first = config_digest(file)
    write_json(file, {"layer_replication": [[2, 5], [0, 4]]})
    assert config_digest(file) != first


def test_real_adapter_configs_have_digests(corpus: Path) -> None:
    files = sorted((corpus / "adapters" / "configs").glob("*.json"))
    assert len({config_digest(file) for file in files}) > 100


def test_every_set_of_a_lora_config_is_known(tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    config = peft.LoraConfig(
        target_modules=["b", "a"], exclude_modules=["d", "c"], modules_to_save=["f", "e"]
    )
    sets = {key for key, value in vars(config).items() if isinstance(value, set)}
    assert sets <= {"target_modules", "exclude_modules", "modules_to_save", "target_parameters"}
    config.save_pretrained(tmp_path)
    written = json.loads((tmp_path / "adapter_config.json").read_text())
    shutil.copy(tmp_path / "adapter_config.json", tmp_path / "turned.json")
    write_json(tmp_path / "turned.json", written | {k: written[k][::-1] for k in sets})
    assert config_digest(tmp_path / "turned.json") == config_digest(tmp_path)
