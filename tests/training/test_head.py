"""A loss whose logits are made a piece at a time is the loss whose logits are made at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch.utils._python_dispatch import TorchDispatchMode

from adapterctl.rules.arithmetic import LARGE, LINEAR_HEADS, in_pieces
from adapterctl.training.learning.head import IGNORED, Unmade, frozen_head, softcap_of
from adapterctl.training.learning.job import SlotJob
from adapterctl.training.learning.loss import Batch, collate, loss_of
from adapterctl.training.learning.slots import SlottedBase, SlotTrainee
from adapterctl.training.loading import load_base
from adapterctl.training.quiet import quiet
from adapterctl.training.twin import inject, lora_config, read
from support.families import FAMILIES
from support.tiny_bases import tiny_llama
from support.training_jobs import adapter_bytes, completions, job, train_all

WIDTH, WORDS, PLACES = 6, 40, 30


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("softcap", [None, 3.0])
@pytest.mark.parametrize("biased", [False, True])
def test_loss_and_gradient_are_those_of_whole_logits(
    biased: bool, softcap: float | None, smoothing: float
) -> None:
    torch.manual_seed(2)
    states = torch.randn(1, PLACES, WIDTH, requires_grad=True)
    targets = torch.randint(WORDS, (1, PLACES))
    targets[0, ::4] = IGNORED
    bias = torch.randn(WORDS) if biased else None
    unmade = Unmade(
        states=states,
        weight=torch.randn(WORDS, WIDTH),
        bias=bias,
        softcap=softcap,
        dtype=torch.float32,
    )
    whole = torch.nn.functional.linear(states, unmade.weight, bias)
    if softcap:
        whole = softcap * torch.tanh(whole / softcap)
    expected = torch.nn.functional.cross_entropy(
        whole.flatten(0, 1),
        targets.flatten(),
        ignore_index=IGNORED,
        reduction="sum",
        label_smoothing=smoothing,
    )
    found = unmade.loss(targets, smoothing=smoothing, most=7 * WORDS)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=0)
    [gradient] = torch.autograd.grad(found / 22, states)
    [other] = torch.autograd.grad(expected / 22, states)
    assert other.abs().max() > 1e-3
    torch.testing.assert_close(gradient, other, rtol=1e-5, atol=1e-7)


def test_no_piece_is_larger_than_it_may_be() -> None:
    unmade = Unmade(
        states=torch.randn(1, 100, WIDTH, requires_grad=True),
        weight=torch.randn(WORDS, WIDTH),
        bias=None,
        softcap=None,
        dtype=torch.float32,
    )
    with largest_tensor() as largest:
        unmade.loss(torch.zeros(1, 100, dtype=torch.long), smoothing=0.0, most=20 * WORDS)
    assert max(largest) == 20 * WORDS


def test_where_nothing_is_learned_the_loss_is_0() -> None:
    unmade = Unmade(
        states=torch.randn(1, 3, WIDTH, requires_grad=True),
        weight=torch.randn(WORDS, WIDTH),
        bias=None,
        softcap=None,
        dtype=torch.float32,
    )
    loss = unmade.loss(torch.full((1, 3), IGNORED), smoothing=0.0)
    loss.backward()
    assert loss.item() == 0.0


@pytest.mark.parametrize("family", sorted(LINEAR_HEADS))
def test_a_family_s_logits_are_its_head_s_of_its_trunk_s_states(family: str) -> None:
    experts = {"num_experts_per_tok": 2} if "moe" in family or family == "mixtral" else {}
    config = transformers.AutoConfig.for_model(family, **FAMILIES[family] | experts)
    with quiet(), torch.random.fork_rng(), torch.inference_mode():
        torch.manual_seed(3)
        model = transformers.AutoModelForCausalLM.from_config(config).eval()
        ids = torch.arange(3, 12).unsqueeze(0)
        head = frozen_head(model.requires_grad_(False))
        assert head is not None
        # So that a cap is felt.
        head.weight.mul_(200)
        made = head(model.base_model(input_ids=ids).last_hidden_state)
        if cap := softcap_of(config):
            made = cap * torch.tanh(made / cap)
        torch.testing.assert_close(made, model(input_ids=ids).logits, rtol=1e-5, atol=1e-6)


def test_only_large_logits_of_known_families_are_made_in_pieces() -> None:
    def asked(**other: Any) -> bool:
        usual = {"positions": 1025, "vocabulary": 2**16, "family": "llama", "arithmetic": 2}
        return in_pieces(**usual | other)

    assert asked()
    assert not asked(positions=1024)
    assert not asked(family="cohere")
    assert not asked(arithmetic=1)


@pytest.fixture(scope="module")
def wordy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base whose logits for 80 positions are more than may be held."""
    folder = tmp_path_factory.mktemp("wordy") / "base"
    return tiny_llama(folder, vocabulary=2**20, hidden=8, layers=1)


def slot_on(base: Path, each: SlotJob, *others: SlotJob) -> tuple[SlotTrainee, Batch]:
    slotted = SlottedBase(load_base(base, task="CAUSAL_LM", head_seed=0, device="cpu"))
    trainees = [
        SlotTrainee(one, slotted, read(one.lora, base_dir=base, task=one.task, labels=0))
        for one in (*others, each)
    ]
    return trainees[-1], collate(each.examples[:8], task="CAUSAL_LM", pad=0, device="cpu")


@contextmanager
def largest_tensor() -> Iterator[list[int]]:
    """Collects the sizes of all tensors that operations give, gradients among them."""
    sizes: list[int] = []

    class Sizes(TorchDispatchMode):  # type: ignore[misc]
        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None):
            answer = function(*args, **(kwargs or {}))
            for one in answer if isinstance(answer, tuple | list) else [answer]:
                if isinstance(one, torch.Tensor):
                    sizes.append(one.numel())
            return answer

    with Sizes():
        yield sizes


def test_a_pass_never_holds_positions_times_vocabulary(wordy: Path, tmp_path: Path) -> None:
    each = job(tmp_path, completions(8, longest=14), lora={"lora_dropout": 0.0})
    found = {}
    for number in (1, 2):
        slot, batch = slot_on(wordy, replace(each, arithmetic=number))
        with largest_tensor() as sizes:
            loss = loss_of(slot.logits(batch), batch, items=batch.items, smoothing=0.0)
            loss.backward()
        gradients = {name: tensor.grad for name, tensor in slot.tensors.items()}
        found[number] = (max(sizes), loss.item(), gradients)
    logits = batch.targets.numel() * 2**20
    assert found[1][0] >= logits > LARGE >= found[2][0]
    assert found[2][1] == pytest.approx(found[1][1], rel=1e-6)
    largest = max(float(gradient.abs().max()) for gradient in found[1][2].values())
    for name, gradient in found[1][2].items():
        torch.testing.assert_close(found[2][2][name], gradient, rtol=1e-4, atol=1e-4 * largest)


def test_a_neighbour_s_lora_on_the_head_changes_nothing(wordy: Path, tmp_path: Path) -> None:
    each = job(tmp_path, completions(8, longest=14), name="one", lora={"lora_dropout": 0.0})
    targets = {"target_modules": ["lm_head", "q_proj"]}
    other = job(tmp_path, completions(8), name="other", lora=targets)
    alone, batch = slot_on(wordy, each)
    beside, _ = slot_on(wordy, each, other)
    kinds = [slot.logits(batch) for slot in (alone, beside)]
    assert all(isinstance(kind, Unmade) for kind in kinds)
    losses = [loss_of(kind, batch, items=batch.items, smoothing=0.0) for kind in kinds]
    assert torch.equal(losses[0], losses[1])


@pytest.mark.parametrize(
    "lora",
    [{"target_modules": ["lm_head", "q_proj"]}, {"modules_to_save": ["lm_head"]}],
    ids=["pair", "whole"],
)
def test_a_head_that_is_trained_makes_its_logits_at_once(
    lora: dict[str, Any], llama: Path, tmp_path: Path
) -> None:
    slotted = SlottedBase(load_base(llama, task="CAUSAL_LM", head_seed=0, device="cpu"))
    each = job(tmp_path, completions(8), lora=lora)
    SlotTrainee(each, slotted, read(each.lora, base_dir=llama, task=each.task, labels=0))
    assert frozen_head(slotted.switch_to(each.name)) is None
    assert frozen_head(slotted.switch_to(None)) is not None
    wrapped = inject(
        load_base(llama, task="CAUSAL_LM", head_seed=0, device="cpu").model,
        lora_config(each.lora, task="CAUSAL_LM"),
    )
    assert frozen_head(wrapped.get_base_model()) is None


@pytest.mark.slow
def test_killed_and_resumed_a_run_in_pieces_gives_the_same_bytes(
    wordy: Path, tmp_path: Path
) -> None:
    rows = completions(12, longest=14)
    often = {"max_steps": 2, "save_steps": 1, "per_device_train_batch_size": 12}
    [whole] = train_all([job(tmp_path / "1", rows, **often)], wordy)
    cut = job(tmp_path / "2", rows, **often)
    with pytest.raises(KeyboardInterrupt):
        train_all([cut], wordy, log=_interrupted)
    [resumed] = train_all([cut], wordy)
    assert adapter_bytes(resumed) == adapter_bytes(whole)
    assert resumed.trail == whole.trail


def _interrupted(_: object) -> None:
    raise KeyboardInterrupt
