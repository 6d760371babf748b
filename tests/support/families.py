"""Small random bases of every family that PEFT users tune, on torch's meta device."""

from __future__ import annotations

from functools import cache

from adapterctl.records.base import BaseShape
from adapterctl.training.inspect import context_length, linears

LAYERS = 2
_PLAIN = {
    "hidden_size": 16,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "vocab_size": 64,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
_GROUPED = _PLAIN | {"num_key_value_heads": 1, "head_dim": 8}
_GPT = {
    "n_embd": 16,
    "n_layer": LAYERS,
    "n_head": 2,
    "vocab_size": 64,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
_EXPERTS = {"num_experts": 2, "num_experts_per_tok": 2, "moe_intermediate_size": 8}
_FALCON = {
    "hidden_size": 16,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 2,
    "vocab_size": 64,
}

FAMILIES: dict[str, dict] = {
    "bert": _PLAIN,
    "roberta": _PLAIN,
    "xlm-roberta": _PLAIN,
    "electra": _PLAIN | {"embedding_size": 16},
    "mpnet": _PLAIN,
    "albert": _PLAIN | {"embedding_size": 8},
    "distilbert": {"dim": 16, "n_layers": LAYERS, "n_heads": 2, "hidden_dim": 32, "vocab_size": 64},
    "deberta": _PLAIN | {"relative_attention": True, "pos_att_type": ["p2c", "c2p"]},
    "deberta-v2": _PLAIN,
    "modernbert": _PLAIN | {"cls_token_id": 1, "sep_token_id": 2},
    "gpt2": _GPT,
    "gptj": _GPT | {"rotary_dim": 4},
    "gpt_bigcode": _GPT,
    "gpt_neo": {
        "hidden_size": 16,
        "num_layers": LAYERS,
        "num_heads": 2,
        "attention_types": [[["global", "local"], 1]],
        "vocab_size": 64,
    },
    "gpt_neox": _PLAIN,
    "opt": {
        "hidden_size": 16,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 2,
        "ffn_dim": 32,
        "vocab_size": 64,
        "word_embed_proj_dim": 8,
    },
    "bloom": {"hidden_size": 16, "n_layer": LAYERS, "n_head": 2, "vocab_size": 64},
    "mpt": {"d_model": 16, "n_heads": 2, "n_layers": LAYERS, "vocab_size": 64},
    "falcon": _FALCON,
    "phi": _PLAIN,
    "phi3": _PLAIN,
    "llama": _PLAIN,
    "mistral": _GROUPED,
    "qwen2": _GROUPED,
    "qwen3": _GROUPED,
    "gemma": _GROUPED,
    "gemma2": _GROUPED,
    "gemma3_text": _GROUPED,
    "starcoder2": _GROUPED,
    "t5": {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": LAYERS, "num_heads": 2},
    "mixtral": _GROUPED | {"num_local_experts": 2, "num_experts_per_tok": 2},
    "qwen2_moe": _GROUPED | _EXPERTS | {"shared_expert_intermediate_size": 8},
    "qwen3_moe": _GROUPED | _EXPERTS,
}
"""Family as ``config.json`` calls it, to the settings that make it small."""

DECODERS = tuple(
    family
    for family in FAMILIES
    if family
    not in {
        "bert",
        "roberta",
        "xlm-roberta",
        "electra",
        "mpnet",
        "albert",
        "distilbert",
        "deberta",
        "deberta-v2",
        "modernbert",
        "t5",
    }
)


def build(family: str, task: str = "SEQ_CLS"):
    """A fresh base for a task; its tensors have shapes and no values."""
    import torch
    import transformers

    from adapterctl.training.quiet import quiet

    kind = {
        "SEQ_CLS": transformers.AutoModelForSequenceClassification,
        "CAUSAL_LM": transformers.AutoModelForCausalLM,
    }[task]
    with quiet(), torch.device("meta"):
        return kind.from_config(transformers.AutoConfig.for_model(family, **FAMILIES[family]))


@cache
def shape(family: str, task: str = "SEQ_CLS") -> BaseShape:
    """What a plan knows of such a base, with a tokenizer of no consequence."""
    model = build(family, task)
    config = model.config.get_text_config()
    return BaseShape(
        family=family,
        architecture=type(model).__name__,
        hidden_size=config.hidden_size,
        layers=config.num_hidden_layers,
        vocabulary=config.vocab_size,
        context_length=context_length(model),
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        tokenizer_class="TokenizersBackend",
        tokenizer_kind="BPE",
        vocabulary_sha256="0" * 64,
        special_tokens={"eos_token": "</s>"},
        chat_template=None,
        linears=linears(model),
    )


def given_by_peft(family: str, task: str, lora) -> set[str]:
    """The modules that PEFT itself gives LoRA on such a base."""
    from peft.tuners.lora import LoraLayer

    from adapterctl.training.twin import PREFIX, inject, lora_config

    wrapped = inject(build(family, task), lora_config(lora, task=task), bare=True)
    modules = wrapped.named_modules()
    return {name.removeprefix(PREFIX) for name, module in modules if isinstance(module, LoraLayer)}
