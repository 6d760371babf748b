"""Adapters for the tiny bases, written by PEFT itself: random, but strong enough to be felt."""

from __future__ import annotations

from pathlib import Path


def tiny_adapter(
    folder: Path,
    base: Path,
    *,
    task: str,
    num_labels: int = 3,
    seed: int = 7,
    embeddings: bool = False,
    **lora,
) -> Path:
    """A LoRA adapter with every trained tensor drawn from ``seed``; the global state stays."""
    import torch
    import transformers
    from peft import LoraConfig, get_peft_model

    settings = {"r": 4, "lora_alpha": 16, "target_modules": "all-linear"} | lora
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if task == "SEQ_CLS":
            kind, extra = (
                transformers.AutoModelForSequenceClassification,
                {"num_labels": num_labels},
            )
        else:
            kind, extra = transformers.AutoModelForCausalLM, {}
        model = kind.from_pretrained(str(base), dtype="float32", **extra)
        adapted = get_peft_model(model, LoraConfig(task_type=task, **settings))
        for _, parameter in adapted.named_parameters():
            if parameter.requires_grad:
                parameter.data.normal_(0.0, 0.3)
        adapted.save_pretrained(str(folder), save_embedding_layers=embeddings)
    return folder
