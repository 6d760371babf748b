"""PEFT folders as teams have them, written without torch."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from pathlib import Path
from typing import Any

LORA = {
    "base_model_name_or_path": "acme/base-7b",
    "bias": "none",
    "lora_alpha": 16,
    "peft_type": "LORA",
    "peft_version": "0.18.1",
    "r": 8,
    "target_modules": ["q_proj", "v_proj"],
    "task_type": "CAUSAL_LM",
}


def adapter_folder(folder: Path, *, weights: bytes | None = None, **changes: Any) -> Path:
    """Writes a LoRA's config, changed as asked, and safetensors weights if there are any."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {key: value for key, value in {**LORA, **changes}.items() if value is not ...}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    if weights is not None:
        (folder / "adapter_model.safetensors").write_bytes(weights)
    return folder


def some_weights(seed: int = 1) -> bytes:
    """Returns a safetensors file with one small tensor, different for each seed."""
    data = struct.pack("<4f", *(seed + part / 4 for part in range(4)))
    name = "base_model.model.layers.0.q_proj.lora_A.weight"
    header = json.dumps({name: {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}})
    return struct.pack("<Q", len(header)) + header.encode() + data


def some_pickle() -> bytes:
    """Returns what torch.save would have begun: an archive, whose pickle nobody here opens."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in (("data.pkl", b"\x80\x02}q\x00."), ("data/0", bytes(64))):
            # A ZipInfo of its own has the first day of 1980, not the time of the call.
            archive.writestr(zipfile.ZipInfo(f"adapter_model/{name}"), content)
    return buffer.getvalue()


LFS_POINTER = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:4cf341ab7bc354992cbe96a212f518f52bcb12ed9a504050ec94beefe2a7ea71\nsize 1577493\n"
)
