"""Without padding the same comes out, family by family, in logits, losses, gradients and bytes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
import transformers

from adapterctl.records.recipe import LoraSettings
from adapterctl.rules.unpadded import FAMILIES as UNPADDED
from adapterctl.rules.unpadded import FIRST_TOKEN, runs_unpadded
from adapterctl.training.learning import grouped
from adapterctl.training.learning.loss import collate, loss_of
from adapterctl.training.learning.passes import fill
from adapterctl.training.learning.trainee import ask
from adapterctl.training.learning.unpadded import (
    Layout,
    can_unpad,
    runs_of_equals,
    unpadded,
)
from adapterctl.training.quiet import quiet
from adapterctl.training.rows.text import Example
from adapterctl.training.twin import inject, lora_config
from support.families import DECODERS, FAMILIES
from support.training_jobs import (
    adapter_bytes,
    classified,
    completions,
    job,
    train_all,
    without_dropout,
)

LENGTHS = (19, 12, 12, 12, 9, 4, 4, 2)
PAD, LONGEST = 60, 24
KINDS = {
    "SEQ_CLS": transformers.AutoModelForSequenceClassification,
    "CAUSAL_LM": transformers.AutoModelForCausalLM,
}
ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]
# Windows shorter than the examples, and fewer positions than the batch has tokens.
OWN: dict[str, dict[str, Any]] = {
    "qwen2": {"use_sliding_window": True, "max_window_layers": 1},
    "qwen2_moe": {"num_experts_per_tok": 2},
    "qwen3_moe": {"num_experts_per_tok": 2},
}
CASES = sorted(
    (family, task)
    for family in UNPADDED
    for task in KINDS
    if task == "SEQ_CLS" or family in DECODERS
)


def examples() -> list[Example]:
    """Rows of which all but the first two tokens are learned, with two labels."""
    return [
        Example(
            id=str(row),
            text="",
            input_ids=tuple(3 + (7 * row + 5 * place) % 50 for place in range(length)),
            loss_mask=tuple(int(place > 1) for place in range(length)),
            label=row % 2,
        )
        for row, length in enumerate(LENGTHS)
    ]


def adapted(family: str, task: str) -> Any:
    """A small random base with LoRA in all its linear layers, no dropout, and strong weights."""
    settings = FAMILIES[family] | OWN.get(family, {}) | {"pad_token_id": PAD}
    config = transformers.AutoConfig.for_model(family, **settings)
    # RoBERTa's positions start after the padding token's number.
    positions = LONGEST + PAD + 1 if "roberta" in family else LONGEST
    config.max_position_embeddings = config.n_positions = positions
    config.use_cache = False
    if getattr(config, "sliding_window", None):
        config.sliding_window = 3
    with quiet(), torch.random.fork_rng():
        torch.manual_seed(3)
        model = KINDS[task].from_config(config)
        # PEFT cannot train the dense layer of DistilBERT's head whole and give it LoRA as well.
        both = ["pre_classifier"] if family == "distilbert" else None
        # Nor take all layers of an expert.
        layers = ATTENTION if hasattr(config, "num_experts_per_tok") else "all-linear"
        lora = LoraSettings(r=4, target_modules=layers, exclude_modules=both)
        wrapped = inject(model, lora_config(lora, task=task))
        for name, parameter in wrapped.named_parameters():
            parameter.data.mul_(4) if parameter.dim() > 1 else parameter.data.add_(0.1)
            if "lora_B" in name:
                parameter.data.normal_(std=0.1)
    return wrapped.eval()


def answer(wrapped: Any, task: str, *, unpadded: bool) -> tuple[float, dict[str, torch.Tensor]]:
    """The loss of the examples, and its gradients."""
    batch = collate(examples(), task=task, pad=PAD, device="cpu", unpadded=unpadded)
    logits = ask(wrapped, batch, device="cpu", bf16=False)
    loss = loss_of(logits, batch, items=batch.items, smoothing=0.0)
    wrapped.zero_grad()
    loss.backward()
    named = wrapped.named_parameters()
    return loss.item(), {name: p.grad.clone() for name, p in named if p.grad is not None}


def assert_same(found: dict[str, torch.Tensor], gradients: dict[str, torch.Tensor]) -> None:
    """Each gradient is found again, measured by the largest of all."""
    largest = max(float(gradient.abs().max()) for gradient in gradients.values())
    assert largest > 1e-3, "nothing can be compared where nothing is learned"
    for name, gradient in gradients.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-4, atol=1e-6 * largest, msg=name)


@pytest.mark.parametrize(("family", "task"), CASES, ids=map("-".join, CASES))
def test_losses_and_gradients_are_those_of_the_padded_run(family: str, task: str) -> None:
    wrapped = adapted(family, task)
    loss, gradients = answer(wrapped, task, unpadded=False)
    Layout(wrapped.get_base_model()).use(task)
    found, others = answer(wrapped, task, unpadded=True)
    assert found == pytest.approx(loss, rel=1e-6)
    assert len(gradients) > 8
    assert_same(others, gradients)


@pytest.mark.parametrize(("family", "task"), CASES, ids=map("-".join, CASES))
def test_attention_in_groups_gives_the_same_losses_and_gradients(family: str, task: str) -> None:
    wrapped = adapted(family, task)
    Layout(wrapped.get_base_model()).use(task)
    loss, gradients = answer(wrapped, task, unpadded=True)
    wrapped.get_base_model().set_attn_implementation(grouped.NAME)
    found, others = answer(wrapped, task, unpadded=True)
    assert found == pytest.approx(loss, rel=1e-6)
    assert_same(others, gradients)


@pytest.mark.parametrize("family", sorted(FIRST_TOKEN))
def test_a_last_layer_that_computes_first_tokens_alone_comes_to_the_same(family: str) -> None:
    wrapped = adapted(family, "SEQ_CLS")
    loss, gradients = answer(wrapped, "SEQ_CLS", unpadded=False)
    Layout(wrapped.get_base_model(), narrow=True).use("SEQ_CLS")
    seen = rows_of_layers(wrapped)
    found, others = answer(wrapped, "SEQ_CLS", unpadded=True)
    assert found == pytest.approx(loss, rel=1e-6)
    assert_same(others, gradients)
    assert len(seen) > 1
    assert seen[:-1] == [sum(LENGTHS)] * (len(seen) - 1)
    assert seen[-1] == len(LENGTHS)


@pytest.mark.parametrize("family", ["bert", "distilbert"])
def test_completions_need_every_token_of_the_last_layer(family: str) -> None:
    # One trunk, asked for a classifier and then for completions.
    model = adapted(family, "SEQ_CLS").get_base_model()
    layout = Layout(model, narrow=True)
    batch = collate(examples(), task="SEQ_CLS", pad=PAD, device="cpu", unpadded=True)
    shapes = []
    for task in ("SEQ_CLS", "CAUSAL_LM"):
        layout.use(task)
        states = model.base_model(
            input_ids=batch.input_ids, attention_mask=batch.attention_mask
        ).last_hidden_state
        shapes.append(states.shape[:2])
    assert shapes == [(len(LENGTHS), max(LENGTHS)), (1, sum(LENGTHS))]


def rows_of_layers(model: Any) -> list[int]:
    """How many tokens the wide linear layer of each transformer layer sees, as soon as it runs."""
    seen: list[int] = []
    for name, module in model.named_modules():
        if name.endswith(("intermediate.dense", "ffn.lin1")):
            module.register_forward_hook(lambda _, given, out: seen.append(out[..., 0].numel()))
    return seen


@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert", "modernbert", "llama"])
def test_a_classifier_s_logits_are_those_of_the_padded_run(family: str) -> None:
    wrapped = adapted(family, "SEQ_CLS")
    batch = collate(examples(), task="SEQ_CLS", pad=PAD, device="cpu")
    with torch.inference_mode():
        padded = ask(wrapped, batch, device="cpu", bf16=False)
        Layout(wrapped.get_base_model()).use("SEQ_CLS")
        found = ask(wrapped, batch, device="cpu", bf16=False)
    assert padded.std(0).min() > 1e-3, "rows must differ, or any row would do"
    torch.testing.assert_close(found, padded, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert", "modernbert", "llama"])
def test_a_base_that_ran_without_padding_for_a_while_is_left_as_it_was(family: str) -> None:
    wrapped = adapted(family, "SEQ_CLS")
    base = wrapped.get_base_model()
    batch = collate(examples(), task="SEQ_CLS", pad=PAD, device="cpu")
    with torch.inference_mode():
        before = ask(wrapped, batch, device="cpu", bf16=False)
        hooked = hooks_of(base)
        with unpadded(base, task="SEQ_CLS"):
            assert hooks_of(base) > hooked
            during = ask(wrapped, batch, device="cpu", bf16=False)
        after = ask(wrapped, batch, device="cpu", bf16=False)
    torch.testing.assert_close(during, before, rtol=1e-4, atol=1e-5)
    assert torch.equal(after, before)
    assert hooks_of(base) == hooked


def hooks_of(model: Any) -> int:
    """How many hooks there are in a model."""
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())


def test_logits_are_made_only_where_a_token_is_learned() -> None:
    wrapped = adapted("llama", "CAUSAL_LM")
    Layout(wrapped.get_base_model()).use("CAUSAL_LM")
    batch = collate(examples(), task="CAUSAL_LM", pad=PAD, device="cpu", unpadded=True)
    learned = sum(max(0, length - 2) for length in LENGTHS)
    assert ask(wrapped, batch, device="cpu", bf16=False).shape[:2] == (1, learned)
    assert batch.items == learned


def test_a_batch_that_teaches_nothing_has_the_loss_0() -> None:
    wrapped = adapted("llama", "CAUSAL_LM")
    Layout(wrapped.get_base_model()).use("CAUSAL_LM")
    mute = [
        msgspec.structs.replace(each, loss_mask=(0,) * len(each.input_ids)) for each in examples()
    ]
    batch = collate(mute, task="CAUSAL_LM", pad=PAD, device="cpu", unpadded=True)
    logits = ask(wrapped, batch, device="cpu", bf16=False)
    assert loss_of(logits, batch, items=0, smoothing=0.0).item() == 0.0


def test_no_linear_layer_sees_padding() -> None:
    wrapped = adapted("bert", "SEQ_CLS")
    base = wrapped.get_base_model()
    Layout(base).use("SEQ_CLS")
    seen: list[int] = []
    dense = base.bert.encoder.layer[0].intermediate.dense
    dense.register_forward_hook(lambda _, given, out: seen.append(out.shape[:-1].numel()))
    answer(wrapped, "SEQ_CLS", unpadded=True)
    assert seen == [sum(LENGTHS)]


def test_what_is_not_on_the_list_is_padded() -> None:
    for family in ("mpnet", "deberta-v2", "bloom", "falcon", "gemma2", "albert", "t5"):
        assert family in FAMILIES
        assert family not in UNPADDED


@pytest.mark.parametrize(
    ("own", "can"), [([], True), (["classifier", "bert.pooler"], True), (["bert.encoder"], False)]
)
def test_a_base_is_padded_where_hooks_would_be_lost(own: list[str], can: bool) -> None:
    base = adapted("bert", "SEQ_CLS").get_base_model()
    assert can_unpad(base, own=own) is can


def test_on_a_gpu_what_is_padded_follows_how_a_version_was_trained() -> None:
    found = {n: [runs_unpadded(d, arithmetic=n) for d in ("cpu", "cuda")] for n in (1, 2)}
    assert found == {1: [True, False], 2: [True, True]}


def test_passes_are_full_and_the_longest_come_first() -> None:
    assert fill([3, 9, 3, 5, 9], most=2) == [[1, 4], [3, 0], [2]]


def test_equal_neighbours_are_counted_together() -> None:
    assert list(runs_of_equals([9, 9, 5, 3, 3, 3])) == [(9, 2), (5, 1), (3, 3)]


@pytest.mark.parametrize("variant", [{}, {"use_dora": True}], ids=["slots", "variant"])
@pytest.mark.parametrize("base", ["bert", "llama", "gpt2"])
def test_losses_of_a_run_are_those_of_a_padded_run(
    base: str, variant: dict[str, Any], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    plain = without_dropout(request.getfixturevalue(base), tmp_path / "base")
    rows = classified(40) if base == "bert" else completions(40)
    lora = {"lora_dropout": 0.0} | variant
    given = job(tmp_path, rows, lora=lora, gradient_accumulation_steps=2, max_steps=8)
    [found] = train_all([given], plain)
    [padded] = train_all([replace(given, padded=True)], plain)
    assert (found.facts.unpadded, padded.facts.unpadded) == (True, False)
    assert found.facts.tokens == padded.facts.tokens
    for ours, theirs in zip(found.trail, padded.trail, strict=True):
        assert float.fromhex(ours.loss) == pytest.approx(float.fromhex(theirs.loss), rel=2e-5)


def test_padded_neighbours_change_nothing(bert: Path, tmp_path: Path) -> None:
    rows = classified(30)
    kinds = {"one": False, "other": True, "third": False}
    jobs = [replace(job(tmp_path, rows, name=n), padded=padded) for n, padded in kinds.items()]
    one, other, third = train_all(jobs, bert)
    [alone] = train_all([job(tmp_path / "solo", rows)], bert)
    assert [found.facts.unpadded for found in (one, other, third)] == [True, False, True]
    assert adapter_bytes(alone) == adapter_bytes(one) == adapter_bytes(third)
    assert adapter_bytes(other) != adapter_bytes(one)


def test_a_checkpoint_of_a_padded_run_is_not_resumed_without_padding(
    bert: Path, tmp_path: Path
) -> None:
    rows = classified(30)
    train_all([replace(job(tmp_path, rows), padded=True)], bert)
    [after] = train_all([job(tmp_path, rows)], bert)
    [alone] = train_all([job(tmp_path / "solo", rows)], bert)
    assert after.trail == alone.trail
