"""A mirrored version is a PEFT adapter folder: ``peft`` loads it as it lies in MLflow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adapterctl.stores.mlflow import MlflowMirror
from support.mirrors import entry
from support.tiny_bases import tiny_bert


@pytest.fixture(scope="module")
def base_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert(tmp_path_factory.mktemp("bases") / "bert")


def adapter(base_dir: Path, folder: Path) -> Any:
    """Saves a LoRA adapter that changes what the base says; returns it, still attached."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModel

    torch.manual_seed(1)
    config = LoraConfig(r=4, target_modules=["query", "value"], init_lora_weights=False)
    attached = get_peft_model(AutoModel.from_pretrained(base_dir), config)
    attached.save_pretrained(folder)
    return attached


def answers(model: Any) -> Any:
    import torch

    model.eval()
    with torch.no_grad():
        return model(input_ids=torch.tensor([[2, 40, 41, 3]])).last_hidden_state


def test_peft_loads_the_artifact_folder_as_it_is(base_dir: Path, tmp_path: Path) -> None:
    import torch
    from mlflow.tracking import MlflowClient
    from peft import PeftModel
    from transformers import AutoModel

    attached = adapter(base_dir, tmp_path / "version" / "adapter")
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    mirror = MlflowMirror(uri, artifact_root=tmp_path / "mlartifacts")
    mirror.mirror(entry(tmp_path / "version", adapter="real"))

    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    run_id = client.get_model_version("real", "1").run_id
    folder = client.download_artifacts(run_id, "adapter", str(tmp_path))
    bare = AutoModel.from_pretrained(base_dir)
    expected, without = answers(attached), answers(bare)
    loaded = PeftModel.from_pretrained(bare, folder)
    assert torch.equal(answers(loaded), expected)
    assert not torch.equal(expected, without)
