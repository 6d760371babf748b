"""A plan as a person on duty reads it: goldens, and nothing wider than a terminal."""

from __future__ import annotations

import itertools
import json

import msgspec
import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from adapterctl.records.policy import Prices
from adapterctl.records.recipe import Command, LoraSettings, TrainingSettings
from adapterctl.render.plan import (
    as_json,
    as_markdown,
    as_text,
    duration,
    fleet_as_json,
    fleet_as_markdown,
    fleet_as_text,
)
from adapterctl.rules.findings import Skipped
from adapterctl.rules.mapping.targets import Blocker
from adapterctl.rules.planning.conversations import compare_rendered
from adapterctl.rules.planning.differences import Change
from adapterctl.rules.planning.estimates import TextLengths
from adapterctl.rules.planning.memory import Counted, memory
from adapterctl.rules.planning.plans import FleetPlan, RebuildPlan, draft, with_memory, without_rows
from support.goldens import assert_golden
from support.plans import TODAY, by_command, facts, status

MEMORY = memory(
    Counted(
        weights=90_600_000,
        shapes=[[16, 384], [384, 16]] * 6,
        passing=1_240_000_000,
        rows=16,
        tokens=2_048,
    ),
    TrainingSettings(),
)


def ready() -> RebuildPlan:
    cut = TextLengths(
        rows=847, conversations=0, tokens=31_400, longest=212, limit=128, cut=19, lost=0
    )
    drafted = draft(
        facts(
            lora=LoraSettings(r=16, lora_alpha=32, target_modules=["query", "value", "dense"]),
            lengths=cut,
            deadline=status("2027-02-05"),
            runway=status("2028-06-30"),
            prices=Prices(device_hour=2.5),
        )
    )
    return with_memory(drafted, MEMORY, free=2**40)


def talking(*, sensitive: bool = False) -> RebuildPlan:
    """A plan whose conversations another template renders."""
    old = "<|user|>\nWhere is my card?\n<|assistant|>\nOn its way.\n"
    new = "[INST] Where is my card? [/INST] On its way.</s>"
    talks = compare_rendered(
        {4: (old, new), 9: (old, old)},
        (
            "<|user|>\n(user)\n<|assistant|>\n(assistant)\n",
            "[INST] (user) [/INST] (assistant)</s>",
        ),
        names=("old-base", "new-base"),
        sensitive=sensitive,
    )
    return draft(facts(conversations=talks))


def blocked() -> RebuildPlan:
    gone = Blocker(
        what="data/train.jsonl: object ab12 is not in the remote 'storage'",
        mend="adapterctl verify support-router@1",
    )
    return draft(
        facts(
            lora=LoraSettings(target_modules=["query", "position_embeddings"]),
            old=None,
            new_changes={"special_tokens": {"eos_token": "<end>"}},
            deadline=status("2026-12-01"),
            blockers=[gone],
            role_map={"attention.query": "q_proj"},
        )
    )


def fleet() -> FleetPlan:
    early = msgspec.structs.replace(blocked(), adapter="card-helper")
    return FleetPlan(
        old_base="old-base",
        new_base="new-base",
        can_run=False,
        plans=[early, ready()],
        skipped=[
            Skipped(
                subject="adapter:faq-short@2",
                reason="distilbert cannot be built for CAUSAL_LM",
                mend="choose a base whose architecture transformers offers for this task",
            )
        ],
    )


def test_a_plan_that_can_run_reads_from_top_to_bottom():
    assert_golden("plan.txt", as_text(ready()) + "\n")


def test_a_blocked_plan_starts_with_what_blocks_it():
    assert_golden("plan_blocked.txt", as_text(blocked()) + "\n")


def test_a_trainer_command_is_shown_as_it_would_run():
    command = Command(
        command="axolotl train {config} --out {out} --seed {seed}",
        config="configs/router.yml",
        set={"base_model": "{base}", "rows": "{data}", "modules": "{lora.target_modules}"},
    )
    text = "base_model: bert\nrows: r.jsonl\nmodules: [query, value]\n"
    assert_golden("plan_trainer.txt", as_text(draft(by_command(command, config=text))) + "\n")


def test_another_chat_template_is_shown_on_probe_rows():
    assert_golden("plan_chat.txt", as_text(talking()) + "\n")


def test_of_sensitive_conversations_there_are_counts_and_digests_only():
    text, answer = as_text(talking(sensitive=True)), as_json([talking(sensitive=True)], as_of=TODAY)
    assert "1 of 2 probe rows are rendered otherwise" in text
    assert "the data are sensitive: no text is shown" in text
    assert "my card" not in text + answer
    assert "[INST]" not in text + answer


def test_what_leaves_the_machine_holds_no_rows():
    kept = without_rows(talking())
    assert "my card" not in as_json([kept], as_of=TODAY)
    assert kept.conversations is not None
    assert "+[INST] (user) [/INST] (assistant)</s>" in kept.conversations.frame


def test_a_fleet_is_a_line_per_adapter():
    assert_golden("plan_fleet.txt", fleet_as_text(fleet()) + "\n")


def test_a_fleet_of_nobody_says_so():
    nobody = msgspec.structs.replace(fleet(), plans=[], skipped=[])
    assert fleet_as_text(nobody) == (
        "old-base -> new-base: 0 of 0 can run\n\nNext: adapterctl list --base old-base"
    )


@pytest.mark.parametrize(
    "text", [as_text(ready()), as_text(blocked()), as_text(talking()), fleet_as_text(fleet())]
)
def test_nothing_is_wider_than_a_terminal(text):
    assert max(map(len, text.splitlines())) <= 80


def test_colours_are_only_there_when_they_are_asked_for():
    assert "\x1b" not in as_text(ready())
    assert "\x1b[1msupport-router@1: old-base -> new-base\x1b[0m" in as_text(ready(), colour=True)


def test_the_answer_for_scripts_is_the_plan_itself():
    answer = json.loads(as_json([ready()], as_of=TODAY))
    assert answer["command"] == "plan"
    assert answer["as_of"] == "2026-11-23"
    [result] = answer["results"]
    assert result == msgspec.to_builtins(ready())
    assert result["can_run"] is True
    assert result["proposed_recipe"]["lora"]["target_modules"] == [
        "down_proj",
        "o_proj",
        "q_proj",
        "up_proj",
        "v_proj",
    ]


def test_the_answer_about_a_fleet_names_what_could_not_be_planned():
    answer = json.loads(fleet_as_json(fleet(), as_of=TODAY))
    assert [one["adapter"] for one in answer["results"]] == ["card-helper", "support-router"]
    assert [one["subject"] for one in answer["skipped"]] == ["adapter:faq-short@2"]
    assert answer["totals"] == {
        "plans": 2,
        "ready": 1,
        "seconds": 1107.0,
        "most_seconds": 8302.5,
        "unestimated": 1,
        "price": {"first": 0.77, "most": 5.77, "currency": "EUR"},
        "memory": MEMORY.total,
    }


# Markdown


def tokens_of(text: str) -> list[Token]:
    return MarkdownIt("gfm-like", {"linkify": False}).parse(text)


def tables_in(text: str) -> list[list[list[str]]]:
    """Every table of a text as a reader of Markdown sees it, cell by cell."""
    found: list[list[list[str]]] = []
    for before, token in itertools.pairwise(tokens_of(text)):
        if token.type == "thead_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif token.type == "inline" and before.type in {"th_open", "td_open"}:
            shown = [part.content for part in token.children or () if part.type != "html_inline"]
            found[-1][-1].append("".join(shown))
    return found


def test_markdown_holds_the_same_plan():
    text = as_markdown(ready())
    assert_golden("plan.md", text + "\n")
    first, changes, roles, ladder, stays = tables_in(text)
    assert ["can run", "yes"] in first
    assert ["learning rate", "0.0005, uncalibrated: sweep"] in first
    assert ["base", "old-base -> new-base"] in changes
    assert ["attention.o", "2 x attention.output.dense", "2 x o_proj", "16x16", "16x16"] in roles
    assert ladder[1][0] == "carried recipe"
    assert ["seed", "17"] in stays


def test_markdown_of_a_blocked_plan_names_what_blocks_first():
    text = as_markdown(blocked())
    assert_golden("plan_blocked.md", text + "\n")
    assert text.index("#### Blocked by") < text.index("#### What changes")


def test_markdown_of_a_fleet_is_a_table_with_sums_at_the_foot():
    text = fleet_as_markdown(fleet())
    assert_golden("plan_fleet.md", text + "\n")
    [table] = tables_in(text)
    assert table[0] == ["Slack", "Rebuild by", "Adapter", "Time", "Cost", "Memory", "Plan"]
    assert [line[2] for line in table[1:]] == ["card-helper@1", "support-router@1", "in all"]
    assert table[-1][-1] == "1 of 2 ready"


def test_markdown_shows_the_frame_of_a_template_and_no_row():
    text = as_markdown(talking())
    [fence] = [token for token in tokens_of(text) if token.type == "fence"]
    assert fence.info == "diff"
    assert "+[INST] (user) [/INST] (assistant)</s>" in fence.content
    assert "my card" not in text


def test_hostile_names_do_not_break_out_of_markdown():
    evil = "a|b `c` <script> @team\n"
    change = Change(what="chat template", old=evil, new="none")
    text = as_markdown(msgspec.structs.replace(ready(), changes=[change], notes=[evil]))
    assert ["chat template", "a|b `c` <script> @team -> none"] in [
        [cell.replace("\n", "").replace("  ", " ") for cell in line] for line in tables_in(text)[1]
    ]
    assert not [
        token
        for token in tokens_of(text)
        if token.type == "html_block" and "script" in token.content
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "-"), (7.6, "8 s"), (119, "119 s"), (150, "2 min"), (7200, "2.0 h"), (12_600, "3.5 h")],
)
def test_a_duration_is_as_fine_as_it_matters(seconds, text):
    assert duration(seconds) == text
