"""Predictions are what transformers and PEFT give row by row, whatever the order or the batch."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import transformers
from peft import PeftModel

from adapterctl.errors import InvalidInput, Mismatch
from adapterctl.records.canonical import digest
from adapterctl.records.parity import Prediction
from adapterctl.records.recipe import Generation, TrainingSettings
from adapterctl.training.asking.generation import Draws, end_tokens
from adapterctl.training.asking.predict import Questions, predict
from adapterctl.training.learning import batches
from adapterctl.training.learning.halves import side_by_side
from adapterctl.training.loading import LoadedBase, head_weights, load_base
from support.tiny_adapters import tiny_adapter
from support.tiny_bases import tiny_llama

pytestmark = pytest.mark.usefixtures("one_thread")

LABELS = ["card", "fee", "transfer"]
TEXTS = [
    "lost my card",
    "what is the fee",
    "transfer money to my account please",
    "fee",
    "pin " * 30,
]
ROWS = [
    {"id": f"r{number}", "text": text, "label": LABELS[number % 3], "queue": number % 2}
    for number, text in enumerate(TEXTS)
]
ASKED = [
    {"id": "a", "prompt": "what is the capital of my country", "completion": " the city"},
    {"id": "b", "prompt": "how", "completion": " blue sky or red"},
    {"id": "c", "prompt": "where is the question to the answer when I top up", "completion": ""},
    {"id": "d", "prompt": "i", "completion": " größe"},
]
TALK = {
    "id": "t",
    "messages": [
        {"role": "user", "content": "what is the capital"},
        {"role": "assistant", "content": "city"},
        {"role": "user", "content": "of the sky"},
        {"role": "assistant", "content": "blue blue"},
    ],
}
SHORT = Generation(max_new_tokens=12)


@pytest.fixture(scope="module")
def bert_adapter(bert, tmp_path_factory) -> Path:
    return tiny_adapter(tmp_path_factory.mktemp("adapters") / "bert", bert, task="SEQ_CLS", seed=13)


@pytest.fixture(scope="module")
def llama_adapter(llama, tmp_path_factory) -> Path:
    return tiny_adapter(tmp_path_factory.mktemp("adapters") / "llama", llama, task="CAUSAL_LM")


def labelled(base, rows=ROWS, **options) -> list[Prediction]:
    return answers(base, rows, **{"task": "SEQ_CLS", "labels": LABELS, **options})


def written(base, rows=ASKED, **options) -> list[Prediction]:
    given = {"task": "CAUSAL_LM", "labels": [], "generation": SHORT, **options}
    return answers(base, rows, **given)


def answers(
    base, rows, *, task, labels, adapter=None, size=2, max_length=64, log=None, **options
) -> list[Prediction]:
    progress = {"progress": options.pop("progress")} if "progress" in options else {}
    settings = TrainingSettings(max_length=max_length, per_device_eval_batch_size=size)
    seed = options.pop("head_seed", 3)
    asked = Questions(task=task, rows=rows, labels=labels, settings=settings, seed=seed, **options)
    if isinstance(base, Path):
        base = load_base(
            base, task=task, head_seed=seed, device="cpu", num_labels=len(labels) or None
        )
    return predict(base, asked, adapter_dir=adapter, log=log or unexpected, **progress)


def unexpected(sentence: str) -> None:
    raise AssertionError(sentence)


def loaded(folder: Path, *, task: str = "CAUSAL_LM", **options) -> LoadedBase:
    return load_base(folder, task=task, head_seed=3, device="cpu", **options)


def outputs(predictions: list[Prediction]) -> list[str]:
    return [prediction.output for prediction in predictions]


# SEQ_CLS


def test_labels_and_probabilities_are_peft_s_row_by_row(bert, bert_adapter):
    tokenizer = transformers.AutoTokenizer.from_pretrained(str(bert))
    base = transformers.AutoModelForSequenceClassification.from_pretrained(str(bert), num_labels=3)
    peft = PeftModel.from_pretrained(base, str(bert_adapter)).eval()
    for row, prediction in zip(ROWS, labelled(bert, adapter=bert_adapter), strict=True):
        with torch.inference_mode():
            logits = peft(**tokenizer(row["text"], return_tensors="pt")).logits[0]
        expected = logits.softmax(-1).tolist()
        assert list(prediction.scores) == ["p:card", "p:fee", "p:transfer"]
        assert list(prediction.scores.values()) == pytest.approx(expected, abs=2e-5)
        assert prediction.output == LABELS[int(logits.argmax())]
        assert (prediction.id, prediction.reference) == (row["id"], row["label"])


def test_the_answers_differ_from_row_to_row(bert, bert_adapter):
    assert len(set(outputs(labelled(bert, adapter=bert_adapter)))) > 1


@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_a_decoder_classifies_a_padded_row_as_it_does_alone(name, request, tmp_path):
    folder = request.getfixturevalue(name)
    adapter = tiny_adapter(
        tmp_path / "adapter", folder, task="SEQ_CLS", fan_in_fan_out=name == "gpt2"
    )
    together = labelled(folder, adapter=adapter, size=5)
    alone = [labelled(folder, [row], adapter=adapter)[0] for row in ROWS]
    for left, right in zip(together, alone, strict=True):
        assert left.output == right.output
        assert left.scores == pytest.approx(right.scores, abs=2e-5)


@pytest.mark.parametrize(("saved", "shape"), [(None, "row"), (["encoder"], "rectangle")])
def test_a_classifier_is_asked_without_padding_where_its_adapter_allows(
    bert, tmp_path, saved, shape
):
    adapter = tiny_adapter(tmp_path / "adapter", bert, task="SEQ_CLS", modules_to_save=saved)
    base = loaded(bert, task="SEQ_CLS", num_labels=3)
    seen: list[tuple[int, ...]] = []
    words = base.model.bert.embeddings.word_embeddings
    hook = words.register_forward_hook(lambda _, given, out: seen.append(tuple(out.shape[:2])))
    found = labelled(base, adapter=adapter, size=5)
    hook.remove()
    tokens = [len(base.tokenizer(row["text"])["input_ids"]) for row in ROWS]
    wanted = (1, sum(tokens)) if shape == "row" else (len(tokens), max(tokens))
    assert seen == [wanted]
    assert labelled(base, adapter=adapter, size=5) == found


def test_where_nothing_would_be_padded_a_classifier_is_asked_as_it_is(bert, bert_adapter):
    base = loaded(bert, task="SEQ_CLS", num_labels=3)
    seen: list[tuple[int, ...]] = []
    words = base.model.bert.embeddings.word_embeddings
    words.register_forward_hook(lambda _, given, out: seen.append(tuple(out.shape[:2])))
    alike = [{"text": text, "label": "fee"} for text in ("card", "fee")]
    labelled(base, alike, adapter=bert_adapter)
    labelled(base, alike[:1], adapter=bert_adapter)
    [(rows, length), alone] = seen
    assert (rows, alone) == (2, (1, length))


def test_a_bare_base_answers_with_the_head_that_the_seed_draws(bert):
    base = loaded(bert, task="SEQ_CLS", num_labels=3)
    first = labelled(base, head_seed=8)
    assert torch.equal(
        base.model.classifier.weight, head_weights(base, seed=8)["classifier.weight"]
    )
    assert first == labelled(bert, head_seed=8)
    assert first != labelled(base, head_seed=9)


def test_bare_and_adapted_sides_share_one_load(bert, bert_adapter):
    base = loaded(bert, task="SEQ_CLS", num_labels=3)
    bare = labelled(base)
    assert labelled(base, adapter=bert_adapter) == labelled(bert, adapter=bert_adapter)
    assert labelled(base) == bare


def test_labels_do_not_depend_on_the_order_of_the_rows(bert, bert_adapter):
    straight = labelled(bert, adapter=bert_adapter)
    backwards = labelled(bert, ROWS[::-1], adapter=bert_adapter)
    assert straight == backwards[::-1]


def test_equal_rows_are_answered_equally_wherever_they_stand(bert, bert_adapter):
    rows = [{"text": ROWS[i % 5]["text"], "label": "fee"} for i in range(13)]
    predictions = labelled(bert, rows, adapter=bert_adapter, size=3)
    for number, prediction in enumerate(predictions):
        assert prediction.id == str(number)
        assert prediction.scores == predictions[number % 5].scores


def test_the_slice_is_the_field_s_value_as_text(bert):
    assert [p.slice for p in labelled(bert, slice_by="queue")] == ["0", "1", "0", "1", "0"]


def test_progress_is_told_batch_by_batch(bert):
    steps: list[tuple[str, int, int]] = []
    labelled(bert, progress=lambda *step: steps.append(step))
    assert steps == [("labels", 2, 5), ("labels", 4, 5), ("labels", 5, 5)]


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
def test_two_batches_at_a_time_answer_as_one_after_the_other(bert, bert_adapter, monkeypatch):
    together = []

    def spied(tasks, *, threads):
        together.append(len(tasks))
        return side_by_side(tasks, threads=threads)

    monkeypatch.setattr(batches, "side_by_side", spied)
    steps: list[int] = []
    two = labelled(bert, adapter=bert_adapter, progress=lambda _, done, total: steps.append(done))
    assert (together, steps) == ([2], [2, 4, 5])
    torch.set_num_threads(1)
    assert labelled(bert, adapter=bert_adapter) == two
    assert together == [2]


def test_rows_that_fill_the_context_are_named(gpt2):
    told: list[str] = []
    rows = [{"text": "card " * 200, "label": "card"}, {"text": "fee", "label": "fee"}]
    labelled(gpt2, rows, max_length=512, log=told.append, place="gold")
    assert told == ["gold: 1 row (0) reach the base's context of 128 tokens"]


# CAUSAL_LM


def reference_answer(folder: Path, adapter: Path | None, row: dict, *, new: int) -> str:
    """transformers' own greedy answer to one row, alone and unpadded."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(str(folder))
    model = transformers.AutoModelForCausalLM.from_pretrained(str(folder))
    if adapter is not None:
        model = PeftModel.from_pretrained(model, str(adapter))
    prompt = tokenizer(row["prompt"], return_tensors="pt")
    ids = model.eval().generate(
        **prompt, max_new_tokens=new, do_sample=False, pad_token_id=tokenizer.eos_token_id
    )
    answer = ids[0, prompt["input_ids"].shape[1] :]
    return tokenizer.decode(answer, skip_special_tokens=True)


@pytest.mark.parametrize("size", [1, 4])
def test_greedy_answers_are_transformers_own_one_by_one(llama, llama_adapter, size):
    expected = [reference_answer(llama, llama_adapter, row, new=12) for row in ASKED]
    assert outputs(written(llama, adapter=llama_adapter, size=size)) == expected
    assert len(set(expected)) == len(expected)


def test_greedy_answers_of_a_base_with_learned_positions_are_too(gpt2):
    expected = [reference_answer(gpt2, None, row, new=12) for row in ASKED]
    assert outputs(written(gpt2, size=4)) == expected


def test_an_answer_ends_before_the_end_token(llama):
    base = loaded(llama)
    prompt = base.tokenizer(ASKED[1]["prompt"], return_tensors="pt")
    ids = base.model.generate(**prompt, max_new_tokens=12, do_sample=False, pad_token_id=0)
    answer = ids[0, prompt["input_ids"].shape[1] :].tolist()
    base.model.generation_config.eos_token_id = answer[4]
    before = answer[: answer.index(answer[4])]
    assert outputs(written(base))[1] == base.tokenizer.decode(before) != ""


def test_the_likelihood_is_the_plain_sum_over_the_completion(llama, llama_adapter):
    tokenizer = transformers.AutoTokenizer.from_pretrained(str(llama))
    model = transformers.AutoModelForCausalLM.from_pretrained(str(llama))
    model = PeftModel.from_pretrained(model, str(llama_adapter)).eval()
    for row, prediction in zip(ASKED, written(llama, adapter=llama_adapter, size=3), strict=True):
        prompt = tokenizer(row["prompt"])["input_ids"]
        ids = torch.tensor([tokenizer(row["prompt"] + row["completion"] + "</s>")["input_ids"]])
        with torch.inference_mode():
            chances = model(input_ids=ids).logits[0].double().log_softmax(-1)
        nats = -sum(chances[at - 1, ids[0, at]].item() for at in range(len(prompt), ids.shape[1]))
        assert prediction.scores == pytest.approx(
            {
                "nll": nats,
                "tokens": ids.shape[1] - len(prompt),
                "bytes": len(row["completion"].encode()),
            },
            rel=1e-5,
        )
        assert prediction.reference == row["completion"]


def test_every_answer_of_a_conversation_counts_and_the_last_one_is_compared(llama):
    base = loaded(llama)
    (prediction,) = written(base, [TALK])
    text = base.tokenizer.apply_chat_template(TALK["messages"], tokenize=False)
    ids = base.tokenizer(text, add_special_tokens=False, return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        chances = base.model(input_ids=ids).logits[0].double().log_softmax(-1)
    learned = [
        at
        for part in ("city<|im_end|>\n", "blue blue<|im_end|>\n")
        for at in found(base.tokenizer, ids[0].tolist(), part)
    ]
    assert prediction.scores["tokens"] == len(learned)
    assert prediction.scores["nll"] == pytest.approx(
        -sum(chances[at - 1, ids[0, at]].item() for at in learned), rel=1e-5
    )
    assert prediction.scores["bytes"] == len("city" + "blue blue")
    assert prediction.reference == "blue blue"


def found(tokenizer, ids: list[int], part: str) -> range:
    wanted = tokenizer(part, add_special_tokens=False)["input_ids"]
    at = next(i for i in range(len(ids)) if ids[i : i + len(wanted)] == wanted)
    return range(at, at + len(wanted))


def test_a_conversation_is_answered_behind_the_generation_prompt(llama):
    base = loaded(llama)
    (prediction,) = written(base, [TALK])
    prompt = base.tokenizer.apply_chat_template(
        TALK["messages"][:-1], add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    ids = base.model.generate(**prompt, max_new_tokens=12, do_sample=False, pad_token_id=0)
    answer = ids[0, prompt["input_ids"].shape[1] :]
    assert prediction.output == base.tokenizer.decode(answer, skip_special_tokens=True)


def test_a_conversation_also_ends_where_the_template_ends_a_turn(llama):
    base = loaded(llama)
    end, turn = base.tokenizer.convert_tokens_to_ids(["</s>", "<|im_end|>"])
    assert end_tokens(base, chat=False) == (end,)
    assert end_tokens(base, chat=True) == (end, turn)


def test_answers_do_not_depend_on_the_order_of_the_rows(llama, llama_adapter):
    straight = written(llama, adapter=llama_adapter)
    assert straight == written(llama, ASKED[::-1], adapter=llama_adapter)[::-1]


def test_sampling_settings_of_a_base_do_not_leak_into_its_answers(llama, tmp_path):
    folder = tiny_llama(tmp_path / "base")
    (folder / "generation_config.json").write_text(
        '{"do_sample": true, "temperature": 9.0, "repetition_penalty": 5.0, "eos_token_id": 420}'
    )
    assert outputs(written(folder)) == outputs(written(llama))


def test_drawn_answers_depend_on_seed_and_row_alone(llama):
    drawn = Generation(max_new_tokens=8, temperature=1.0)
    base = loaded(llama)
    first = outputs(written(base, generation=drawn))
    assert outputs(written(base, generation=drawn, size=4)) == first
    assert outputs(written(base, ASKED[::-1], generation=drawn))[::-1] == first
    assert outputs(written(base, generation=drawn, head_seed=4)) != first
    assert outputs(written(base)) != first


def test_equal_prompts_under_other_ids_are_drawn_differently(llama):
    rows = [{"id": name, "prompt": "how", "completion": ""} for name in "abcd"]
    drawn = Generation(max_new_tokens=8, temperature=1.0)
    assert len(set(outputs(written(llama, rows, generation=drawn)))) == 4


def test_draws_follow_the_softmax():
    logits = torch.tensor([2.0, 1.0, 0.0, -math.inf])
    draws = Draws(0, [str(number) for number in range(4000)])
    chosen = draws(torch.zeros(4000, 1), logits.expand(4000, -1)).argmax(-1)
    shares = torch.bincount(chosen, minlength=4) / 4000
    assert shares.tolist() == pytest.approx(logits.softmax(-1).tolist(), abs=0.025)


def test_a_narrow_top_p_is_greedy(llama):
    narrow = Generation(max_new_tokens=8, temperature=1.0, top_p=1e-6)
    assert outputs(written(llama, generation=narrow)) == outputs(
        written(llama, generation=Generation(max_new_tokens=8))
    )


def test_beams_are_transformers_own(gpt2):
    tokenizer = transformers.AutoTokenizer.from_pretrained(str(gpt2))
    model = transformers.AutoModelForCausalLM.from_pretrained(str(gpt2))
    prompt = tokenizer(ASKED[0]["prompt"], return_tensors="pt")
    ids = model.generate(**prompt, max_new_tokens=6, num_beams=3, do_sample=False, pad_token_id=0)
    expected = tokenizer.decode(ids[0, prompt["input_ids"].shape[1] :], skip_special_tokens=True)
    beams = Generation(max_new_tokens=6, num_beams=3)
    assert outputs(written(gpt2, ASKED[:1], generation=beams)) == [expected]


def test_beams_with_a_temperature_are_refused(llama):
    with pytest.raises(InvalidInput) as caught:
        written(llama, generation=Generation(num_beams=2, temperature=0.5))
    assert str(caught.value) == (
        "generation: num_beams 2 with temperature 0.5\n"
        "  hint: beams need temperature 0; drawn answers need num_beams 1"
    )


def test_an_answer_stops_where_the_context_ends_and_binds_no_other_row(gpt2):
    rows = [
        {"id": "near", "prompt": "card " * 60, "completion": "a"},
        {"id": "far", "prompt": "card", "completion": "a"},
    ]
    long = Generation(max_new_tokens=100)
    base = loaded(gpt2)
    near, far = written(base, rows, generation=long, size=2)
    room = 128 - len(base.tokenizer(rows[0]["prompt"])["input_ids"])
    assert 0 < room < 100
    assert near.output == reference_answer(gpt2, None, rows[0], new=room)
    assert far.output == reference_answer(gpt2, None, rows[1], new=100)


def test_a_prompt_that_leaves_no_room_loses_its_beginning_and_is_named(gpt2):
    told: list[str] = []
    rows = [{"id": "long", "prompt": "card " * 300, "completion": " fee"}]
    (prediction,) = written(gpt2, rows, max_length=512, place="gold", log=told.append)
    assert told == [
        "gold: 1 row (long) reach the base's context of 128 tokens",
        "gold: no token of the answer is left within 128 in 1 row (long)",
        "gold: 1 row (long) fill the base's context: their beginning is cut",
    ]
    assert prediction.scores == {"nll": 0.0, "tokens": 0.0, "bytes": 0.0}
    tail = load_base(gpt2, task="CAUSAL_LM", head_seed=0, device="cpu")
    kept = tail.tokenizer("card " * 300)["input_ids"][-116:]
    ids = tail.model.generate(torch.tensor([kept]), max_new_tokens=12, pad_token_id=0)
    assert prediction.output == tail.tokenizer.decode(ids[0, 116:])


# Refusals and repeatability


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [{"text": "a", "label": "fee"}],
            "gold: row 0: queue: missing\n"
            "  hint: slice_by names a field that every prepared row has",
        ),
        (
            [
                {"id": "x", "text": "a", "label": "fee", "queue": 1},
                {"id": "x", "text": "b", "label": "fee", "queue": 1},
            ],
            "gold: row 1 (id x): id: is also the id of row 0\n"
            "  hint: give every row an id of its own",
        ),
        (
            [{"text": "a", "label": "pin", "queue": 1}],
            "gold: row 0: label: never occurs in training: 'pin'\n"
            "  hint: add such rows to training, or drop this one",
        ),
    ],
)
def test_rows_that_cannot_be_compared_are_refused(rows, message, bert):
    with pytest.raises(InvalidInput) as caught:
        labelled(bert, rows, slice_by="queue", place="gold")
    assert str(caught.value) == message


def test_an_adapter_for_other_labels_is_refused(bert, bert_adapter):
    with pytest.raises(Mismatch, match="2 misshapen"):
        labelled(bert, adapter=bert_adapter, labels=["card", "fee", "pin", "transfer"])


def test_another_process_hash_seed_and_thread_count_change_nothing(bert, bert_adapter, tmp_path):
    script = tmp_path / "again.py"
    script.write_text(
        "import sys\n"
        "from pathlib import Path\n"
        "import torch\n"
        "torch.set_num_threads(2)\n"
        "from adapterctl.records.canonical import digest\n"
        "from adapterctl.records.recipe import TrainingSettings\n"
        "from adapterctl.training.asking.predict import Questions, predict\n"
        "from adapterctl.training.loading import load_base\n"
        f"base = load_base(Path({str(bert)!r}), task='SEQ_CLS', head_seed=3, device='cpu',\n"
        f"    num_labels={len(LABELS)})\n"
        f"asked = Questions(task='SEQ_CLS', rows={ROWS!r}, labels={LABELS!r}, seed=3,\n"
        "    settings=TrainingSettings(max_length=64, per_device_eval_batch_size=2))\n"
        f"found = predict(base, asked, adapter_dir=Path({str(bert_adapter)!r}), log=print)\n"
        "print(digest(found))\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        env=os.environ | {"PYTHONHASHSEED": "12345"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == digest(labelled(bert, adapter=bert_adapter))


def test_a_real_base_tells_its_labels_apart_only_by_chance_without_an_adapter(minilm: Path):
    predictions = labelled(minilm)
    assert [sum(p.scores.values()) for p in predictions] == pytest.approx([1.0] * 5)
    assert all(0.2 < chance < 0.5 for p in predictions for chance in p.scores.values())


@pytest.mark.gpu
def test_a_gpu_answers_as_the_cpu_does(bert, bert_adapter, llama, llama_adapter):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    for ask, base, adapter in (
        (labelled, bert, bert_adapter),
        (written, llama, llama_adapter),
    ):
        pairs = zip(
            ask(base, adapter=adapter), ask(base, adapter=adapter, device="cuda"), strict=True
        )
        for on_cpu, on_gpu in pairs:
            assert on_gpu.scores == pytest.approx(on_cpu.scores, rel=1e-3, abs=1e-4)
