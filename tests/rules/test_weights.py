"""What weights are, told by names and shapes."""

from adapterctl.rules.weights import Tensor, contents

LAYER = "base_model.model.model.layers.{}.self_attn.{}"


def lora(layer: int, module: str, *, r: int, dtype: str = "F32") -> list[Tensor]:
    start = LAYER.format(layer, module)
    return [
        Tensor(f"{start}.lora_A.weight", dtype, [r, 32]),
        Tensor(f"{start}.lora_B.weight", dtype, [16, r]),
    ]


def test_rank_targets_and_size_of_a_lora_adapter():
    tensors = [t for n in range(2) for m in ("q_proj", "v_proj") for t in lora(n, m, r=8)]
    found = contents(tensors)
    assert (found.kind, found.tensors, found.parameters) == ("LoRA", 8, 4 * 8 * (32 + 16))
    assert (found.ranks, found.target_modules) == ({"8": 4}, {"q_proj": 2, "v_proj": 2})
    assert (found.dtypes, found.beside) == ({"F32": 8}, [])


def test_several_ranks_are_counted_each():
    tensors = [*lora(0, "q_proj", r=8), *lora(1, "q_proj", r=4), *lora(1, "v_proj", r=4)]
    assert contents(tensors).ranks == {"4": 2, "8": 1}


def test_a_head_that_was_saved_with_it_stands_beside():
    head = Tensor("base_model.model.classifier.weight", "F32", [3, 32])
    dora = Tensor(f"{LAYER.format(0, 'q_proj')}.lora_magnitude_vector", "F32", [16])
    found = contents([*lora(0, "q_proj", r=8), dora, head])
    assert (found.beside, found.kind) == (["classifier"], "LoRA")


def test_embeddings_and_names_of_other_tools_are_lora_too():
    embedding = [Tensor("base_model.model.wte.lora_embedding_A", "F32", [8, 64])]
    kohya = [Tensor("lora_unet_down_blocks_0_to_q.lora_down.weight", "F16", [4, 320])]
    assert (contents(embedding).ranks, contents(embedding).target_modules) == ({"8": 1}, {"wte": 1})
    assert contents(kohya).ranks == {"4": 1}


def test_plain_weights_are_not_lora():
    found = contents([Tensor("embed.weight", "BF16", [4, 2]), Tensor("scale", "F32", [])])
    assert (found.kind, found.ranks, found.target_modules) == ("not LoRA", {}, {})
    assert (found.beside, found.parameters) == (["embed", "scale"], 9)


def test_no_tensors_are_nothing():
    assert (contents([]).kind, contents([]).parameters) == ("not LoRA", 0)
