from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from peft import LoraConfig
from safetensors.torch import load_file

from adapterctl.errors import AdapterctlError
from adapterctl.training.adapter_files import write_adapter
from support.training_jobs import classified, job, train_all


def written(folder: Path, config: LoraConfig, *, value: float = 1.0) -> dict[str, object]:
    tensors = {"b": torch.full((2, 3), value).t(), "a": torch.zeros(1)}
    write_adapter(folder, tensors, config=config, base_name="org/base", base_revision="abc")
    stated: dict[str, object] = json.loads((folder / "adapter_config.json").read_text())
    return stated


def test_the_config_has_every_key_that_peft_writes(tmp_path: Path) -> None:
    config = LoraConfig(target_modules=["v", "q"], task_type="SEQ_CLS")
    config.save_pretrained(tmp_path / "peft")
    theirs = json.loads((tmp_path / "peft" / "adapter_config.json").read_text())
    ours = written(tmp_path / "ours", config)
    assert ours.keys() == theirs.keys()
    same = ours.keys() - {"target_modules", "base_model_name_or_path", "revision", "inference_mode"}
    assert {key: ours[key] for key in same} == {key: theirs[key] for key in same}
    assert ours["target_modules"] == ["q", "v"]
    assert (ours["base_model_name_or_path"], ours["revision"]) == ("org/base", "abc")
    assert ours["inference_mode"] is True


def test_peft_reads_the_config_back(tmp_path: Path) -> None:
    written(tmp_path / "adapter", LoraConfig(r=3, target_modules=["q"], lora_dropout=0.25))
    back = LoraConfig.from_pretrained(tmp_path / "adapter")
    assert (back.r, back.lora_dropout, back.target_modules) == (3, 0.25, {"q"})


def test_tensors_are_written_contiguous_and_sorted(tmp_path: Path) -> None:
    written(tmp_path / "adapter", LoraConfig())
    file = tmp_path / "adapter" / "adapter_model.safetensors"
    assert list(load_file(file)) == ["a", "b"]
    assert load_file(file)["b"].shape == (3, 2)


def test_an_older_adapter_is_replaced_whole(tmp_path: Path) -> None:
    written(tmp_path / "adapter", LoraConfig())
    (tmp_path / "adapter" / "stray").write_text("left over")
    written(tmp_path / "adapter", LoraConfig(), value=2.0)
    assert sorted(file.name for file in (tmp_path / "adapter").iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(AdapterctlError) as caught:
        written(tmp_path / "file" / "adapter", LoraConfig())
    assert str(caught.value) == (
        f"{tmp_path / 'file' / 'adapter'}: cannot write the adapter: Not a directory\n"
        "  hint: make room or choose another folder, and run it again: it resumes"
    )


def test_numbers_are_written_as_peft_writes_them(bert: Path, tmp_path: Path) -> None:
    lora = {"lora_alpha": 32.0, "alpha_pattern": {"query": 8.0, "value": 2.5}}
    [result] = train_all([job(tmp_path, classified(9), lora=lora, max_steps=1)], bert)
    text = (result.adapter / "adapter_config.json").read_text()
    assert '"lora_alpha": 32,' in text
    assert '"query": 8,' in text
    assert '"value": 2.5' in text


def test_what_was_trained_on_is_named_layer_by_layer(bert: Path, tmp_path: Path) -> None:
    lora = {"target_modules": r".*layer\.1\.attention.*(query|value)"}
    [result] = train_all([job(tmp_path, classified(9), lora=lora, max_steps=1)], bert)
    stated = json.loads((result.adapter / "adapter_config.json").read_text())
    assert stated["target_modules"] == result.facts.target_modules == [
        "bert.encoder.layer.1.attention.self.query",
        "bert.encoder.layer.1.attention.self.value",
    ]  # fmt: skip
    assert stated["modules_to_save"] == ["classifier", "score"]
    assert (stated["base_model_name_or_path"], stated["revision"]) == ("someone/base", "0123abcd")
