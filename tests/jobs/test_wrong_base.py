"""The wrong-base table: what PEFT takes without a word, and what is refused here.

An adapter for a small Llama meets a folder that is not its base. Whether PEFT alone stays silent,
warns or raises depends on shapes and names; here the fingerprint decides, and every row is
refused by everything that would use the base.
"""

from __future__ import annotations

import re
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import pytest

import adapterctl
from adapterctl.errors import Mismatch
from support.commands import Commands
from support.projects import command, copied, git
from support.tiny_adapters import tiny_adapter
from support.tiny_bases import tiny_llama

Family = Literal["llama", "qwen3", "opt"]


class Row(NamedTuple):
    """One row of the table: how the base is wrong, and what PEFT does of it."""

    peft: Literal["silent", "warns", "raises"]
    family: Family
    changes: dict[str, int]


TABLE = {
    "other weights": Row("silent", "llama", {}),
    "larger vocabulary": Row("silent", "llama", {"vocab_size": 16}),
    "wider MLP": Row("silent", "llama", {"intermediate_size": 32}),
    "fewer layers": Row("silent", "llama", {"num_hidden_layers": -1}),
    "another architecture with the same shapes": Row("silent", "qwen3", {}),
    "more layers": Row("warns", "llama", {"num_hidden_layers": 1}),
    "keys under another prefix": Row("warns", "opt", {}),
    "another hidden size": Row("raises", "llama", {"hidden_size": 32, "head_dim": 8}),
    "other key and value heads": Row("raises", "llama", {"num_key_value_heads": 2}),
}
"""Changes are added to the true base's configuration."""


@pytest.fixture(scope="module")
def true_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llama(tmp_path_factory.mktemp("true") / "base")


@pytest.fixture(scope="module")
def wrong_bases(tmp_path_factory: pytest.TempPathFactory, true_base: Path) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("wrong")
    return {
        name: write(row, true_base, folder / name.replace(" ", "-")) for name, row in TABLE.items()
    }


def write(row: Row, true_base: Path, folder: Path) -> Path:
    """Writes a base of random weights that is the true one but for one row of the table."""
    import torch
    import transformers

    true = transformers.AutoConfig.from_pretrained(true_base).to_dict()
    shape = {key: true[key] + row.changes.get(key, 0) for key in SHAPE}
    kinds = {
        "llama": (transformers.LlamaConfig, transformers.LlamaForCausalLM),
        "qwen3": (transformers.Qwen3Config, transformers.Qwen3ForCausalLM),
        "opt": (transformers.OPTConfig, transformers.OPTForCausalLM),
    }
    config, model = kinds[row.family]
    settings = as_opt(shape) if row.family == "opt" else shape
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(9)
        model(config(**settings, pad_token_id=None)).save_pretrained(folder)
    for file in true_base.glob("*token*"):
        shutil.copy(file, folder)
    return folder


SHAPE = (
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
)


def as_opt(shape: dict[str, int]) -> dict[str, int]:
    """OPT has q_proj and v_proj, too, and keeps them under model.decoder.layers."""
    return {
        "vocab_size": shape["vocab_size"],
        "hidden_size": shape["hidden_size"],
        "word_embed_proj_dim": shape["hidden_size"],
        "ffn_dim": shape["intermediate_size"],
        "num_hidden_layers": shape["num_hidden_layers"],
        "num_attention_heads": shape["num_attention_heads"],
        "max_position_embeddings": 128,
    }


# PEFT alone


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory, true_base: Path) -> Path:
    folder = tmp_path_factory.mktemp("adapter")
    targets = ["q_proj", "v_proj"]
    return tiny_adapter(folder, true_base, task="CAUSAL_LM", target_modules=targets)


def loaded_by_peft(base: Path, adapter: Path):
    """Returns the adapter on a base, as PEFT gives it, and what PEFT warned of."""
    import peft
    import transformers

    model = transformers.AutoModelForCausalLM.from_pretrained(base, dtype="float32")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        adapted = peft.PeftModel.from_pretrained(model, adapter)
    # What libraries say of each other (deprecations) is not about the adapter.
    return adapted.eval(), [str(one.message) for one in said if one.category is UserWarning]


def changes_the_output(adapted) -> bool:
    """Whether one bit of the output depends on the adapter."""
    import torch

    ids = torch.tensor([[5, 6, 7, 8]])
    with torch.no_grad():
        on = adapted(input_ids=ids).logits
        with adapted.disable_adapter():
            off = adapted(input_ids=ids).logits
    return not torch.equal(on, off)


def rows(peft: str) -> list[str]:
    return [name for name, row in TABLE.items() if row.peft == peft]


@pytest.mark.parametrize("name", rows("silent"))
def test_peft_puts_the_adapter_on_a_wrong_base_without_a_word(wrong_bases, adapter, name):
    adapted, said = loaded_by_peft(wrong_bases[name], adapter)
    assert said == []
    assert changes_the_output(adapted)


@pytest.mark.parametrize("name", rows("warns"))
def test_peft_only_warns_when_keys_do_not_fit(wrong_bases, adapter, name):
    adapted, said = loaded_by_peft(wrong_bases[name], adapter)
    assert [line for line in said if "missing adapter keys" in line]
    # Under another prefix nothing of the adapter arrives: this is the bare base, bit for bit.
    assert changes_the_output(adapted) == (name == "more layers")


@pytest.mark.parametrize("name", rows("raises"))
def test_peft_raises_only_where_shapes_disagree(wrong_bases, adapter, name):
    with pytest.raises(RuntimeError, match="size mismatch"):
        loaded_by_peft(wrong_bases[name], adapter)


# the same folders in the place of the declared base


@pytest.fixture(scope="module")
def llama_router(
    fresh: Path, true_base: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """A project with router@1 on a Llama, and the place where that base is declared to lie."""
    root = copied(fresh, tmp_path_factory.mktemp("llama"))
    place = root.parent / "base"
    shutil.copytree(true_base, place)
    assert command(root, "bases", "add", "llama", "--path", str(place)) == 0
    recipe = root / "registry" / "adapters" / "router" / "recipe.yaml"
    text = recipe.read_text().replace("base: old-base", "base: llama")
    recipe.write_text(re.sub("target_modules: .*}", "target_modules: [q_proj, v_proj]}", text))
    git(root, "add", "registry")
    git(root, "commit", "-qm", "A router on a Llama")
    assert command(root, "register", "registry/adapters/router/recipe.yaml") == 0
    return root, place


@pytest.fixture
def in_its_place(llama_router, wrong_bases, request) -> Iterator[Path]:
    """The project while a wrong base lies where the declared one should."""
    root, place = llama_router
    kept = place.with_name("kept")
    place.rename(kept)
    shutil.copytree(wrong_bases[request.param], place)
    yield root
    shutil.rmtree(place)
    kept.rename(place)


EVERY_ROW = pytest.mark.parametrize("in_its_place", TABLE, indirect=True)
SAID = "the weights of base 'llama' changed: fp1:"


def test_the_true_base_is_taken(llama_router, capsys):
    root, _ = llama_router
    assert adapterctl.load("router@1", root, device="cpu").model is not None
    verified = Commands(root, capsys)("verify", "router", "--format", "json")
    assert [part["ok"] for part in verified.json["results"] if part["what"] == "base"] == [True]


@EVERY_ROW
def test_load_refuses_it(in_its_place):
    with pytest.raises(Mismatch, match=SAID):
        adapterctl.load("router@1", in_its_place, device="cpu")


@EVERY_ROW
def test_verify_finds_it(in_its_place, capsys):
    said = Commands(in_its_place, capsys)("verify", "router", "--format", "json")
    [base] = [part for part in said.json["results"] if part["what"] == "base"]
    assert said.status == 1
    assert base["problem"].startswith(SAID)


@EVERY_ROW
def test_evaluate_refuses_it(in_its_place, capsys):
    events = in_its_place / "registry" / "adapters" / "router" / "events.jsonl"
    before = events.read_bytes() if events.exists() else None
    said = Commands(in_its_place, capsys)("evaluate", "router@1", "--device", "cpu")
    assert (said.status, said.out) == (3, "")
    assert SAID in said.err
    assert (events.read_bytes() if events.exists() else None) == before


@EVERY_ROW
def test_rebuild_refuses_it_as_the_successor(in_its_place, capsys):
    said = Commands(in_its_place, capsys)("rebuild", "router", "--to", "llama", "--device", "cpu")
    assert said.status == 3
    assert SAID in said.err
    assert not list((in_its_place / "registry" / "adapters" / "router").glob("2*"))


@pytest.mark.parametrize("in_its_place", ["fewer layers"], indirect=True)
def test_a_plan_does_not_read_the_old_side_from_it(in_its_place, capsys):
    said = Commands(in_its_place, capsys)("plan", "router", "--to", "old-base")
    assert said.status in {0, 1}
    assert SAID.split(":", maxsplit=1)[0] in " ".join(said.out.split())
