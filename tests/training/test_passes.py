from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest
import torch

from adapterctl.training.learning.dropout import dropout
from adapterctl.training.learning.loss import collate, loss_of
from adapterctl.training.learning.passes import cut, overhead
from adapterctl.training.loading import load_base
from support.training_jobs import classified, completions, job, train_all, without_dropout


def cost(passes: list[list[int]], lengths: list[int], *, overhead: float) -> float:
    return sum(len(rows) * max(lengths[row] for row in rows) + overhead for rows in passes)


def test_rows_of_one_length_share_a_pass() -> None:
    assert cut([7] * 5, most=16, overhead=3) == [[0, 1, 2, 3, 4]]


def test_no_pass_has_more_rows_than_the_batch_size() -> None:
    assert sorted(len(rows) for rows in cut([7] * 10, most=4, overhead=3)) == [2, 4, 4]


def test_a_long_row_does_not_pad_the_short_ones() -> None:
    assert cut([5, 100, 5, 5], most=16, overhead=20) == [[1], [0, 2, 3]]


def test_padding_is_cheaper_than_a_pass_that_costs_more() -> None:
    assert cut([5, 100, 5, 5], most=16, overhead=1000) == [[1, 0, 2, 3]]


@pytest.mark.parametrize("seed", range(20))
def test_the_cut_is_the_cheapest_there_is(seed: int) -> None:
    draw = random.Random(seed)
    lengths = [draw.randrange(1, 60) for _ in range(8)]
    fee = draw.choice([0, 5, 30, 200])
    found = cut(lengths, most=4, overhead=fee)
    assert sorted(itertools.chain(*found)) == list(range(8))
    order = sorted(range(8), key=lambda row: (-lengths[row], row))
    others = (
        [order[a:b] for a, b in itertools.pairwise([0, *places, 8])]
        for size in range(8)
        for places in itertools.combinations(range(1, 8), size)
    )
    allowed = [passes for passes in others if max(map(len, passes)) <= 4]
    assert cost(found, lengths, overhead=fee) == min(
        cost(passes, lengths, overhead=fee) for passes in allowed
    )


def test_a_pass_costs_a_small_base_more_tokens(bert: Path) -> None:
    base = load_base(bert, task="SEQ_CLS", head_seed=0, device="cpu", num_labels=2)
    assert overhead(base.model, device="cpu") > 1000
    assert overhead(base.model, device="cuda:0") > overhead(base.model, device="cpu")


def test_cutting_changes_the_loss_by_rounding_only(bert: Path, tmp_path: Path) -> None:
    plain = without_dropout(bert, tmp_path / "base")
    each = job(tmp_path, classified(12), lora={"lora_dropout": 0.0}, max_steps=1)
    base = load_base(plain, task="SEQ_CLS", head_seed=0, device="cpu", num_labels=3)

    def loss(passes: list[list[int]]) -> float:
        found = 0.0
        for rows in passes:
            batch = collate([each.examples[r] for r in rows], task="SEQ_CLS", pad=0, device="cpu")
            answer = base.model(input_ids=batch.input_ids, attention_mask=batch.attention_mask)
            found += loss_of(answer.logits, batch, items=12, smoothing=0.0).item()
        return found

    lengths = [len(example.input_ids) for example in each.examples]
    pieces = cut(lengths, most=12, overhead=1)
    assert len(pieces) > 2
    assert loss(pieces) == pytest.approx(loss([list(range(12))]), rel=1e-6)


def test_a_batch_keeps_what_is_learned_and_no_prompt() -> None:
    examples = completions(6)
    batch = collate(examples, task="CAUSAL_LM", pad=0, device="cpu")
    assert batch.items == sum(sum(example.loss_mask) for example in examples)
    assert batch.tokens == sum(len(example.input_ids) for example in examples)
    first = min(example.loss_mask.index(1) for example in examples) - 1
    assert batch.kept == batch.input_ids.shape[1] - first
    for row, example in enumerate(examples):
        wanted = [t for t, m in zip(example.input_ids, example.loss_mask, strict=True) if m]
        assert [t for t in batch.targets[row].tolist() if t != -100] == wanted


def test_a_step_that_teaches_nothing_has_the_loss_0() -> None:
    batch = collate(completions(2), task="CAUSAL_LM", pad=0, device="cpu")
    mute = type(batch)(**{**vars(batch), "targets": batch.targets.fill_(-100), "items": 0})
    logits = torch.zeros(2, batch.input_ids.shape[1], 30)
    assert loss_of(logits, mute, items=0, smoothing=0.0).item() == 0.0


@pytest.mark.parametrize("share", [0.0, 0.05, 0.1, 0.5, 0.9])
def test_dropout_drops_its_share_and_keeps_the_mean(share: float) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        found = dropout(torch.ones(1000, 1001), share)
    dropped = found.eq(0).double().mean().item()
    error = 5 * (share * (1 - share) / found.numel()) ** 0.5 + 2**-17
    assert dropped == pytest.approx(share, abs=error)
    kept = found[found != 0]
    assert kept.eq(torch.tensor(1 / (1 - share))).all()


def test_dropout_draws_anew_each_time_and_repeats_with_the_seed() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        first, second = dropout(torch.ones(500), 0.5), dropout(torch.ones(500), 0.5)
        torch.manual_seed(3)
        again = dropout(torch.ones(500), 0.5)
    assert torch.equal(first, again)
    agree = first.eq(second).double().mean().item()
    assert 0.35 < agree < 0.65, "two draws agree on half of the elements when they are independent"


def test_neighbouring_elements_are_dropped_independently() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        dropped = dropout(torch.ones(400_000), 0.5).eq(0)
    for lag in (1, 2, 3, 4, 8):
        agree = dropped[lag:].eq(dropped[:-lag]).double().mean().item()
        assert agree == pytest.approx(0.5, abs=0.005)


def test_dropout_has_the_gradient_of_what_it_kept() -> None:
    x = torch.ones(1000, requires_grad=True)
    out = dropout(x, 0.3)
    out.sum().backward()
    assert torch.equal(x.grad, out.detach())


def test_recomputed_activations_draw_the_same_dropout(bert: Path, tmp_path: Path) -> None:
    jobs = [
        job(tmp_path, classified(24), name=name, gradient_checkpointing=name == "recomputed")
        for name in ("kept", "recomputed")
    ]
    kept, recomputed = train_all(jobs, bert)
    assert kept.trail == recomputed.trail
