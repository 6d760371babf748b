"""What names of bases mean: which are one base's, and above all which are not."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from adapterctl.records.base import Base, BaseSource
from adapterctl.records.lifecycle import Naming, Observation
from adapterctl.rules.lifecycle.almanac import Almanac
from adapterctl.rules.names.families import repository_of
from adapterctl.rules.names.known import TABLE
from adapterctl.rules.names.meanings import anywhere, at_provider
from adapterctl.rules.names.renames import REPOSITORIES, Renames
from adapterctl.rules.names.stated import stated_base

LLAMA_31 = "meta-llama/Llama-3.1-8B-Instruct"

ONE_BASE = [
    # provider, its name, the repository that it stands for
    ("bedrock", "meta.llama3-1-8b-instruct-v1:0", LLAMA_31),
    ("bedrock", "us.meta.llama3-1-8b-instruct-v1:0", LLAMA_31),
    (
        "bedrock",
        "arn:aws:bedrock:us-east-1::foundation-model/meta.llama3-1-8b-instruct-v1:0",
        LLAMA_31,
    ),
    ("bedrock", "meta.llama3-8b-instruct-v1:0", "meta-llama/Meta-Llama-3-8B-Instruct"),
    ("bedrock", "meta.llama2-13b-chat-v1", "meta-llama/Llama-2-13b-chat-hf"),
    ("bedrock", "Meta Llama 2-13b", "meta-llama/Llama-2-13b-hf"),
    ("bedrock", "Llama 3.2 1B Instruct", "meta-llama/Llama-3.2-1B-Instruct"),
    ("bedrock", "meta.llama3-2-11b-instruct-v1:0", "meta-llama/Llama-3.2-11B-Vision-Instruct"),
    ("bedrock", "mistral.mistral-7b-instruct-v0:2", "mistralai/Mistral-7B-Instruct-v0.2"),
    ("bedrock", "mistral.mixtral-8x7b-instruct-v0:1", "mistralai/Mixtral-8x7B-Instruct-v0.1"),
    ("fireworks_ai", "accounts/fireworks/models/llama-v3p1-8b-instruct", LLAMA_31),
    ("fireworks", "accounts/fireworks/models/qwen2p5-7b-instruct", "Qwen/Qwen2.5-7B-Instruct"),
    ("together_ai", "meta-llama/Meta-Llama-3.1-8B-Instruct-Turbo", LLAMA_31),
    ("together", "meta-llama/Meta-Llama-3.1-8B-Instruct-Reference", LLAMA_31),
    ("together_ai", "meta-llama/Llama-3-8b-chat-hf", "meta-llama/Meta-Llama-3-8B-Instruct"),
    ("vertex", "meta/llama-3.3-70b-instruct-maas", "meta-llama/Llama-3.3-70B-Instruct"),
    ("vertex", "publishers/meta/models/llama-3.1-8b-instruct-maas", LLAMA_31),
    ("azure", "Meta-Llama-3.1-8B-Instruct", LLAMA_31),
    ("azure", "Llama-2-7b", "meta-llama/Llama-2-7b-hf"),
    ("azure", "Phi-3-mini-4k-instruct", "microsoft/Phi-3-mini-4k-instruct"),
    (
        "azure",
        "Llama-4-Maverick-17B-128E-Instruct-FP8",
        "meta-llama/Llama-4-Maverick-17B-128E-Instruct",
    ),
    ("groq", "llama-3.1-8b-instant", LLAMA_31),
    ("groq", "gemma2-9b-it", "google/gemma-2-9b-it"),
    ("cerebras", "llama3.1-8b", LLAMA_31),
    ("databricks", "databricks-meta-llama-3-1-8b-instruct", LLAMA_31),
    ("sambanova", "Meta-Llama-3.2-1B-Instruct", "meta-llama/Llama-3.2-1B-Instruct"),
    ("deepinfra", "meta-llama/Meta-Llama-3.1-8B-Instruct", LLAMA_31),
    ("ollama", "llama3.1:8b", LLAMA_31),
    ("ollama", "llama3.1:8b-text-q4_0", "meta-llama/Llama-3.1-8B"),
    ("mistral", "devstral-small-2505", "mistralai/Devstral-Small-2505"),
    ("bedrock", "moonshot.kimi-k2-thinking", "moonshotai/Kimi-K2-Thinking"),
    ("bedrock", "zai.glm-4.7-flash", "zai-org/GLM-4.7-Flash"),
    ("bedrock", "minimax.minimax-m2.1", "MiniMaxAI/MiniMax-M2.1"),
    ("cohere", "c4ai-aya-expanse-8b", "CohereLabs/aya-expanse-8b"),
    ("mistral", "open-mixtral-8x7b", "mistralai/Mixtral-8x7B-Instruct-v0.1"),
    ("alibaba", "qwen3-8b", "Qwen/Qwen3-8B"),
]

NOT_ONE_BASE = [
    # two provider's names that look alike and are two bases
    ("azure", "Meta-Llama-3.1-8B", "Meta-Llama-3.1-8B-Instruct"),
    ("azure", "Llama-2-7b", "Llama-2-7b-chat"),
    ("azure", "Phi-3-mini-4k-instruct", "Phi-3-mini-128k-instruct"),
    ("azure", "Phi-3-mini-4k-instruct", "Phi-3.5-mini-instruct"),
    ("azure", "Phi-4", "Phi-4-reasoning"),
    ("azure", "gpt-4o", "gpt-4o-2024-08-06"),
    ("azure", "gpt-4o", "gpt-4o-mini"),
    ("azure", "Cohere-command-r-08-2024", "Cohere-command-r-plus-08-2024"),
    ("openai", "gpt-4o-2024-08-06", "ft:gpt-4o-2024-08-06"),
    ("openai", "gpt-4-32k", "gpt-4"),
    ("bedrock", "meta.llama3-8b-instruct-v1:0", "meta.llama3-1-8b-instruct-v1:0"),
    ("bedrock", "meta.llama3-1-8b-instruct-v1:0", "meta.llama3-1-70b-instruct-v1:0"),
    ("bedrock", "mistral.mistral-7b-instruct-v0:2", "mistral.mistral-7b-instruct-v0:3"),
    (
        "bedrock",
        "anthropic.claude-3-haiku-20240307-v1:0",
        "anthropic.claude-3-5-haiku-20241022-v1:0",
    ),
    (
        "bedrock",
        "anthropic.claude-3-5-sonnet-20240620-v1:0",
        "anthropic.claude-3-5-sonnet-20241022-v2:0",
    ),
    ("bedrock", "meta.llama3-1-8b-instruct-v1:0:128k", "meta.llama3-1-8b-instruct-v1:0"),
    ("bedrock", "amazon.titan-text-lite-v1", "amazon.titan-text-express-v1"),
    ("together_ai", "Qwen/Qwen2.5-72B-Instruct-Turbo", "Qwen/Qwen2-72B-Instruct"),
    (
        "together_ai",
        "meta-llama/Meta-Llama-3-8B-Instruct-Turbo",
        "meta-llama/Meta-Llama-3.1-8B-Instruct-Turbo",
    ),
    ("together_ai", "Qwen/Qwen3-Next-80B-A3B-Instruct", "Qwen/Qwen3-Next-80B-A3B-Thinking"),
    ("wandb", "OpenPipe/Qwen3-14B-Instruct", "Qwen/Qwen3-14B"),
    ("wandb", "Qwen/Qwen3-30B-A3B-Instruct-2507", "Qwen/Qwen3-30B-A3B"),
    ("groq", "gemma-7b-it", "google/gemma-7b-it"),
    ("groq", "qwen-2.5-32b", "Qwen/Qwen2.5-32B"),
    ("groq", "llama3-groq-8b-8192-tool-use-preview", "llama3-8b-8192"),
    ("bedrock", "zai.glm-4.7-flash", "zai.glm-4.7"),
    ("fireworks_ai", "accounts/fireworks/models/kimi-k2p7-code", "moonshotai/Kimi-K2.7"),
    ("mistral", "mistral-small-2501", "mistral-small-2503"),
    ("mistral", "magistral-small-2506", "magistral-small-2507"),
    ("mistral", "open-mistral-7b", "mistralai/Mistral-7B-Instruct-v0.3"),
    ("vertex", "claude-3-haiku", "claude-3-haiku@20240307"),
    ("google", "gemini-2.0-flash", "gemini-2.0-flash-001"),
    ("perplexity", "llama-3.1-sonar-small-128k-chat", "meta-llama/Llama-3.1-8B-Instruct"),
    ("deepinfra", "nvidia/Llama-3.1-Nemotron-70B-Instruct-HF", "meta-llama/Llama-3.1-70B-Instruct"),
    ("deepinfra", "acme/Llama-3.1-8B-Instruct", "meta-llama/Llama-3.1-8B-Instruct"),
    (
        "fireworks_ai",
        "accounts/fireworks/models/llama-v3p1-8b-instruct",
        "accounts/fireworks/models/llama-v3p2-3b-instruct",
    ),
    ("ollama", "llama3.1:8b", "llama3.1:8b-text-q4_0"),
]


@pytest.mark.parametrize(("provider", "name", "repository"), ONE_BASE)
def test_a_provider_s_name_stands_for_the_repository(provider, name, repository):
    assert at_provider(name, provider).base == repository.lower()
    assert anywhere(repository).base == repository.lower()


@pytest.mark.parametrize(("provider", "one", "other"), NOT_ONE_BASE)
def test_names_of_two_bases_stay_apart(provider, one, other):
    assert at_provider(one, provider).base != at_provider(other, provider).base


SIZES = (
    "0.5b",
    "1b",
    "1.5b",
    "3b",
    "7b",
    "8b",
    "13b",
    "14b",
    "30b-a3b",
    "32b",
    "70b",
    "72b",
    "405b",
)
FAMILIES = (
    *("llama-2", "llama-3", "llama-3.1", "llama-3.2", "llama-3.3", "qwen2", "qwen2.5", "qwen3"),
    *("gemma-2", "gemma-3", "mistral", "mixtral", "phi-3", "falcon", "gpt-oss", "gpt-4o"),
)
KINDS = ("", "-instruct", "-chat", "-it", "-base", "-thinking", "-reasoning", "-vision-instruct")
REST = ("", "-v0.1", "-v0.2", "-v0.3", "-2407", "-2507", "-4k", "-128k", "-2024-08-06")
PROVIDERS = ("bedrock", "fireworks_ai", "together_ai", "vertex", "azure", "groq", "cerebras",
             "databricks", "ollama", "mistral", "openai", "alibaba", "deepinfra")  # fmt: skip

names = st.tuples(
    st.sampled_from(FAMILIES), st.sampled_from(SIZES), st.sampled_from(KINDS), st.sampled_from(REST)
)


@given(names, names, st.sampled_from(PROVIDERS))
def test_sizes_versions_and_kinds_never_join(one, other, provider):
    assume(one != other)
    both = (f"{family}-{size}{kind}{rest}" for family, size, kind, rest in (one, other))
    first, second = (at_provider(name, provider) for name in both)
    assume("table" not in (first.how, second.how))
    assert first.base != second.base


@given(
    st.text("abcdefgimnpqtuxyz0123456789-./:_ ", min_size=1, max_size=40),
    st.sampled_from(PROVIDERS),
)
def test_what_a_name_means_means_itself(name, provider):
    meant = at_provider(name, provider).base
    assert at_provider(meant, provider).base == meant
    assert anywhere(anywhere(name).base).base == anywhere(name).base


@given(names, st.sampled_from(PROVIDERS))
def test_a_name_of_a_family_means_what_its_repository_means(parts, provider):
    family, size, kind, rest = parts
    repository = repository_of(f"{family}-{size}{kind}{rest}")
    assume(repository is not None)
    assert at_provider(repository, provider).base == repository.lower()
    assert repository_of(repository) == repository


def seen(
    subject: str, provider: str | None = None, *, feed: str = "litellm", **more
) -> Observation:
    return Observation(
        subject=subject,
        phase="serving" if provider else "weights",
        kind="shutdown",
        date="2027-01-05",
        source="https://example.org",
        seen_on="2026-11-01",
        key=f"{feed}:{provider}/{subject}",
        provider=provider,
        **more,
    )


def base(name: str = "ours", *, names: list[str] | None = None, **source: str) -> Base:
    return Base(schema_version=1, base=name, source=BaseSource(**source), names=names or [])


def found(declared: Base, *dates: Observation, namings: list[Naming] | None = None) -> list[tuple]:
    """Returns (subject, provider, rule) of what is known about a base."""
    almanac = Almanac(dates, {declared.base: declared}, namings=namings or [])
    joins = almanac.found_under(declared.base)
    assert len(almanac.about(declared.base)) == len(joins)
    return [(join.subject.name, join.subject.provider, join.how) for join in joins]


EVERYWHERE = (
    seen("meta.llama3-1-8b-instruct-v1:0", "bedrock"),
    seen("meta-llama/Meta-Llama-3.1-8B-Instruct-Turbo", "together_ai"),
    seen("llama-3.1-8b-instant", "groq"),
    seen("Meta-Llama-3.1-8B", "azure"),
    seen("Meta-Llama-3.1-70B-Instruct", "azure"),
)


def test_a_repository_is_found_under_what_each_provider_calls_it():
    assert found(base(hub=LLAMA_31), *EVERYWHERE) == [
        ("meta.llama3-1-8b-instruct-v1:0", "bedrock", "spelling"),
        ("meta-llama/Meta-Llama-3.1-8B-Instruct-Turbo", "together_ai", "spelling"),
        ("llama-3.1-8b-instant", "groq", "table"),
    ]


def test_a_provider_s_name_is_found_at_that_provider_alone():
    hosted = base(provider="bedrock", model="us.meta.llama3-1-8b-instruct-v1:0")
    assert found(hosted, *EVERYWHERE, seen(LLAMA_31)) == [
        ("meta.llama3-1-8b-instruct-v1:0", "bedrock", "spelling")
    ]


def test_a_mirror_is_served_as_its_origin_and_vanishes_by_itself():
    mirror = base(hub="unsloth/Meta-Llama-3.1-8B-Instruct-bnb-4bit")
    assert found(mirror, seen(LLAMA_31), seen("Meta-Llama-3.1-8B-Instruct", "azure")) == [
        ("Meta-Llama-3.1-8B-Instruct", "azure", "mirror")
    ]


def test_old_and_new_name_of_a_repository_are_one():
    assert found(base(hub="THUDM/chatglm-6b"), seen("zai-org/chatglm-6b")) == [
        ("zai-org/chatglm-6b", None, "renamed")
    ]
    assert found(base(hub="openai-community/gpt2"), seen("gpt2")) == [("gpt2", None, "renamed")]


def test_a_name_that_a_feed_of_hub_cases_stated_joins_and_a_circle_of_names_ends():
    told = [
        Naming(
            name=old, same_as=new, source="https://x", seen_on="2026-01-01", key=f"hub-cases:{old}"
        )
        for old, new in (("acme/*", "acme-labs/*"), ("a/b", "b/b"), ("b/b", "a/b"))
    ]
    theirs = base(hub="acme/base-7b")
    date = seen("acme-labs/base-7b")
    assert found(theirs, date) == []
    assert found(theirs, date, namings=told) == [("acme-labs/base-7b", None, "renamed")]
    assert Renames(told).newest("a/b") == "b/b"


def test_a_base_that_is_only_stated_is_found_too():
    about = Almanac(EVERYWHERE, {}).about
    assert [one.provider for one in about(LLAMA_31)] == ["bedrock", "together_ai", "groq"]
    assert [one.provider for one in about("meta.llama3-1-8b-instruct-v1:0")] == ["bedrock"]
    assert about("models/Llama-3.1-8B-Instruct") == []


def test_what_a_person_said_of_one_base_is_no_other_base_s():
    said = seen("llama-3.1-8b-instruct", "groq", feed="manual")
    assert found(base(hub=LLAMA_31), said) == []
    assert len(Almanac([said], {}).about("llama-3.1-8b-instruct")) == 1


def test_what_a_team_calls_a_base_is_not_what_a_provider_means_by_it():
    instruct = seen("llama3.1-8b", "cerebras")
    plain = base("llama3.1-8b", hub="meta-llama/Llama-3.1-8B")
    assert found(plain, instruct, seen("llama3.1-8b", "acme")) == [("llama3.1-8b", "acme", "exact")]
    ours = base("ours", hub="meta-llama/Llama-3.1-8B", names=["llama3.1-8b"])
    assert found(ours, instruct) == [("llama3.1-8b", "cerebras", "exact")]


def test_a_name_given_by_hand_joins_as_a_repository_does():
    named = base(path="bases/llama", names=[LLAMA_31])
    assert [one[1] for one in found(named, *EVERYWHERE)] == ["bedrock", "together_ai", "groq"]


def test_the_tables_speak_of_themselves_in_one_form():
    for each in TABLE:
        assert each.source.startswith("https://")
        for name, meant in each.names.items():
            assert name == name.lower()
            assert "/" not in meant or repository_of(meant) in {None, meant}
    assert all(Renames().newest(new) == new for new in REPOSITORIES.values())
    assert stated_base("unsloth/gemma-2-9b-it-bnb-4bit").canonical == "google/gemma-2-9b-it"
