import json
from pathlib import Path

import pytest

from adapterctl.rules.names.stated import stated_base

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CACHE = "/home/ana/.cache/huggingface/hub"

CANONICAL = {
    # a Hub repository, named plainly
    "Qwen/Qwen2.5-Math-1.5B": ("hub", "Qwen/Qwen2.5-Math-1.5B", None),
    "EleutherAI/pythia-70m-deduped": ("hub", "EleutherAI/pythia-70m-deduped", None),
    # paths into the Hub's cache
    f"{CACHE}/models--Qwen--Qwen2.5-7B/snapshots/{COMMIT}": (
        "hub_cache",
        "Qwen/Qwen2.5-7B",
        COMMIT,
    ),
    f"{CACHE}/models--Qwen--Qwen2.5-7B/snapshots/{COMMIT}/": (
        "hub_cache",
        "Qwen/Qwen2.5-7B",
        COMMIT,
    ),
    f"D:\\hub\\models--Qwen--Qwen2.5-7B\\snapshots\\{COMMIT}": (
        "hub_cache",
        "Qwen/Qwen2.5-7B",
        COMMIT,
    ),
    f"{CACHE}/models--Qwen--Qwen2.5-7B/snapshots/main": ("hub_cache", "Qwen/Qwen2.5-7B", None),
    f"{CACHE}/models--gpt2/snapshots/{COMMIT}": ("hub_cache", "gpt2", COMMIT),
    # the repository's page
    "https://huggingface.co/Qwen/Qwen2.5-7B": ("hub", "Qwen/Qwen2.5-7B", None),
    f"https://hf.co/Qwen/Qwen2.5-7B/tree/{COMMIT}": ("hub", "Qwen/Qwen2.5-7B", COMMIT),
    "https://huggingface.co/datasets/acme/rows": ("local", None, None),
    "https://example.org/Qwen/Qwen2.5-7B": ("local", None, None),
    # ModelScope
    "/root/.cache/modelscope/hub/Qwen/Qwen2___5-7B": ("modelscope", "Qwen/Qwen2.5-7B", None),
    "/root/.cache/modelscope/hub/models/Qwen/Qwen3-8B": ("modelscope", "Qwen/Qwen3-8B", None),
    "/root/autodl-tmp/Qwen/Qwen2___5-7B": ("modelscope", "Qwen/Qwen2.5-7B", None),
    "/m/LLM-Research/Meta-Llama-3___1-8B-Instruct": (
        "modelscope",
        "meta-llama/Llama-3.1-8B-Instruct",
        None,
    ),
    # mirrors
    "unsloth/gemma-2-9b-it-bnb-4bit": ("hub", "google/gemma-2-9b-it", None),
    "unsloth/meta-llama-3.1-8b-bnb-4bit": ("hub", "meta-llama/Llama-3.1-8B", None),
    "unsloth/Meta-Llama-3.1-8B-Instruct": ("hub", "meta-llama/Llama-3.1-8B-Instruct", None),
    "NousResearch/Llama-2-7b-chat-hf": ("hub", "meta-llama/Llama-2-7b-chat-hf", None),
    "NousResearch/Hermes-3-Llama-3.1-8B": ("hub", "NousResearch/Hermes-3-Llama-3.1-8B", None),
    "unsloth/llama-3-8b-bnb-4bit": ("hub", "meta-llama/Meta-Llama-3-8B", None),
    "unsloth/Llama-3.2-1B-Instruct-unsloth-bnb-4bit": (
        "hub",
        "meta-llama/Llama-3.2-1B-Instruct",
        None,
    ),
    "unsloth/mistral-7b-instruct-v0.3-bnb-4bit": (
        "hub",
        "mistralai/Mistral-7B-Instruct-v0.3",
        None,
    ),
    "unsloth/Qwen2.5-Coder-0.5B-Instruct-bnb-4bit": (
        "hub",
        "Qwen/Qwen2.5-Coder-0.5B-Instruct",
        None,
    ),
    "unsloth/Phi-3.5-mini-instruct-bnb-4bit": ("hub", "microsoft/Phi-3.5-mini-instruct", None),
    "unsloth/tinyllama-bnb-4bit": (
        "hub",
        "TinyLlama/TinyLlama-1.1B-intermediate-step-1431k-3T",
        None,
    ),
    "TheBloke/Llama-2-7B-Chat-GPTQ": ("hub", "meta-llama/Llama-2-7b-chat-hf", None),
    "mlx-community/Qwen2.5-0.5B-Instruct-4bit": ("hub", "Qwen/Qwen2.5-0.5B-Instruct", None),
    "Qwen/Qwen2.5-7B-Instruct-GPTQ-Int4": ("hub", "Qwen/Qwen2.5-7B-Instruct", None),
    "Qwen/Qwen2.5-7B-Instruct-AWQ": ("hub", "Qwen/Qwen2.5-7B-Instruct", None),
    # an unknown mirror is not guessed at
    "unsloth/Nameless-9B-bnb-4bit": ("hub", "unsloth/Nameless-9B-bnb-4bit", None),
    "acme/our-base-bnb-4bit": ("hub", "acme/our-base-bnb-4bit", None),
    # stated, and no more than that
    "/root/personal_assistant/model/Shanghai_AI_Laboratory/internlm-chat-7b": ("local", None, None),
    "models/chatglm-6b": ("local", None, None),
    "./base": ("local", None, None),
    "../base": ("local", None, None),
    "C:\\Users\\ana\\llama": ("local", None, None),
    "~/llama": ("local", None, None),
    "gpt2": ("bare", None, None),
    "bert-base-uncased": ("bare", None, None),
    "": ("none", None, None),
    "   ": ("none", None, None),
    None: ("none", None, None),
    7: ("none", None, None),
}


@pytest.mark.parametrize(("name", "meant"), CANONICAL.items(), ids=str)
def test_a_stated_base_is_made_canonical(name, meant):
    found = stated_base(name)
    assert (found.kind, found.canonical, found.commit) == meant


def test_what_was_stated_is_kept_beside_what_it_means():
    found = stated_base("unsloth/gemma-2-9b-it-bnb-4bit")
    assert found.stated == found.repository == "unsloth/gemma-2-9b-it-bnb-4bit"
    assert found.origin == "google/gemma-2-9b-it"


def test_a_revision_pins_a_repository_only_when_it_is_a_commit():
    assert stated_base("acme/base", revision=COMMIT).commit == COMMIT
    branch = stated_base("acme/base", revision="main")
    assert (branch.commit, branch.revision) == (None, "main")
    assert stated_base("./base", revision=COMMIT).commit is None


def test_every_base_of_the_corpus_is_told_apart(corpus: Path):
    found = {}
    for path in sorted((corpus / "adapters" / "configs").iterdir()):
        stated = json.loads(path.read_text()).get("base_model_name_or_path")
        base = stated_base(stated)
        found[stated or None] = base.canonical or base.kind
    assert found == {
        None: "none",
        "/root/personal_assistant/model/Shanghai_AI_Laboratory/internlm-chat-7b": "local",
        "models/chatglm-6b": "local",
        "EleutherAI/pythia-70m-deduped": "EleutherAI/pythia-70m-deduped",
        "FacebookAI/roberta-base": "FacebookAI/roberta-base",
        "Qwen/Qwen2.5-Math-1.5B": "Qwen/Qwen2.5-Math-1.5B",
        "TinyLlama/TinyLlama-1.1B-Chat-v1.0": "TinyLlama/TinyLlama-1.1B-Chat-v1.0",
        "black-forest-labs/FLUX.2-klein-base-4B": "black-forest-labs/FLUX.2-klein-base-4B",
        "meta-llama/Llama-3.2-1B": "meta-llama/Llama-3.2-1B",
        "meta-llama/Llama-3.2-3B": "meta-llama/Llama-3.2-3B",
        "mistralai/Mistral-7B-Instruct-v0.2": "mistralai/Mistral-7B-Instruct-v0.2",
        "unsloth/gemma-2-9b-it-bnb-4bit": "google/gemma-2-9b-it",
        "unsloth/meta-llama-3.1-8b-bnb-4bit": "meta-llama/Llama-3.1-8B",
    }
