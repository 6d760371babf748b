"""The predictor takes rows as they come and answers each, in order."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas
import pytest

from adapterctl.errors import InvalidInput, Mismatch
from adapterctl.records.recipe import Generation, TrainingSettings
from adapterctl.training.asking.predict import Questions, predict
from adapterctl.training.asking.predictor import Predictor
from adapterctl.training.loading import load_base
from support.tiny_adapters import tiny_adapter

pytestmark = pytest.mark.usefixtures("one_thread")

LABELS = ["card", "fee", "transfer"]
RAW = [
    {"message": "LOST my card", "queue": "card"},
    {"message": "what is the FEE", "queue": "fee"},
    {"message": "transfer money", "queue": "transfer"},
]


def prepare(rows: list[dict]) -> list[dict]:
    return [{"text": row["message"].lower(), "label": row.get("queue", "")} for row in rows]


@pytest.fixture(scope="module")
def bert_adapter(bert, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("adapters") / "bert"
    return tiny_adapter(folder, bert, task="SEQ_CLS", seed=13)


@pytest.fixture(scope="module")
def llama_adapter(llama, tmp_path_factory) -> Path:
    return tiny_adapter(tmp_path_factory.mktemp("adapters") / "llama", llama, task="CAUSAL_LM")


def router(bert, bert_adapter, **options) -> Predictor:
    given = {"labels": LABELS, "prepare": prepare} | options
    return Predictor(bert, bert_adapter, task="SEQ_CLS", max_length=64, generation=None, **given)


def evaluated(base, adapter, rows, *, task, labels, generation=None):
    asked = Questions(
        task=task,
        rows=rows,
        labels=labels,
        settings=TrainingSettings(max_length=64),
        seed=0,
        generation=generation or Generation(),
    )
    loaded = load_base(base, task=task, head_seed=0, device="cpu", num_labels=len(labels) or None)
    return predict(loaded, asked, adapter_dir=adapter, log=print)


def test_raw_rows_are_prepared_and_answered_as_in_the_evaluation(bert, bert_adapter):
    expected = evaluated(bert, bert_adapter, prepare(RAW), task="SEQ_CLS", labels=LABELS)
    assert router(bert, bert_adapter).predict(RAW) == [
        {"output": prediction.output, "scores": prediction.scores} for prediction in expected
    ]


def test_rows_to_be_answered_need_no_label(bert, bert_adapter):
    unlabelled = [{"message": row["message"]} for row in RAW]
    answers = router(bert, bert_adapter)
    assert answers.predict(unlabelled) == answers.predict(RAW)


def test_a_table_is_read_row_by_row(bert, bert_adapter):
    answers = router(bert, bert_adapter)
    assert answers.predict(pandas.DataFrame(RAW)) == answers.predict(RAW)


def test_prepared_rows_need_no_preprocessing(bert, bert_adapter):
    plain = router(bert, bert_adapter, prepare=None).predict(prepare(RAW))
    assert plain == router(bert, bert_adapter).predict(RAW)


def test_a_generator_s_answers_are_the_evaluation_s(llama, llama_adapter):
    short = Generation(max_new_tokens=6)
    rows = [{"prompt": "what is", "completion": " a"}, {"prompt": "how are you", "completion": ""}]
    expected = evaluated(llama, llama_adapter, rows, task="CAUSAL_LM", labels=[], generation=short)
    answers = Predictor(
        llama, llama_adapter, task="CAUSAL_LM", labels=[], max_length=64, generation=short
    )
    asked = [{"prompt": row["prompt"]} for row in rows]
    assert answers.predict(asked) == [{"output": p.output, "scores": {}} for p in expected]


def test_a_conversation_is_answered_as_if_its_last_answer_were_missing(llama, llama_adapter):
    answers = Predictor(
        llama,
        llama_adapter,
        task="CAUSAL_LM",
        labels=[],
        max_length=64,
        generation=Generation(max_new_tokens=6),
    )
    question = {"role": "user", "content": "what is the capital"}
    answer = {"role": "assistant", "content": "city"}
    assert answers.predict([{"messages": [question]}]) == answers.predict(
        [{"messages": [question, answer]}]
    )


def test_several_threads_are_answered_as_one_after_the_other(bert, bert_adapter):
    predictor = router(bert, bert_adapter)
    questions = [RAW * (number + 1) for number in range(12)]
    expected = [predictor.predict(rows) for rows in questions]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(predictor.predict, questions)) == expected


def test_no_rows_give_no_answers(bert, bert_adapter):
    assert router(bert, bert_adapter).predict([]) == []


def test_preprocessing_that_loses_rows_is_refused(bert, bert_adapter):
    with pytest.raises(InvalidInput) as caught:
        router(bert, bert_adapter, prepare=lambda rows: prepare(rows)[1:]).predict(RAW)
    assert str(caught.value) == (
        "rows: preprocessing made 2 rows out of 3\n"
        "  hint: to answer single rows, prepare must keep every row it is given"
    )


def test_a_row_that_cannot_be_read_is_named(bert, bert_adapter):
    with pytest.raises(InvalidInput) as caught:
        router(bert, bert_adapter, prepare=None).predict([{"text": "a"}, {"message": "b"}])
    assert str(caught.value) == (
        "rows: row 1: text: missing\n  hint: SEQ_CLS rows hold text and label"
    )


def test_labels_that_are_not_the_adapter_s_are_refused(bert, bert_adapter):
    with pytest.raises(Mismatch, match="2 misshapen"):
        router(bert, bert_adapter, labels=["card", "fee"])


def test_predicting_imports_no_mlflow(bert, bert_adapter):
    before = "mlflow" in sys.modules
    router(bert, bert_adapter).predict(RAW)
    assert ("mlflow" in sys.modules) == before
