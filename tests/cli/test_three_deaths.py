"""Serving, tuning and weights as they are stated, read back and judged, as commands."""

from pathlib import Path
from typing import Any

import pytest

from adapterctl.records.adopted import HostedJob, StatedBase
from adapterctl.records.base import BaseSource
from adapterctl.records.recipe import (
    Data,
    EvaluationData,
    Evaluator,
    Owners,
    Serving,
    TrainData,
)
from support.commands import Commands
from support.goldens import assert_golden
from support.registries import SmallRegistry, in_days

TODAY = ("--as-of", "2026-11-23")
OPENAI = "https://developers.openai.com/api/docs/deprecations"
SNAPSHOT = "gpt-4o-mini-2024-07-18"


@pytest.fixture
def made(tmp_path: Path) -> SmallRegistry:
    return SmallRegistry(tmp_path)


@pytest.fixture
def run(made: SmallRegistry, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(made.root, capsys)


def hosted(made: SmallRegistry, adapter: str, model: str, **job: Any) -> None:
    """Records a fine-tune of ``model`` at OpenAI, or where ``job`` says."""
    values = {"provider": "openai", "model": f"ft:{model}:acme::abc", **job}
    made.adopted(
        adapter,
        base=StatedBase(kind="provider", stated=model, provider=values["provider"]),
        hosted=HostedJob(**values),
        owners=Owners(team="support-ml", backup="platform-ml"),
        config={},
        artifacts=None,
        weights_sha256=None,
        adapter_config_sha256=None,
        peft_type=None,
    )


def ends(run: Commands, *words: str) -> list[dict[str, Any]]:
    """Returns the audit's findings about dates."""
    answer = run("audit", *TODAY, "--offline", "--format", "json", *words).json["results"]
    return [one for one in answer if one["code"].startswith("EOL")]


def add(run: Commands, base: str, *words: str) -> str:
    said = run("lifecycle", "add", base, *words, "--source", OPENAI, *TODAY)
    assert said.status == 0, said.err
    return said.out


def test_a_hosted_fine_tune_is_judged_by_its_own_dates_once_they_are_stated(made, run):
    made.base(
        "gpt",
        source=BaseSource(provider="openai", model=SNAPSHOT),
        revision=None,
        fingerprint=None,
    )
    hosted(made, "triage", SNAPSHOT)
    at_openai = ("--provider", "openai")
    add(run, "gpt", "--phase", "serving", "--shutdown", "2027-01-14", *at_openai)
    (base_dates,) = ends(run)
    assert (base_dates["code"], base_dates["slack_days"]) == ("EOL002", -8)

    out = add(run, "gpt", "--phase", "serving", "--tuned", "--shutdown", "2027-06-01", *at_openai)
    assert out.startswith("ft:gpt serving (openai): shutdown 2027-06-01 recorded\n")
    add(run, "gpt", "--phase", "tuning", "--shutdown", "2027-01-06", *at_openai)
    (closing,) = ends(run)
    assert (closing["code"], closing["severity"], closing["phase"]) == (
        "EOL006", "medium", "tuning",
    )  # fmt: skip
    assert closing["message"] == (
        "tuning on gpt at openai: the last day to train is 2027-01-06, in 44 d; it is served until "
        f"2027-06-01, 146 d longer, without being trained anew; source {OPENAI}"
    )
    (listed,) = run("list", *TODAY, "--format", "json").json["results"]
    assert (listed["rebuild_by"], listed["slack_days"]) == ("2027-04-02", 130)
    assert_golden("lifecycle_show_tuned.txt", run("lifecycle", "show", "gpt", *TODAY).out)
    shown = run("lifecycle", "show", "gpt", *TODAY, "--format", "json").json["results"]
    assert [(one["phase"], one["tuned"]) for one in shown] == [
        ("tuning", False), ("serving", False), ("serving", True),
    ]  # fmt: skip


def test_fine_tunes_are_only_served(made, run):
    made.base("minilm-l6")
    said = run(
        "lifecycle", "add", "minilm-l6", "--phase", "weights", "--tuned", "--shutdown",
        "2027-01-05", "--source", OPENAI,
    )  # fmt: skip
    assert (said.status, said.err) == (
        3,
        "error: weights of fine-tunes is no date of theirs: they are only served\n"
        "  hint: --tuned goes with --phase serving\n",
    )
    assert made.door.observations() == []


def test_a_date_of_a_zone_hits_what_is_served_in_one_of_its_regions(made, run):
    made.base("nova", source=BaseSource(provider="bedrock", model="n"), revision=None)
    for region in ("us-east-1", "eu-west-1"):
        place = Serving(provider="bedrock", region=region, consumers=["desk"])
        made.adapter(f"in-{region}", base="nova", serving=[place])
    add(run, "nova", "--phase", "serving", "--provider", "bedrock", "--region", "us",
        "--shutdown", "2027-02-01")  # fmt: skip
    assert [(one["code"], one["subject"], one["region"]) for one in ends(run)] == [
        ("EOL003", "adapter:in-us-east-1@1", "us"),
        ("EOL004", "adapter:in-eu-west-1@1", "eu-west-1"),
    ]


def test_successors_are_followed_past_the_dead_to_one_that_lives(made, run):
    for name in ("minilm-l6", "minilm-l12", "minilm-l24"):
        made.base(name)
    made.base("minilm-l12", names=["acme/MiniLM-L12"])
    made.adapter("router")
    made.date("minilm-l6", in_days(43), successor="acme/MiniLM-L12")
    made.date("minilm-l12", in_days(-5), successor="minilm-l24")
    late, short = ends(run)
    assert (late["code"], late["mend"]) == ("EOL002", "adapterctl plan router --to minilm-l24")
    assert late["message"].endswith("; successor minilm-l12 (until 2026-11-18) -> minilm-l24")
    assert (short["code"], short["mend"]) == ("EOL007", "adapterctl plan router --to minilm-l24")

    made.date("minilm-l24", in_days(-4), successor="minilm-l6")
    late = ends(run)[0]
    assert late["mend"] == "adapterctl plan router --to SUCCESSOR"
    assert late["message"].endswith("named by minilm-l12; minilm-l24 names minilm-l6 again")


def test_an_adapter_at_two_providers_goes_by_the_first_that_ends(made, run):
    made.base("gpt", source=BaseSource(provider="openai", model=SNAPSHOT), revision=None)
    places = [Serving(provider="openai"), Serving(provider="azure", region="Sweden Central")]
    made.adapter("router", base="gpt", serving=places)
    made.date("gpt", in_days(170), phase="serving", provider="openai")
    made.date("gpt", in_days(120), phase="serving", provider="azure", region="eu")
    (first,) = ends(run)
    assert (first["provider"], first["slack_days"]) == ("azure", 60)


def test_the_feeds_know_fine_tunes_that_outlive_their_base(made, run, corpus):
    """LiteLLM lists ``ft:gpt-3.5-turbo-1106`` a month longer than ``gpt-3.5-turbo-1106``."""
    map_ = corpus / "eol" / "litellm" / "litellm-1.109.1.json"
    said = run("lifecycle", "import", "litellm", str(map_), "--as-of", "2026-09-01")
    assert said.status == 0
    old = "gpt-3.5-turbo-1106"
    made.base("old", source=BaseSource(provider="openai", model=old), revision=None)
    hosted(made, "intents", old)
    hosted(made, "titan", "amazon.titan-text-express-v1", provider="bedrock", region="us-east-1")
    on_the_day = ("audit", "--as-of", "2026-10-01", "--offline", "--format", "json")
    found = {one["subject"]: one for one in run(*on_the_day).json["results"]}
    late = found["adapter:intents@1"]
    assert (late["code"], late["date"]) == ("EOL002", "2026-10-23")
    assert "serving of fine-tunes of old at openai: shutdown on 2026-10-23" in late["message"]
    assert "it counts instead of the base's own 2026-09-28" in late["message"]
    assert found["adapter:titan@1"]["code"] == "EOL004"


def test_the_end_of_a_judge_is_told_and_moves_nobody(made: SmallRegistry, run: Commands) -> None:
    made.base("judge", source=BaseSource(provider="openai", model="judge-1"), fingerprint=None)
    made.base("small")
    evaluator = Evaluator(command="judge {rows} {out} {judge}", judge="judge")
    made.adapter("router", base="small", evaluator=evaluator, data=judged_data())
    assert [one for one in ends(run) if one["base"] == "judge"] == []
    add(run, "judge", "--phase", "serving", "--shutdown", in_days(10))
    [found] = [one for one in ends(run) if one["base"] == "judge"]
    assert (found["code"], found["severity"]) == ("EOL002", "medium")
    assert (found["subject"], found["slack_days"]) == ("adapter:router@1", None)
    assert found["date"] == in_days(10)
    assert found["message"].startswith("its evaluator's judge: serving of judge: shutdown")
    assert found["mend"].startswith("name another judge in the recipe")
    listed = run("list", *TODAY, "--format", "json").json["results"]
    assert [one["rebuild_by"] for one in listed] == [None]


def judged_data() -> Data:
    gold = EvaluationData(path="data/gold.jsonl", metrics=["evaluator"])
    return Data(train=TrainData(path="data/train.jsonl"), evaluation={"gold": gold})
