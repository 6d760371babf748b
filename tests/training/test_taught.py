"""A teacher's expectations are learned beside the tokens, by the formula, padded or not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from adapterctl.rules.teaching import TOP
from adapterctl.training.adapted import adapted
from adapterctl.training.asking.teaching import expected
from adapterctl.training.learning.batches import unseen
from adapterctl.training.learning.head import IGNORED, Unmade
from adapterctl.training.learning.job import Progress
from adapterctl.training.learning.loss import collate, loss_of
from adapterctl.training.learning.ranks import muted
from adapterctl.training.learning.taught import Taught, answers_in, file_of, learned_tokens, packed
from adapterctl.training.loading import LoadedBase, load_base
from adapterctl.training.rows.text import Example, encoded_digest
from support.training_jobs import (
    VOCABULARY,
    a_teacher,
    adapter_bytes,
    completions,
    job,
    taught,
    train_all,
)


def plain_formula(logits: torch.Tensor, targets: torch.Tensor, teacher: Taught) -> float:
    """Half the token's cross entropy and half the teacher's, written out in Python's numbers."""
    total = 0.0
    for row, target in enumerate(targets.tolist()):
        own = logits[row].double().softmax(-1).tolist()
        shares = teacher.log_probabilities[row].double().exp().tolist()
        ids = teacher.ids[row].tolist()
        said = sum(s * torch.tensor(own[i]).log().item() for i, s in zip(ids, shares, strict=True))
        others = torch.tensor(1 - sum(own[i] for i in ids)).log().item()
        said += (1 - sum(shares)) * others
        total += -0.5 * torch.tensor(own[target]).log().item() - 0.5 * said
    return total


def test_the_loss_is_the_plain_formula_s_made_at_once_or_in_pieces() -> None:
    torch.manual_seed(2)
    states = torch.randn(1, 30, 6, requires_grad=True)
    weight, targets = torch.randn(VOCABULARY, 6), torch.randint(VOCABULARY, (1, 30))
    targets[0, ::4] = IGNORED
    teacher = a_teacher(22)
    unmade = Unmade(states=states, weight=weight, bias=None, softcap=None, dtype=torch.float32)
    batch = collate(completions(2), task="CAUSAL_LM", pad=0, device="cpu")
    batch = replace(batch, targets=targets, taught=teacher)
    whole = torch.nn.functional.linear(states, weight)
    learned = targets[0] != IGNORED
    formula = plain_formula(whole[0][learned], targets[0][learned], teacher)
    at_once = loss_of(whole, batch, items=1, smoothing=0.0)
    in_pieces = unmade.loss(targets, smoothing=0.0, taught=teacher, most=7 * VOCABULARY)
    assert at_once.item() == pytest.approx(formula, rel=1e-6)
    whole_step = loss_of(unmade, batch, items=2, smoothing=0.0)
    assert whole_step.item() == pytest.approx(formula / 2, rel=1e-6)
    assert in_pieces.item() == pytest.approx(formula, rel=1e-6)
    [one] = torch.autograd.grad(at_once, states)
    [other] = torch.autograd.grad(in_pieces, states)
    assert one.abs().max() > 1e-3
    torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


def test_the_gradient_of_what_is_expected_is_its_slope() -> None:
    teacher = a_teacher(4)
    exact = Taught(ids=teacher.ids, log_probabilities=teacher.log_probabilities.double())
    logits = torch.randn(4, VOCABULARY, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(exact.loss, (logits,))


def test_who_expects_what_the_teacher_does_has_nothing_to_learn_of_it() -> None:
    logits = torch.randn(6, VOCABULARY, requires_grad=True)
    best = logits.detach().log_softmax(-1).topk(5)
    teacher = Taught(ids=best.indices, log_probabilities=best.values)
    [gradient] = torch.autograd.grad(teacher.loss(logits), logits)
    assert gradient.abs().max() < 1e-6
    [other] = torch.autograd.grad(a_teacher(6).loss(logits), logits)
    assert other.abs().max() > 0.1


def test_a_rank_without_rows_learns_nothing() -> None:
    batch = muted(collate(taught(completions(2)), task="CAUSAL_LM", pad=0, device="cpu"))
    logits = torch.randn(*batch.input_ids.shape, VOCABULARY)
    assert loss_of(logits, batch, items=1, smoothing=0.0).item() == 0.0


def test_expectations_go_through_a_file_unchanged() -> None:
    answers = [a_teacher(3, seed=1), a_teacher(5, seed=2)]
    found = answers_in(file_of(answers))
    assert [len(one) for one in found] == [3, 5]
    assert list(map(packed, found)) == list(map(packed, answers))
    assert file_of(found) == file_of(answers)


def test_another_teacher_is_another_training_set() -> None:
    plain = completions(3)
    digests = {encoded_digest(one) for one in (plain, taught(plain), taught(plain, seed=4))}
    assert len(digests) == 3


def test_padded_and_unpadded_training_learn_the_same(llama: Path, tmp_path: Path) -> None:
    settings = {"lora": {"lora_dropout": 0.0}, "max_steps": 3}
    rows = taught(completions(24))
    trails = []
    for name, padded in (("padded", True), ("unpadded", False)):
        each = job(tmp_path, rows, name=name, **settings)
        [done] = train_all([replace(each, padded=padded)], llama)
        assert done.facts.unpadded is not padded
        trails.append([float.fromhex(step.loss) for step in done.trail])
    assert trails[1] == pytest.approx(trails[0], rel=1e-5)
    [alone] = train_all([job(tmp_path, completions(24), name="alone", **settings)], llama)
    assert float.fromhex(alone.trail[0].loss) != pytest.approx(trails[0][0], rel=1e-3)


def test_the_teacher_is_asked_where_a_token_is_learned(llama: Path, tmp_path: Path) -> None:
    examples = completions(5)
    [trained] = train_all([job(tmp_path, completions(16))], llama)
    base = load_base(llama, task="CAUSAL_LM", head_seed=0, device="cpu")
    found = expected(base, examples, adapter_dir=trained.adapter, batch_size=2, progress=unseen)
    bare = log_probabilities(base, examples)
    assert [len(one) for one in found] == [learned_tokens(one) for one in examples]
    assert all(one.ids.shape[1] == TOP for one in found)
    for one, logits in zip(found, bare, strict=True):
        assert not torch.allclose(one.log_probabilities, logits.topk(TOP).values, atol=1e-3)
    with adapted(base, trained.adapter):
        worn = log_probabilities(base, examples)
    for one, logits in zip(found, worn, strict=True):
        best = logits.gather(-1, one.ids)
        torch.testing.assert_close(one.log_probabilities, best, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(best, logits.topk(TOP).values, rtol=1e-4, atol=1e-4)


def log_probabilities(base: LoadedBase, examples: list[Example]) -> list[torch.Tensor]:
    """Log-probabilities at the learned tokens, of rows asked one at a time and whole."""
    found = []
    for example in examples:
        with torch.inference_mode():
            answer = base.model(input_ids=torch.tensor([example.input_ids])).logits[0]
        learned = [at - 1 for at in range(1, len(example.input_ids)) if example.loss_mask[at]]
        found.append(answer[learned, : len(base.tokenizer)].float().log_softmax(-1))
    return found


class Stop(Exception):
    """What ends a run in the middle."""


def stop_at_2(progress: Progress) -> None:
    if progress.step == 2:
        raise Stop


@pytest.mark.parametrize("bf16", [False, True])
def test_taught_twice_and_resumed_gives_the_same_bytes(
    bf16: bool, llama: Path, tmp_path: Path
) -> None:
    rows, often = taught(completions(16)), {"max_steps": 3, "save_steps": 1, "bf16": bf16}
    runs = [train_all([job(tmp_path / n, rows, **often)], llama)[0] for n in ("a", "b")]
    cut = job(tmp_path / "c", rows, **often)
    with pytest.raises(Stop):
        train_all([cut], llama, log=stop_at_2)
    runs += train_all([cut], llama)
    assert adapter_bytes(runs[0]) == adapter_bytes(runs[1]) == adapter_bytes(runs[2])
