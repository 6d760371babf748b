"""Rows become text, token ids and loss mask as in TRL; what cannot is refused, all at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from adapterctl.errors import InvalidInput
from adapterctl.training.rows.text import (
    Example,
    encode,
    encode_all,
    encode_prompts,
    encoded_digest,
    label_names,
    load_tokenizer,
)
from support.tiny_bases import tiny_bert, tiny_llama

LABELS = ["card", "fee", "transfer"]
TALK = [
    {"role": "user", "content": "what is the capital"},
    {"role": "assistant", "content": "city"},
    {"role": "user", "content": "of the sky"},
    {"role": "assistant", "content": "blue blue"},
]


def learned(example: Example, tokenizer) -> str:
    """The learned tokens as text, a stroke between separate stretches."""
    stretches: list[list[int]] = []
    before = 0
    for token, mask in zip(example.input_ids, example.loss_mask, strict=True):
        if mask and not before:
            stretches.append([])
        if mask:
            stretches[-1].append(token)
        before = mask
    return "|".join(tokenizer.decode(stretch) for stretch in stretches)


def causal(rows, tokenizer, *, max_length=128, **options) -> list[Example]:
    return encode(
        rows, task="CAUSAL_LM", tokenizer=tokenizer, labels=[], max_length=max_length, **options
    )


def classified(rows, tokenizer, *, max_length=64, place="gold") -> list[Example]:
    return encode(
        rows,
        task="SEQ_CLS",
        tokenizer=tokenizer,
        labels=LABELS,
        max_length=max_length,
        place=place,
    )


def refusal(call) -> str:
    with pytest.raises(InvalidInput) as caught:
        call()
    return str(caught.value)


def test_a_text_and_its_label_become_the_tokenizer_s_ids_and_the_label_s_number(bert):
    tokenizer = load_tokenizer(bert)
    (example,) = classified([{"text": "lost my card", "label": "card", "extra": 1}], tokenizer)
    assert tokenizer.decode(example.input_ids) == "[CLS] lost my card [SEP]"
    assert example == Example(
        id="0",
        text="lost my card",
        input_ids=tuple(tokenizer("lost my card")["input_ids"]),
        loss_mask=(0, 0, 0, 0, 0),
        label=0,
    )


def test_a_row_s_own_id_is_kept_as_text_and_others_are_numbered_from_0(bert):
    rows = [
        {"text": "card", "label": "card"},
        {"id": 17, "text": "fee", "label": "fee"},
        {"id": "x", "text": "fee", "label": "fee"},
    ]
    assert [e.id for e in classified(rows, load_tokenizer(bert))] == ["0", "17", "x"]


def test_a_long_text_loses_its_end_and_keeps_its_special_tokens(bert):
    tokenizer = load_tokenizer(bert)
    (example,) = classified(
        [{"text": "card money account fee", "label": "fee"}], tokenizer, max_length=4
    )
    assert tokenizer.decode(example.input_ids) == "[CLS] card money [SEP]"


def test_labels_are_sorted_as_text_and_whole_numbers_count_as_labels():
    rows = [{"label": "fee"}, {"label": 10}, {"label": "card"}, {"label": 9}, {"label": "fee"}]
    assert label_names(rows) == ["10", "9", "card", "fee"]


def test_a_plain_completion_is_learned_with_its_end_token(llama):
    tokenizer = load_tokenizer(llama)
    (example,) = causal([{"prompt": "what is", "completion": " the sky"}], tokenizer)
    assert example.text == "what is the sky</s>"
    assert tokenizer.decode(example.input_ids) == "<s>what is the sky</s>"
    assert learned(example, tokenizer) == " the sky</s>"
    assert example.answer_bytes == len(b" the sky")
    assert example.label is None


def test_a_completion_that_brings_its_end_token_gets_no_second_one(llama):
    (example,) = causal([{"prompt": "a", "completion": " b</s>"}], load_tokenizer(llama))
    assert example.text == "a b</s>"


def test_gpt2_s_trimmed_offsets_do_not_move_the_border(gpt2):
    tokenizer = load_tokenizer(gpt2)
    (example,) = causal([{"prompt": "what is", "completion": " the  sky "}], tokenizer)
    assert learned(example, tokenizer) == " the  sky <|endoftext|>"


def test_letters_of_several_bytes_are_learned_whole(llama):
    tokenizer = load_tokenizer(llama)
    (example,) = causal([{"prompt": "größe ", "completion": "日本ü"}], tokenizer)
    assert learned(example, tokenizer) == "日本ü</s>"
    assert example.answer_bytes == 8


def test_a_token_across_the_border_is_learned_and_told(llama):
    tokenizer = load_tokenizer(llama)
    told: list[str] = []
    rows = [{"prompt": "what is ", "completion": "the sky"}, {"prompt": "a", "completion": " b"}]
    example = causal(rows, tokenizer, place="train", log=told.append)[0]
    assert learned(example, tokenizer) == " the sky</s>"
    assert told == [
        "train: in 1 row (0) the end of the prompt and the start of the answer share a token "
        "that the base never reads when it answers; move the space from the prompt's end to the "
        "completion's start"
    ]


def test_every_assistant_turn_is_learned_with_the_mark_that_ends_it(llama):
    tokenizer = load_tokenizer(llama)
    (example,) = causal([{"messages": TALK}], tokenizer)
    assert example.text == (
        "<|im_start|>user\nwhat is the capital<|im_end|>\n"
        "<|im_start|>assistant\ncity<|im_end|>\n"
        "<|im_start|>user\nof the sky<|im_end|>\n"
        "<|im_start|>assistant\nblue blue<|im_end|>\n"
    )
    assert learned(example, tokenizer) == "city<|im_end|>\n|blue blue<|im_end|>\n"
    assert example.answer_bytes == len("city" + "blue blue")


def test_a_template_s_text_gets_no_bos_from_the_tokenizer(llama):
    tokenizer = load_tokenizer(llama)
    (example,) = causal([{"messages": TALK}], tokenizer)
    assert tokenizer.bos_token_id not in example.input_ids
    assert example.input_ids == tuple(
        tokenizer.apply_chat_template(TALK, tokenize=True, return_dict=True)["input_ids"]
    )


def test_a_conversational_completion_starts_behind_the_generation_prompt(llama):
    tokenizer = load_tokenizer(llama)
    (example,) = causal([{"prompt": TALK[:3], "completion": TALK[3:]}], tokenizer)
    assert learned(example, tokenizer) == "blue blue<|im_end|>\n"
    assert example.answer_bytes == len("blue blue")


def test_a_prompt_alone_ends_with_the_generation_prompt(llama):
    tokenizer = load_tokenizer(llama)
    rows = [{"messages": TALK}, {"messages": TALK[:3]}, {"prompt": TALK[:3]}]
    prompts = encode_prompts(rows, tokenizer=tokenizer)
    assert {prompt.text for prompt in prompts} == {
        "<|im_start|>user\nwhat is the capital<|im_end|>\n"
        "<|im_start|>assistant\ncity<|im_end|>\n"
        "<|im_start|>user\nof the sky<|im_end|>\n<|im_start|>assistant\n"
    }
    whole = causal([{"messages": TALK}], tokenizer)[0].input_ids
    assert whole[: len(prompts[0].input_ids)] == prompts[0].input_ids


def test_an_end_token_that_the_tokenizer_adds_does_not_close_a_prompt(tmp_path, llama):
    from tokenizers import processors

    tokenizer = load_tokenizer(llama)
    begin, end = tokenizer.bos_token_id, tokenizer.eos_token_id
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", begin), ("</s>", end)]
    )
    assert tokenizer("a")["input_ids"][-1] == end
    (prompt,) = encode_prompts([{"prompt": "a"}], tokenizer=tokenizer)
    assert tokenizer.decode(prompt.input_ids) == "<s>a"


def test_a_row_s_own_words_reach_the_template(tmp_path):
    template = (
        "{%- for message in messages %}{{ message.content }}{{ eos_token }}{%- endfor %}"
        "{%- if tools %}{{ tools[0].name }}{%- endif %}{{ mood }}"
    )
    tokenizer = load_tokenizer(tiny_llama(tmp_path / "base", chat=template))
    row = {
        "prompt": TALK[:1],
        "completion": TALK[1:2],
        "tools": [{"name": "sum"}],
        "chat_template_kwargs": {"mood": "!"},
    }
    (prompt,) = encode_prompts([row], tokenizer=tokenizer)
    assert prompt.text == "what is the capital</s>sum!"


def test_a_row_whose_answer_is_cut_away_is_left_out_and_named(llama):
    tokenizer = load_tokenizer(llama)
    told: list[str] = []
    rows = [
        {"id": "long", "prompt": "what is the capital of my country", "completion": " city"},
        {"id": "cut", "prompt": "a", "completion": " city city city city city city city"},
    ]
    kept = causal(rows, tokenizer, max_length=6, place="train", log=told.append)
    assert [(e.id, len(e.input_ids), sum(e.loss_mask), e.answer_bytes) for e in kept] == [
        ("cut", 6, 4, 20)
    ]
    assert told == [
        "train: left out 1 row (long) of 2: no token of the answer is left at max_length 6"
    ]


def test_without_anyone_to_tell_a_cut_away_answer_is_refused(llama):
    row = {"prompt": "what is the capital of my country", "completion": " city"}
    assert refusal(lambda: causal([row], load_tokenizer(llama), max_length=3, place="train")) == (
        "train: 1 row (0) of 1: no token of the answer is left at max_length 3\n"
        "  hint: raise training.max_length, or drop them"
    )


def test_when_nothing_is_left_to_learn_telling_is_not_enough(llama):
    row = {"prompt": "what is the capital of my country", "completion": " city"}
    with pytest.raises(InvalidInput, match="no token of the answer is left at max_length 3"):
        causal([row], load_tokenizer(llama), max_length=3, log=lambda _: None)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([1], "gold: row 0: not a row of named fields: a list\n  hint: one JSON object per row"),
        (
            {"label": "fee"},
            "gold: row 0: text: missing\n  hint: SEQ_CLS rows hold text and label",
        ),
        (
            {"id": "k9", "text": 5, "label": "fee"},
            "gold: row 0 (id k9): text: not text: a number\n"
            "  hint: SEQ_CLS rows hold text and label",
        ),
        (
            {"text": "a \ud800 b", "label": "fee"},
            "gold: row 0: text: not valid Unicode: half of a surrogate pair\n"
            "  hint: mend the encoding",
        ),
        (
            {"text": "a"},
            "gold: row 0: label: missing\n  hint: SEQ_CLS rows hold text and label",
        ),
        (
            {"text": "a", "label": True},
            "gold: row 0: label: not text: a boolean\n  hint: write labels as text",
        ),
        (
            {"text": "a", "label": "transfers"},
            "gold: row 0: label: never occurs in training: 'transfers'\n"
            "  hint: did you mean 'transfer'?",
        ),
        (
            {"text": "a", "label": "zebra"},
            "gold: row 0: label: never occurs in training: 'zebra'\n"
            "  hint: add such rows to training, or drop this one",
        ),
    ],
)
def test_a_seq_cls_row_that_cannot_be_used_is_named_with_its_mend(bert, row, message):
    assert refusal(lambda: classified([row], load_tokenizer(bert))) == message


PAIR = "CAUSAL_LM rows hold prompt and completion, or messages"
MESSAGE = 'a message is {"role": "user", "content": "..."}'


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"text": "a"}, f"prompt: missing\n  hint: {PAIR}"),
        ({"prompt": "a"}, f"completion: missing\n  hint: {PAIR}"),
        ({"prompt": 1, "completion": "b"}, f"prompt: not text: a number\n  hint: {PAIR}"),
        (
            {"prompt": TALK[:1], "completion": "b"},
            "completion: not a list of messages as the prompt is: text\n"
            "  hint: write both as text or both as messages",
        ),
        ({"prompt": "a", "completion": []}, f"completion: not text: a list\n  hint: {PAIR}"),
        ({"messages": []}, f"messages: empty\n  hint: {MESSAGE}"),
        ({"messages": "hi"}, f"messages: not a list of messages: text\n  hint: {MESSAGE}"),
        ({"messages": ["hi"]}, f"messages[0]: not a message: text\n  hint: {MESSAGE}"),
        (
            {"messages": [TALK[0], {"role": "assistant"}]},
            f"messages[1].content: missing\n  hint: {MESSAGE}",
        ),
        (
            {"messages": [TALK[0], {"role": 3, "content": "b"}]},
            f"messages[1].role: not text: a number\n  hint: {MESSAGE}",
        ),
        (
            {"messages": TALK[:3]},
            "messages[2].role: the conversation does not end with an answer\n"
            "  hint: end it with a message of role assistant",
        ),
        (
            {"messages": TALK, "prompt": "a"},
            "messages: given beside prompt and completion\n  hint: keep one of the two",
        ),
        ({"messages": TALK, "tools": "sum"}, "tools: not a list: text"),
        (
            {"messages": TALK, "chat_template_kwargs": []},
            "chat_template_kwargs: not an object: a list",
        ),
    ],
)
def test_a_causal_row_that_cannot_be_used_is_named_with_its_mend(llama, row, message):
    said = refusal(lambda: causal([row], load_tokenizer(llama), place="gold"))
    assert said.startswith(f"gold: row 0: {message}")


def test_all_rows_are_judged_at_once_and_the_rest_is_counted(bert):
    rows = [{"text": "a", "label": "fee"}, *[{"label": "none"}] * 30]
    with pytest.raises(InvalidInput) as caught:
        classified(rows, load_tokenizer(bert))
    assert len(caught.value.problems) == 21
    assert str(caught.value.problems[0]) == (
        "gold: row 1: text: missing\n  hint: SEQ_CLS rows hold text and label"
    )
    assert str(caught.value.problems[-1]) == "gold: 40 more problems, not shown"


def test_a_message_about_a_row_never_shows_its_text(llama):
    rows = [{"prompt": ["my secret"], "completion": {"a": "my secret"}}]
    said = refusal(lambda: causal(rows, load_tokenizer(llama)))
    assert "secret" not in said


def test_a_template_that_renders_beginnings_differently_is_refused(tmp_path):
    template = (
        "{%- for message in messages %}{%- if loop.last %}!{%- endif %}{{ message.content }};"
        "{%- endfor %}"
    )
    tokenizer = load_tokenizer(tiny_llama(tmp_path / "base", chat=template))
    assert refusal(lambda: causal([{"messages": TALK}], tokenizer, place="train")) == (
        "train: row 0: messages[1]: the chat template renders the conversation up to here "
        "differently inside the whole\n"
        "  hint: give each answer a row of its own: prompt is all before it, completion the answer"
    )


def test_a_template_that_refuses_a_conversation_is_quoted(tmp_path):
    template = "{{ raise_exception('roles must alternate') }}"
    tokenizer = load_tokenizer(tiny_llama(tmp_path / "base", chat=template))
    assert refusal(lambda: causal([{"messages": TALK}], tokenizer)) == (
        "rows: row 0: messages[3]: the chat template refuses it: roles must alternate"
    )


def test_messages_need_a_base_with_a_chat_template(gpt2):
    assert refusal(lambda: causal([{"messages": TALK}], load_tokenizer(gpt2))) == (
        "rows: rows hold messages, and the base has no chat template\n"
        "  hint: give prompt and completion as text, or choose a base with a chat template"
    )


def test_completions_need_a_base_with_an_end_token(bert):
    rows = [{"prompt": "a", "completion": "b"}]
    assert refusal(lambda: causal(rows, load_tokenizer(bert))) == (
        "rows: the base has no end token, so it could never learn to stop\n"
        "  hint: set eos_token in its tokenizer_config.json"
    )


def test_a_text_without_tokens_is_refused(gpt2):
    rows = [{"text": "", "label": "fee"}, {"text": "fee", "label": "fee"}]
    assert refusal(lambda: classified(rows, load_tokenizer(gpt2))) == (
        "gold: row 0: gives no tokens: there is nothing to read\n  hint: drop the row"
    )


def test_rows_to_be_answered_need_no_label(bert):
    (example,) = encode_all(
        [{"text": "card"}],
        task="SEQ_CLS",
        tokenizer=load_tokenizer(bert),
        labels=None,
        max_length=8,
    )
    assert example.label is None


def test_a_base_without_a_padding_token_pads_with_its_end_token(gpt2, bert):
    assert load_tokenizer(gpt2).pad_token == "<|endoftext|>"
    assert load_tokenizer(bert).pad_token == "[PAD]"


def test_a_folder_without_a_tokenizer_is_named(tmp_path):
    said = refusal(lambda: load_tokenizer(tmp_path))
    assert said.startswith(f"{tmp_path}: no tokenizer can be loaded: ")
    assert said.endswith("\n  hint: save a fast tokenizer (tokenizer.json) beside the weights")


def test_a_tokenizer_without_any_token_to_pad_with_is_refused(tmp_path):
    base = tiny_bert(tmp_path / "base")
    (base / "tokenizer_config.json").write_text('{"tokenizer_class": "TokenizersBackend"}')
    assert refusal(lambda: load_tokenizer(base)) == (
        f"{base}: its tokenizer has neither a padding nor an end token\n"
        "  hint: save a fast tokenizer (tokenizer.json) beside the weights"
    )


def test_a_tokenizer_that_cannot_tell_characters_is_refused(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "canine"}')
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "CanineTokenizer"}')
    assert refusal(lambda: load_tokenizer(tmp_path)) == (
        f"{tmp_path}: its tokenizer cannot say which characters a token covers\n"
        "  hint: save a fast tokenizer (tokenizer.json) beside the weights"
    )


def test_limits_stored_in_tokenizer_json_are_not_followed(tmp_path):
    base = tiny_bert(tmp_path / "base")
    stored = json.loads((base / "tokenizer.json").read_text())
    stored["truncation"] = {
        "max_length": 4,
        "strategy": "LongestFirst",
        "stride": 0,
        "direction": "Left",
    }
    stored["padding"] = {
        "strategy": {"Fixed": 12},
        "direction": "Right",
        "pad_to_multiple_of": None,
        "pad_id": 0,
        "pad_type_id": 0,
        "pad_token": "[PAD]",
    }
    (base / "tokenizer.json").write_text(json.dumps(stored))
    rows = [{"text": "card money account fee", "label": "fee"}, {"text": "fee", "label": "fee"}]
    assert [len(e.input_ids) for e in classified(rows, load_tokenizer(base))] == [6, 3]


def test_a_tokenizer_that_cuts_on_the_left_is_made_to_cut_on_the_right(tmp_path):
    base = tiny_bert(tmp_path / "base")
    config = json.loads((base / "tokenizer_config.json").read_text())
    (base / "tokenizer_config.json").write_text(json.dumps(config | {"truncation_side": "left"}))
    tokenizer = load_tokenizer(base)
    (example,) = classified([{"text": "card money fee", "label": "fee"}], tokenizer, max_length=3)
    assert tokenizer.decode(example.input_ids) == "[CLS] card [SEP]"


ROWS = [
    {"prompt": "what is", "completion": " the sky"},
    {"messages": [{"role": "user", "content": "größe"}, {"role": "assistant", "content": "blue"}]},
]
DIGEST = f"""
import sys
from pathlib import Path
from adapterctl.training.rows.text import encode, encoded_digest, load_tokenizer
tokenizer = load_tokenizer(Path(sys.argv[1]))
rows = {ROWS!r}
print(encoded_digest(encode(rows, task="CAUSAL_LM", tokenizer=tokenizer, labels=[], max_length=64)))
"""
GOLDEN = "49d4de85ad6383e27c012a4d8685f2a71118b8824905e6a02b1d252a9091e86a"


def test_the_digest_of_what_a_base_reads_is_a_golden(llama):
    assert encoded_digest(causal(ROWS, load_tokenizer(llama), max_length=64)) == GOLDEN


def test_the_digest_is_the_same_in_another_process_with_another_hash_seed(llama):
    done = subprocess.run(
        [sys.executable, "-c", DIGEST, str(llama)],
        env=os.environ | {"PYTHONHASHSEED": "12345"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == GOLDEN


@pytest.mark.parametrize(
    "other",
    [
        {"text": "b"},
        {"input_ids": (1, 3)},
        {"loss_mask": (1, 1)},
        {"label": 1},
    ],
)
def test_the_digest_covers_text_ids_mask_and_label(other):
    fields = {"id": "0", "text": "a", "input_ids": (1, 2), "loss_mask": (0, 1), "label": None}
    assert encoded_digest([Example(**fields)]) != encoded_digest([Example(**fields | other)])


def test_a_real_tokenizer_that_stores_a_fixed_length_is_read_in_full(minilm: Path):
    tokenizer = load_tokenizer(minilm)
    rows = [{"text": "my card " * 100, "label": "card"}, {"text": "hi", "label": "fee"}]
    lengths = [len(e.input_ids) for e in classified(rows, tokenizer, max_length=256)]
    assert lengths == [202, 3]
