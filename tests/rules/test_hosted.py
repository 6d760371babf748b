"""Fine-tunes at a provider: what they are called, and which word for data is a path."""

from __future__ import annotations

import pytest

from adapterctl.rules.adoption.hosted import HostedEntry, is_path, name_of

NAMES = {
    "ft:gpt-4o-mini-2024-07-18:acme:support-router:Ab12": "support-router",
    "ft:gpt-4o-mini-2024-07-18:acme::Ab12": "ft-gpt-4o-mini-2024-07-18-acme-ab12",
    "arn:aws:bedrock:us-east-1:1234:custom-model/titan/Router": "custom-model-titan-router",
    "projects/p/locations/europe-west4/models/Router_7": "router_7",
    "accounts/acme/models/router": "router",
    "???": "adapter",
}


@pytest.mark.parametrize("model", NAMES)
def test_a_fine_tune_is_called_after_its_model(model: str) -> None:
    assert name_of(HostedEntry(provider="p", model=model, base="b")) == NAMES[model]


def test_a_given_name_goes_first() -> None:
    entry = HostedEntry(provider="p", model="ft:a:b:c:d", base="b", name="router")
    assert name_of(entry) == "router"


PATHS = {
    "data/train.jsonl": True,
    "train.jsonl": True,
    "data/train": True,
    "file-abc123": False,
    "s3://bucket/train.jsonl": False,
}


@pytest.mark.parametrize("data", PATHS)
def test_a_word_for_data_is_a_path_or_it_is_not(data: str) -> None:
    assert is_path(data) is PATHS[data]
