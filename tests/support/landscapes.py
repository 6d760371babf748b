"""A registry as a company has it: many adapters on bases that end in every way there is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from adapterctl.records.adopted import HostedJob, StatedBase
from adapterctl.records.base import BaseSource
from adapterctl.records.lifecycle import Observation
from adapterctl.records.parity import MetricParity, NegativeFlips, ParityReport, Verdict
from adapterctl.records.recipe import Owners, Recipe, Serving
from adapterctl.records.version import RebuiltFrom
from adapterctl.rules.audit.judged import Frame, about
from adapterctl.rules.audit.overview import Overview, overview
from adapterctl.rules.findings import Audit, Finding, ranked
from adapterctl.rules.glances import build, choice
from adapterctl.rules.lifecycle.almanac import status_on
from adapterctl.rules.standing import Standing, stand
from support.registries import SOURCE, TODAY, SmallRegistry, a_recipe, a_record, in_days

HOSTED = Serving(provider="openai", region="eu", consumers=["ledger", "archive"])
OWN = Serving(provider="self-hosted", region="eu", consumers=["helpdesk"])


def a_landscape(root: Path) -> SmallRegistry:
    """Writes bases that ended, end soon, late, much later, perhaps, or nobody knows when.

    ``support-router`` was rebuilt three times, with each verdict once; ``ticket-summary`` is
    hosted, ``claims-triage`` adopted, ``cracked`` cannot be read, ``draft`` is not registered.
    """
    made = SmallRegistry(root)
    _bases(made)
    _router(made)
    for name, changes in _plain():
        made.adapter(name, **changes)
    _imported(made)
    made.adapter("old-timer")
    made.event("old-timer", "retired", 1, at="2026-10-01T08:00:00Z", because="nobody asks any more")
    made.recipe("draft")
    made.adapter("cracked")
    made.broken_record("cracked", 1)
    made.waive("EVAL002", "adapter:faq-short", until="2026-12-31")
    return made


def _bases(made: SmallRegistry) -> None:
    for name in ("minilm-l6", "minilm-l12", "tiny-gpt2", "qwen3-8b"):
        made.base(name)
    made.base("mistral-7b", mirror=None)
    made.base("llama-3.1-8b", revision="main", fingerprint=None)
    for name, provider, called in (
        ("gpt-4o-mini", "openai", "gpt-4o-mini-2024-07-18"),
        ("nova-lite", "bedrock", "amazon.nova-lite-v1:0"),
    ):
        source = BaseSource(provider=provider, model=called)
        made.base(name, source=source, revision=None, fingerprint=None)
    made.date("minilm-l6", in_days(43), successor="minilm-l12")
    made.date("minilm-l12", in_days(1200), kind="not_before")
    made.date("mistral-7b", in_days(140), successor="qwen3-8b")
    made.date("qwen3-8b", in_days(330), kind="not_before", source="the vendor's account manager")
    made.date("llama-3.1-8b", in_days(520))
    for phase, days in (("tuning", 20), ("serving", -8)):
        where = {"provider": "openai", "successor": "gpt-5-mini"}
        made.date("gpt-4o-mini", in_days(days), phase=phase, **where)
    made.date("nova-lite", in_days(95), phase="serving", provider="bedrock", region="eu-west-1")
    made.date(
        "nova-lite", in_days(260), phase="serving", provider="bedrock", region="us-east-1",
        kind="not_before",
    )  # fmt: skip


def _router(made: SmallRegistry) -> None:
    first = made.adapter("support-router")
    verdicts: tuple[Verdict, ...] = ("FAIL", "INCONCLUSIVE", "PASS")
    for day, verdict in enumerate(verdicts, start=18):
        recipe = made.recipe("support-router", base="minilm-l12")
        rebuilt = a_rebuilt(first.version, "minilm-l6", verdict=verdict)
        at = f"2026-11-{day}T15:30:00Z"
        version = made.version(recipe, created=at, rebuilt_from=rebuilt)
        made.event("support-router", "candidate", version.version, at=at)
    made.recipe("support-router")


def a_rebuilt(version: int, base: str, *, verdict: Verdict) -> RebuiltFrom:
    """Returns where a candidate comes from, with a report of two metrics, slices and flips."""
    middle = {"PASS": 0.012, "INCONCLUSIVE": -0.011, "FAIL": -0.062}[verdict]
    metrics = [
        MetricParity(
            name=name, set="gold", slice=part, rows=rows, old=0.905, bare=0.31,
            candidate=0.905 + middle, difference=middle,
            interval=(middle - 0.02, middle + 0.019), margin=0.02, verdict=verdict,
            rows_needed=3100 if verdict == "INCONCLUSIVE" else None,
        )
        for name, part, rows in (
            ("accuracy", None, 2000), ("f1_macro", None, 2000), ("accuracy", "card_lost", 64),
        )
    ]  # fmt: skip
    flips = NegativeFlips(
        set="gold", rows=2000, flips=44, rate=0.022, upper=0.028, limit=0.05, verdict="PASS"
    )
    report = ParityReport(
        verdict=verdict, level=0.05, old_side="rerun", metrics=metrics, negative_flips=[flips],
        bare_ties=False, notes=["No margin is set for gold f1_macro: the default of 0.02 holds."],
    )  # fmt: skip
    return RebuiltFrom(version=version, base=base, rung="carried", parity=report)


def _plain() -> list[tuple[str, dict[str, object]]]:
    billing = Owners(team="billing", backup="platform-ml")
    legal = Owners(team="legal-ai", backup="platform-ml")
    hosted = {"task": "CAUSAL_LM", "serving": [HOSTED], "owners": billing}
    gold = _without_shadow(a_recipe("faq-short"))
    return [
        ("invoice-reader", {"base": "gpt-4o-mini", **hosted}),
        ("dunning-letters", {"base": "gpt-4o-mini", **hosted}),
        ("contract-clauses", {"base": "mistral-7b", "task": "CAUSAL_LM", "owners": legal}),
        ("privacy-redactor", {"base": "mistral-7b", "task": "CAUSAL_LM", "owners": legal}),
        ("meeting-notes", {"base": "llama-3.1-8b", "task": "CAUSAL_LM"}),
        ("code-review", {"base": "qwen3-8b", "task": "CAUSAL_LM", "owners": Owners(team="dev")}),
        ("faq-short", {"base": "tiny-gpt2", "owners": Owners(team="support-ml"), "data": gold}),
        ("spam-filter", {"owners": Owners()}),
        ("voice-of-customer", {
            "base": "nova-lite", "task": "CAUSAL_LM",
            "serving": [Serving(provider="bedrock", region=r) for r in ("eu-west-1", "us-east-1")],
        }),
    ]  # fmt: skip


def _without_shadow(recipe: Recipe) -> object:
    gold = {"gold": recipe.data.evaluation["gold"]}
    return msgspec.structs.replace(recipe.data, evaluation=gold)


def _imported(made: SmallRegistry) -> None:
    made.adopted("claims-triage", owners=Owners(team="legal-ai"))
    model = "ft:gpt-4o-mini-2024-07-18:acme:tickets:9abc"
    made.adopted(
        "ticket-summary",
        origin=f"openai:{model}",
        base=StatedBase(kind="provider", stated="gpt-4o-mini-2024-07-18", provider="openai"),
        hosted=HostedJob(provider="openai", model=model, job="ftjob-81", created="2025-09-02"),
        owners=Owners(team="support-ml", backup="platform-ml"),
        peft_type=None, config={}, artifacts=None, weights_sha256=None, adapter_config_sha256=None,
    )  # fmt: skip


def a_crowd(adapters: int, *, bases: int = 40) -> Overview:
    """Returns so many adapters of a dozen teams, never written anywhere, with a finding or two."""
    frame = Frame(today=TODAY, horizon_days=180)
    standings = [_one_of_many(number, bases=bases) for number in range(adapters)]
    findings = [
        finding
        for number, standing in enumerate(standings)
        for finding in _found(standing, ("EOL003", "OWN001")[: 1 + number % 2])
    ]
    audit = Audit(
        as_of=TODAY, horizon_days=frame.horizon_days, adapters=adapters, versions=adapters,
        retired=0, findings=ranked(findings), skipped=[],
    )  # fmt: skip
    return overview(audit, standings, {})


def _one_of_many(number: int, *, bases: int) -> Standing:
    name, owner = f"adapter-{number:05d}", f"team-{number % 12:02d}"
    base = f"base-{number % bases:03d}"
    recipe = msgspec.structs.replace(a_recipe(name), base=base, owners=Owners(team=owner))
    end = Observation(
        subject=base, phase="weights", kind="shutdown", date=in_days(40 + number % bases * 9),
        source=SOURCE, seen_on="2026-11-01", key=base,
    )  # fmt: skip
    return stand(
        name,
        build(a_record(recipe, 1)),
        choice=choice(recipe),
        status=status_on([end], lead_days=60, today=TODAY),
        aliases=["champion"],
    )


def _found(standing: Standing, codes: Sequence[str]) -> Iterator[Finding]:
    for code in codes:
        yield about(
            standing, code, "medium", message=f"{code} of {standing.base}", date=TODAY,
            slack_days=standing.status.slack_days, mend=f"adapterctl plan {standing.adapter}",
        )  # fmt: skip
