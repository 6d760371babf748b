from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

from adapterctl.errors import InvalidInput
from adapterctl.training.adapted import load_adapted
from adapterctl.training.adapter_files import write_adapter
from adapterctl.training.learning.job import SlotJob
from adapterctl.training.learning.layers import SlotLinear, SlotModule
from adapterctl.training.learning.loss import Batch, collate
from adapterctl.training.learning.slots import SlottedBase, SlotTrainee
from adapterctl.training.loading import LoadedBase, load_base
from adapterctl.training.twin import read
from support.training_jobs import classified, completions, job, without_dropout


def loaded(base: Path, task: str) -> LoadedBase:
    labels = 2 if task == "SEQ_CLS" else None
    return load_base(base, task=task, head_seed=0, device="cpu", num_labels=labels)


def trainee(slotted: SlottedBase, each: SlotJob, base: Path) -> SlotTrainee:
    found = read(each.lora, base_dir=base, task=each.task, labels=len(each.labels))
    return SlotTrainee(each, slotted, found)


def stirred(slot: SlotTrainee, *, seed: int = 3) -> SlotTrainee:
    """Gives a slot tensors that are felt: B would start at zero."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name in sorted(slot.tensors):
            tensor = slot.tensors[name]
            tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.3)
    return slot


def batch_of(each: SlotJob, *, pad: int = 0) -> Batch:
    return collate(each.examples[:5], task=each.task, pad=pad, device="cpu")


def one(base: Path, folder: Path, *, rows: Any = None, **settings: Any) -> tuple[Any, Any, Batch]:
    """A slotted base with one stirred slot, and a batch."""
    each = job(folder, rows or classified(6), **settings)
    slotted = SlottedBase(loaded(base, each.task))
    slot = stirred(trainee(slotted, each, base))
    return slotted, slot, batch_of(each, pad=slotted.base.pad_token_id)


PLAIN = {"lora_dropout": 0.0}


@pytest.mark.parametrize(
    ("base", "rows", "lora"),
    [
        ("bert", classified(6), {}),
        ("llama", classified(6), {"use_rslora": True, "rank_pattern": {"q_proj": 2}}),
        ("gpt2", completions(6), {"alpha_pattern": {"c_attn": 5}}),
        (
            "llama",
            completions(6),
            {"target_modules": ".*(q|down)_proj", "modules_to_save": ["norm"]},
        ),
    ],
    ids=["bert", "llama rslora", "gpt2", "llama regex"],
)
def test_peft_loads_a_slot_whole_and_answers_the_same(
    base: str, rows: Any, lora: Any, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    folder = without_dropout(request.getfixturevalue(base), tmp_path / "base")
    _, slot, batch = one(folder, tmp_path, rows=rows, lora=PLAIN | lora)
    ours = slot.logits(batch)
    out = tmp_path / "adapter"
    write_adapter(out, slot.saved(), config=slot.config, base_name="b/c", base_revision=None)
    theirs = peft_logits(folder, out, batch, labels=3 if batch.targets.dim() == 1 else 0)
    torch.testing.assert_close(ours, theirs[:, -ours.shape[1] :], rtol=1e-4, atol=5e-5)
    # Ours refuses missing, unexpected and misshapen tensors; it would raise.
    load_adapted(
        folder, out, task=slot.config.task_type, device="cpu", num_labels=3 if len(ours) else None
    )


def peft_logits(base: Path, adapter: Path, batch: Batch, *, labels: int) -> torch.Tensor:
    kind = AutoModelForSequenceClassification if labels else AutoModelForCausalLM
    model = kind.from_pretrained(
        base, dtype="float32", **({"num_labels": labels} if labels else {})
    )
    if model.config.pad_token_id is None:
        model.config.pad_token_id = model.config.eos_token_id
    adapted = PeftModel.from_pretrained(model, adapter)
    with torch.no_grad():
        logits = adapted(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits
    return logits if labels else logits[:, -batch.kept :]


def test_without_a_slot_the_base_answers_as_if_it_had_none(bert: Path, tmp_path: Path) -> None:
    plain = without_dropout(bert, tmp_path / "base")
    batch = batch_of(job(tmp_path, classified(6)))
    bare = loaded(plain, "SEQ_CLS")
    before = bare.model(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits
    slotted, slot, _ = one(plain, tmp_path)
    assert not torch.equal(slot.logits(batch)[:, :2], before)
    model = slotted.switch_to(None)
    after = model(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits
    assert torch.equal(after, before)


def test_neither_the_base_nor_another_slot_gets_gradients(bert: Path, tmp_path: Path) -> None:
    slotted, slot, batch = one(bert, tmp_path)
    other = trainee(slotted, job(tmp_path, classified(9), name="two"), bert)
    slot.logits(batch).sum().backward()
    assert all(tensor.grad is not None for tensor in slot.tensors.values())
    assert all(tensor.grad is None for tensor in other.tensors.values())
    assert all(parameter.grad is None for parameter in slotted.base.model.parameters())
    assert not any(parameter.requires_grad for parameter in slotted.base.model.parameters())


def test_the_backward_pass_ends_at_the_first_pair(llama: Path, tmp_path: Path) -> None:
    # Adapters on the last layer alone: nothing below it needs a gradient or keeps an activation.
    slotted, slot, batch = one(
        llama, tmp_path, rows=completions(6), lora={"target_modules": r".*layers\.1\..*proj"}
    )
    seen: dict[str, bool] = {}
    for number, layer in enumerate(slotted.base.model.model.layers):
        layer.register_forward_hook(
            lambda _m, _i, out, n=number: seen.update({str(n): out.requires_grad})
        )
    slot.logits(batch)
    assert seen == {"0": False, "1": True}


def test_slots_may_differ_in_labels_ranks_and_layers(bert: Path, tmp_path: Path) -> None:
    slotted = SlottedBase(loaded(bert, "SEQ_CLS"))
    sizes = {"two": 2, "five": 5, "seven": 7}
    slots = {
        name: trainee(slotted, job(tmp_path, classified(14, labels=labels), name=name), bert)
        for name, labels in sizes.items()
    }
    batch = batch_of(job(tmp_path, classified(14, labels=2)))
    assert {name: slot.logits(batch).shape[1] for name, slot in slots.items()} == sizes


@pytest.mark.parametrize("whole_first", [True, False])
def test_one_slot_may_train_whole_what_holds_anothers_target(
    whole_first: bool, bert: Path, tmp_path: Path
) -> None:
    plain = without_dropout(bert, tmp_path / "base")
    whole = job(
        tmp_path, classified(6), name="whole", lora={**PLAIN, "modules_to_save": ["pooler"]}
    )
    inside = job(
        tmp_path, classified(6), name="inside", lora={**PLAIN, "target_modules": ["pooler.dense"]}
    )
    batch = batch_of(whole)
    alone = {
        each.name: stirred(trainee(SlottedBase(loaded(plain, "SEQ_CLS")), each, plain)).logits(
            batch
        )
        for each in (whole, inside)
    }
    shared = SlottedBase(loaded(plain, "SEQ_CLS"))
    order = (whole, inside) if whole_first else (inside, whole)
    together = {each.name: stirred(trainee(shared, each, plain)) for each in order}
    for name, slot in together.items():
        assert torch.equal(slot.logits(batch), alone[name])


def test_a_module_trained_whole_starts_from_the_bases_weights(bert: Path, tmp_path: Path) -> None:
    slotted = SlottedBase(loaded(bert, "SEQ_CLS"))
    each = job(tmp_path, classified(6), lora={"modules_to_save": ["pooler"]})
    slot = trainee(slotted, each, bert)
    name = "bert.pooler.dense.weight"
    base = loaded(bert, "SEQ_CLS").model.get_parameter(name)
    assert torch.equal(slot.tensors[f"base_model.model.{name}"], base)


def test_a_head_starts_fresh_from_seed_and_label_count(bert: Path, tmp_path: Path) -> None:
    head = "base_model.model.classifier.weight"

    def start(labels: int, seed: int) -> torch.Tensor:
        slotted = SlottedBase(loaded(bert, "SEQ_CLS"))
        each = job(tmp_path, classified(10, labels=labels), seed=seed)
        return trainee(slotted, each, bert).tensors[head]

    assert start(3, 1).shape == (3, 32)
    assert start(5, 1).shape == (5, 32)
    assert torch.equal(start(3, 1), start(3, 1))
    assert not torch.equal(start(3, 1), start(3, 2))
    assert start(5, 1).std().item() == pytest.approx(0.02, rel=0.3), "BERT's initializer_range"


def test_pairs_start_as_pefts_do(bert: Path, tmp_path: Path) -> None:
    slotted = SlottedBase(loaded(bert, "SEQ_CLS"))
    tensors = trainee(slotted, job(tmp_path, classified(6), lora={"r": 16}), bert).tensors
    starts = {name: tensor for name, tensor in tensors.items() if "lora_A" in name}
    assert all(tensor.eq(0).all() for name, tensor in tensors.items() if "lora_B" in name)
    for tensor in starts.values():
        bound = tensor.shape[1] ** -0.5  # kaiming_uniform with a = sqrt(5)
        assert 0.9 * bound < tensor.abs().max().item() <= bound
    assert len({tuple(tensor.flatten()[:4].tolist()) for tensor in starts.values()}) == len(starts)


def test_a_base_without_weights_that_no_adapter_carries_is_refused(
    tmp_path: Path, bert: Path
) -> None:
    base = loaded(bert, "SEQ_CLS")
    lacking = LoadedBase(
        **{**vars(base), "fresh": ("bert.pooler.dense.weight", "classifier.weight")}
    )
    with pytest.raises(InvalidInput) as caught:
        trainee(SlottedBase(lacking), job(tmp_path, classified(6)), bert)
    assert str(caught.value) == (
        "lora.modules_to_save: the base has no weights for bert.pooler.dense, and the adapter "
        "would not carry them: it would answer by chance wherever it is loaded\n"
        "  hint: modules_to_save: [bert.pooler.dense]"
    )
    settled = job(tmp_path, classified(6), lora={"modules_to_save": ["bert.pooler.dense"]})
    assert (
        "base_model.model.bert.pooler.dense.weight"
        in trainee(SlottedBase(lacking), settled, bert).tensors
    )


def test_a_slot_layer_answers_for_the_layer_it_stands_for(llama: Path, tmp_path: Path) -> None:
    slotted, _, _ = one(llama, tmp_path, rows=completions(6))
    layer = slotted.base.model.model.layers[0].self_attn.q_proj
    assert isinstance(layer, SlotLinear)
    assert (layer.in_features, layer.out_features) == (32, 32)
    assert layer.weight.dtype is torch.float32
    with pytest.raises(AttributeError):
        _ = layer.no_such_thing
    assert not isinstance(layer, SlotModule)
