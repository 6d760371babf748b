"""Which real bases are found in real feeds: at least as many as before, and none falsely."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from benchmarks.joining import AT_LEAST, joined, measure, read, stated_names

MUST_NOT = {
    ("google/gemma-7b-it", "gemma-7b-it", "groq"),
    ("meta-llama/Llama-3.1-8B", "llama3.1-8b", "cerebras"),
    ("meta-llama/Llama-3.1-8B", "Meta-Llama-3.1-8B-Instruct", "azure"),
    ("meta-llama/Llama-3.2-1B", "meta.llama3-2-1b-instruct-v1:0", "bedrock"),
    ("meta-llama/Llama-3.2-3B", "Llama 3.2 3B Instruct", "bedrock"),
    ("meta-llama/Llama-2-7b-hf", "Llama-2-7b-chat", "azure"),
    ("mistralai/Mistral-7B-Instruct-v0.3", "open-mistral-7b", "mistral"),
    ("mistralai/Mistral-7B-Instruct-v0.1", "mistral.mistral-7b-instruct-v0:2", "bedrock"),
    ("Qwen/Qwen2.5-32B-Instruct", "qwen-2.5-32b", "groq"),
    ("Qwen/Qwen2.5-72B-Instruct", "Qwen/Qwen2-72B-Instruct", "together_ai"),
    ("Qwen/Qwen3-14B", "OpenPipe/Qwen3-14B-Instruct", "wandb"),
    ("Qwen/Qwen3-30B-A3B", "Qwen/Qwen3-30B-A3B-Instruct-2507", "wandb"),
    ("microsoft/phi-4", "Phi-4-reasoning", "azure"),
    ("microsoft/Phi-3-mini-4k-instruct", "Phi-3-mini-128k-instruct", "azure"),
    ("openai: gpt-4o-2024-08-06", "gpt-4o", "azure"),
    ("openai: gpt-4o-mini-2024-07-18", "gpt-4o-mini", "azure"),
    ("bedrock: amazon.titan-text-lite-v1", "Amazon Titan Text G1 - Express", "bedrock"),
}

SIZE = re.compile(r"\d+(?:\.\d+)?b\b")
TUNED = re.compile(r"instruct|chat|-it\b")


@pytest.fixture(scope="module")
def found(corpus: Path):
    return measure(stated_names(corpus), read(corpus / "eol"))


@pytest.mark.parametrize("part", AT_LEAST)
def test_as_many_bases_are_found_as_before(found, part):
    assert joined(found[part]["counts"]) >= AT_LEAST[part]


def test_no_pair_that_must_not_join_does(found):
    pairs = [pair for part in AT_LEAST for pair in found[part]["pairs"]]
    assert len(pairs) > 150
    assert not MUST_NOT & {(one["base"], one["name in feed"], one["provider"]) for one in pairs}


def test_every_pair_agrees_in_size_and_in_whether_it_was_tuned(found):
    for part in AT_LEAST:
        for pair in found[part]["pairs"]:
            ours, theirs = pair["base"].lower(), pair["name in feed"].lower().replace(" ", "-")
            sizes = set(SIZE.findall(ours)), set(SIZE.findall(theirs))
            assert sizes[0] == sizes[1] or not all(sizes), pair
            if pair["rule"] != "table":
                assert bool(TUNED.search(ours)) == bool(TUNED.search(theirs)), pair
