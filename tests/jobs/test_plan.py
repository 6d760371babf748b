"""Planning one adapter: what is gathered, what stops it, and that nothing is trained."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from adapterctl.errors import InvalidInput, Mismatch, NotFound
from adapterctl.jobs.plan import plan
from adapterctl.records.base import BaseSource
from adapterctl.records.policy import Prices
from adapterctl.records.recipe import LoraSettings
from adapterctl.rules.mapping.targets import Blocker
from adapterctl.stores.registry import FolderRegistry
from support.bench import Bench, make_bench, three_bases, tidied, written
from support.projects import rows, write_jsonl
from support.registries import SmallRegistry, in_days
from support.tiny_bases import tiny_llama


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return three_bases(tmp_path_factory.mktemp("bases"))


@pytest.fixture
def bench(bases: Path, tmp_path: Path) -> Bench:
    return make_bench(tmp_path / "project", bases)


def whats(blockers: list[Blocker]) -> list[str]:
    return [blocker.what for blocker in blockers]


# one adapter


def test_a_plan_is_made_without_training_anything(bench: Bench) -> None:
    bench.date("old-base", in_days(43))
    found = plan(bench.project(), "router", to="new-base")
    assert found.blockers == []
    assert found.can_run
    assert found.proposed_recipe.lora.target_modules == ["k_proj", "q_proj", "v_proj"]
    assert found.proposed_recipe.base == "new-base"
    assert found.slack_days == 43 - 60
    assert found.cost is not None and found.cost.rows == 80
    assert not (bench.root / ".adapterctl" / "plans").exists()


def test_texts_are_measured_in_both_bases_tokens(bench: Bench, bases: Path) -> None:
    from adapterctl.training.rows.text import load_tokenizer

    found = plan(bench.project(), "router", to="new-base")
    texts = [row["text"] for row in tidied(rows(40, seed=1))]
    for lengths, base in ((found.old_lengths, "old"), (found.lengths, "new")):
        counts = [len(ids) for ids in load_tokenizer(bases / base)(texts)["input_ids"]]
        assert lengths is not None
        assert lengths.rows == 40
        assert lengths.longest == max(counts)
        assert lengths.cut == sum(count > 32 for count in counts)


def test_nothing_is_written_outside_the_private_folder(bench: Bench) -> None:
    def files() -> set[str]:
        found = (path for path in bench.root.rglob("*") if path.is_file())
        names = {path.relative_to(bench.root).as_posix() for path in found}
        return {name for name in names if "__pycache__" not in name}

    before = files()
    plan(bench.project(), "router", to="new-base")
    assert {name for name in files() - before if not name.startswith(".adapterctl/")} == set()


def test_the_role_map_of_todays_recipe_counts(bench: Bench) -> None:
    assert whats(plan(bench.project(), "router", to="gpt2").blockers) == []
    recipe = bench.routed(role_map={"attention.q": []})
    assert recipe.role_map == {"attention.q": []}
    found = plan(bench.project(), "router", to="gpt2")
    assert whats(found.blockers) == [
        "the successor fuses attention.q, attention.k and attention.v into one layer (c_attn), "
        "and the old adapter stands on attention.k and attention.v alone"
    ]


def test_a_successor_whose_weights_changed_stops_the_plan(
    bench: Bench, bases: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(bases / "new", copy)
    bench.fingerprinted("copied", copy)
    weights = copy / "model.safetensors"
    raw = bytearray(weights.read_bytes())
    raw[-1] ^= 1
    weights.write_bytes(raw)
    with pytest.raises(Mismatch) as caught:
        plan(bench.project(), "router", to="copied")
    assert "the weights of base 'copied' changed: fp1:" in str(caught.value)


def test_a_successor_without_a_fingerprint_blocks(bench: Bench, bases: Path) -> None:
    bench.base("bare", source=BaseSource(path=str(bases / "new")), fingerprint=None)
    found = plan(bench.project(), "router", to="bare")
    assert found.blockers == [
        Blocker(
            what="base bare has no fingerprint, so nobody could tell it from another",
            mend="adapterctl bases fingerprint bare",
        )
    ]


def test_a_hosted_successor_cannot_be_planned(bench: Bench) -> None:
    hosted = BaseSource(provider="openai", model="gpt-9")
    bench.base("gpt-9", source=hosted, fingerprint=None)
    with pytest.raises(InvalidInput, match="base 'gpt-9' is hosted at openai"):
        plan(bench.project(), "router", to="gpt-9")


def test_unknown_names_are_answered_with_the_known_ones(bench: Bench) -> None:
    with pytest.raises(NotFound, match="known: gpt2, new-base, old-base"):
        plan(bench.project(), "router", to="newbase")
    with pytest.raises(NotFound, match="no adapter 'ruter'"):
        plan(bench.project(), "ruter", to="new-base")


def test_a_shorter_life_than_the_lead_time_is_told(bench: Bench) -> None:
    bench.date("new-base", in_days(30), phase="serving", successor="gpt2")
    found = plan(bench.project(), "router", to="new-base")
    assert found.successor.days == 30
    assert any("(EOL007)" in note for note in found.notes)
    assert any(note.startswith("after it: new-base -> gpt2") for note in found.notes)


def test_a_successors_other_name_is_looked_up_too(bench: Bench, bases: Path) -> None:
    bench.fingerprinted("renamed", bases / "new")
    named = msgspec.structs.replace(bench.door.base("renamed"), names=["acme/llama"])
    bench.door.write_base(named)
    bench.date("acme/llama", in_days(30))
    assert plan(bench.project(), "router", to="renamed").successor.days == 30


def test_where_the_old_base_is_gone_the_record_serves(
    bench: Bench, bases: Path, tmp_path: Path
) -> None:
    shutil.copytree(bases / "old", tmp_path / "doomed")
    bench.fingerprinted("doomed", tmp_path / "doomed")
    recipe = bench.routed("orphan", base="doomed")
    bench.registered(recipe, prepared=tidied(rows(40, seed=1)))
    shutil.rmtree(tmp_path / "doomed")
    found = plan(bench.project(), "orphan", to="new-base")
    assert found.blockers == []
    assert found.proposed_recipe.lora.target_modules == ["k_proj", "q_proj", "v_proj"]
    assert found.notes[0] == (
        "the weights of base 'doomed' are not here: modules are mapped by the names in the "
        "record, and shapes, tokenizer, template and time cannot be compared"
    )
    assert found.old_lengths is None
    assert found.cost is not None and found.cost.seconds is None


# memory and money


def test_a_plan_says_what_memory_its_training_takes(bench: Bench) -> None:
    found = plan(bench.project(), "router", to="new-base").memory
    assert found is not None and found.activations is not None
    assert found.total == sum(
        (found.weights, found.adapter, found.gradients, found.optimizer, found.activations)
    )
    weights = bench.door.base("new-base").source.path
    assert weights is not None
    stored = (Path(weights) / "model.safetensors").stat().st_size
    # The head that the adapter brings comes on top, the language model's does not.
    assert 0.5 * stored < found.weights < stored


def test_money_takes_a_price_and_a_measured_time(bench: Bench) -> None:
    assert plan(bench.project(), "router", to="new-base").price is None
    bench.policy(prices=Prices(device_hour=3_600_000.0, currency="CHF"))
    found = plan(bench.project(), "router", to="new-base")
    assert found.price is not None and found.cost is not None and found.cost.seconds is not None
    assert found.price.currency == "CHF"
    assert found.price.first == pytest.approx(found.cost.seconds * 1000)
    assert found.price.most > found.price.first


# tokens and licences


def test_tokens_that_rows_hold_and_the_successor_lacks_are_counted(bench: Bench) -> None:
    marked = [{**row, "message": f"{row['message']} <|im_end|>"} for row in rows(3, seed=3)]
    every = [*rows(40, seed=1), *marked]
    write_jsonl(bench.root / "data" / "train.jsonl", every)
    recipe = bench.routed(base="new-base", lora=LoraSettings(target_modules=["q_proj"]))
    bench.registered(recipe, prepared=tidied(every))
    found = plan(bench.project(), "router", to="old-base")
    assert (
        "<|im_end|> is one token on the old base and in pieces on the successor; training rows "
        "that hold it: 3"
    ) in found.notes
    assert not any("<|im_start|>" in note for note in found.notes)


def test_licences_are_those_that_the_registry_states(bench: Bench) -> None:
    named = msgspec.structs.replace(bench.door.base("old-base"), licence="apache-2.0")
    bench.door.write_base(named)
    found = plan(bench.project(), "router", to="new-base")
    assert (found.old_licence, found.licence) == ("apache-2.0", None)


# training rows


def test_rows_that_are_neither_here_nor_pinned_block(bench: Bench) -> None:
    (bench.root / "data" / "train.jsonl").unlink()
    found = plan(bench.project(), "router", to="new-base")
    assert whats(found.blockers) == [
        "data/train.jsonl: no such file",
        f"{bench.root}: not a DVC repository",
    ]
    assert found.lengths is None and found.cost is None
    assert not found.can_run


def test_other_rows_than_the_recorded_ones_do_not_count(bench: Bench) -> None:
    write_jsonl(bench.root / "data" / "train.jsonl", rows(40, seed=2))
    found = plan(bench.project(), "router", to="new-base")
    assert found.blockers[0] == Blocker(
        what="data/train.jsonl: after preprocessing these are not the training rows of the "
        "record (CODE002)",
        mend="adapterctl verify router@1",
    )
    assert found.lengths is None
    assert not found.can_run


def test_a_record_without_prepared_rows_is_planned_on_todays(bench: Bench) -> None:
    recipe = bench.routed("adopted")
    record = bench.registered(recipe, prepared=[])
    path = bench.door.record_path("adopted", record.version)
    path.write_bytes(msgspec.json.encode(msgspec.structs.replace(record, prepared={})))
    found = plan(bench.project(), "adopted", to="new-base")
    assert found.lengths is not None and found.lengths.rows == 40
    assert "the record has no digest of the prepared rows: today's rows are counted" in found.notes


def test_conversations_block_on_a_successor_without_a_template(
    bench: Bench, tmp_path: Path
) -> None:
    home = bench.root / "registry" / "adapters" / "talker"
    home.mkdir(parents=True)
    (home / "prepare.py").write_text("def prepare(rows):\n    return rows\n")
    talk = [
        {"messages": [{"role": "user", "content": "card"}, {"role": "assistant", "content": "no"}]}
    ] * 3
    write_jsonl(bench.root / "data" / "train.jsonl", talk)
    recipe = bench.routed(
        "talker",
        base="new-base",
        task="CAUSAL_LM",
        preprocessing="registry/adapters/talker/prepare.py:prepare",
        lora=LoraSettings(target_modules=["q_proj", "k_proj", "v_proj"]),
    )
    bench.registered(recipe, prepared=talk)
    found = plan(bench.project(), "talker", to="gpt2")
    assert found.blockers == [
        Blocker(
            what="train: rows hold messages, and the base has no chat template",
            mend="give prompt and completion as text, or choose a base with a chat template",
        )
    ]


def talker(bench: Bench, talk: list[dict], **changes) -> None:
    """Registers talker@1 on new-base, which has a ChatML template."""
    home = bench.root / "registry" / "adapters" / "talker"
    home.mkdir(parents=True, exist_ok=True)
    (home / "prepare.py").write_text("def prepare(rows):\n    return rows\n")
    write_jsonl(bench.root / "data" / "train.jsonl", talk)
    recipe = bench.routed(
        "talker",
        base="new-base",
        task="CAUSAL_LM",
        preprocessing="registry/adapters/talker/prepare.py:prepare",
        lora=LoraSettings(target_modules=["q_proj", "k_proj", "v_proj"]),
        **changes,
    )
    bench.registered(recipe, prepared=talk)


def talk_of(*turns: str) -> dict:
    roles = ("user", "assistant") * len(turns)
    said = zip(roles, turns, strict=False)
    return {"messages": [{"role": role, "content": text} for role, text in said]}


INSTRUCT = (
    "{%- for m in messages %}{%- if m.role == 'user' %}{{- '[INST] ' + m.content + ' [/INST]' }}"
    "{%- else %}{{- m.content + '</s>' }}{%- endif %}{%- endfor %}"
)


def test_probe_rows_show_what_another_template_makes_of_them(bench: Bench, tmp_path: Path) -> None:
    bench.fingerprinted("instruct", tiny_llama(tmp_path / "instruct", chat=INSTRUCT))
    talker(bench, [talk_of("card", "no"), talk_of("lost", "yes", "stolen", "no")])
    talks = plan(bench.project(), "talker", to="instruct").conversations
    assert talks is not None
    assert (talks.rows, talks.differing) == (2, 2)
    assert talks.frame == [
        "--- new-base",
        "+++ instruct",
        "@@ -1,8 +1 @@",
        "-<|im_start|>user",
        "-(user)<|im_end|>",
        "-<|im_start|>assistant",
        "-(assistant)<|im_end|>",
        "-<|im_start|>user",
        "-(user)<|im_end|>",
        "-<|im_start|>assistant",
        "-(assistant)<|im_end|>",
        "+[INST] (user) [/INST](assistant)</s>[INST] (user) [/INST](assistant)</s>",
    ]
    by_row = {one.row: one.diff for one in talks.shown}
    assert "+[INST] card [/INST]no</s>" in by_row[0]
    assert "-card<|im_end|>" in by_row[0]


def test_equal_templates_render_alike(bench: Bench, tmp_path: Path) -> None:
    bench.fingerprinted("sister", tiny_llama(tmp_path / "sister", seed=1))
    talker(bench, [talk_of("card", "no")])
    talks = plan(bench.project(), "talker", to="sister").conversations
    assert talks is not None
    assert (talks.rows, talks.differing, talks.frame, talks.shown) == (1, 0, [], [])
    assert talks.old_sha256 == talks.new_sha256


def test_sensitive_conversations_are_counted_and_not_shown(bench: Bench, tmp_path: Path) -> None:
    bench.fingerprinted("instruct", tiny_llama(tmp_path / "instruct", chat=INSTRUCT))
    data = bench.routed().data
    private = msgspec.structs.replace(
        data, train=msgspec.structs.replace(data.train, sensitive=True)
    )
    talker(bench, [talk_of("card", "no")], data=private)
    found = plan(bench.project(), "talker", to="instruct")
    assert found.conversations is not None
    assert (found.conversations.differing, found.conversations.frame) == (1, [])
    assert b"[INST]" not in msgspec.json.encode(found)


# PEFT and the trainer have the last word


def test_a_head_that_peft_does_not_know_is_named_to_it(
    bench: Bench, bases: Path, tmp_path: Path
) -> None:
    """Under all-linear PEFT would put LoRA on T5's head; saved whole, it is none of its choice."""
    bench.fingerprinted("t5", written(tmp_path / "t5", "t5", bases / "new"))
    everything = bench.routed("everything", lora=LoraSettings())
    bench.registered(everything, prepared=tidied(rows(40, seed=1)))
    found = plan(bench.project(), "everything", to="t5")
    assert found.blockers == []
    saved = found.proposed_recipe.lora.modules_to_save
    assert saved == ["classification_head.out_proj"]


def test_what_the_trainer_refuses_blocks(bench: Bench) -> None:
    lora = LoraSettings(target_modules=["query", "key", "value"], use_qalora=True)
    recipe = bench.routed("quantized", lora=lora)
    bench.registered(recipe, prepared=tidied(rows(40, seed=1)))
    found = plan(bench.project(), "quantized", to="new-base")
    assert whats(found.blockers) == [
        "lora.use_qalora: not honoured: PEFT has QALoRA for GPTQ-quantized bases only"
    ]


def test_a_head_without_weights_is_trained_in_full(
    bench: Bench, bases: Path, tmp_path: Path
) -> None:
    folder = written(tmp_path / "deberta", "deberta-v2", bases / "old", headless=True)
    bench.fingerprinted("deberta", folder)
    everything = bench.routed("everything", lora=LoraSettings())
    bench.registered(everything, prepared=tidied(rows(40, seed=1)))
    found = plan(bench.project(), "everything", to="deberta")
    assert found.blockers == []
    assert found.proposed_recipe.lora == LoraSettings(modules_to_save=["pooler.dense"])


# a clone with nothing but git and the DVC remote


def test_a_fresh_clone_plans_on_what_is_pinned(clone) -> None:
    root = clone()
    assert not (root / "data" / "train.jsonl").exists()
    record = FolderRegistry(root).record("router", 1)
    project = SmallRegistry(root).project()
    found = plan(project, "router", to="new-base")
    assert found.blockers == []
    assert found.lengths is not None and found.lengths.rows == record.train.rows
    assert (
        "the working tree has other data or code than the record: the pinned ones are used"
        in found.notes
    )
    assert not list((root / ".adapterctl" / "plans").iterdir())
