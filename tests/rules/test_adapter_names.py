import re
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapterctl.records.noun import NAME_PATTERN
from adapterctl.rules.adoption.adapter_names import free_name, name_for, valid

SNAPSHOT = "/home/ana/.cache/huggingface/hub/models--acme--Support-LoRA/snapshots/" + "a" * 40

NAMES = {
    "/runs/support-router": "support-router",
    "/runs/Support Router": "support-router",
    "/runs/Qwen2.5_7B": "qwen2.5_7b",
    "/runs/router/checkpoint-500": "router-checkpoint-500",
    "/runs/router/adapter": "router-adapter",
    "/runs/router/final/lora_adapter": "router-final-lora_adapter",
    "/runs/über": "ber",
    "/runs/..weird": "weird",
    "/モデル/ルーター": "adapter",
    "/": "adapter",
    SNAPSHOT: "support-lora",
}


@pytest.mark.parametrize(("folder", "name"), NAMES.items())
def test_an_adapter_is_called_after_its_folder(folder, name):
    assert name_for(PurePosixPath(folder)) == name


@given(st.text())
def test_every_folder_gives_a_valid_name(text):
    assert re.match(NAME_PATTERN, valid(text))
    assert re.match(NAME_PATTERN, name_for(PurePosixPath("/runs") / text.replace("\0", "")))


def test_a_name_that_is_taken_gets_the_start_of_the_mark():
    assert free_name("router", {"other"}, mark="0123456789") == "router"
    assert free_name("router", {"router"}, mark="0123456789") == "router-01234567"
    long = free_name("r" * 80, {"r" * 80}, mark="0123456789")
    assert long == "r" * 71 + "-01234567"
    assert re.match(NAME_PATTERN, long)
