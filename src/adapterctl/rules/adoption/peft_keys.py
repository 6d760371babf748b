"""Which keys ``adapter_config.json`` of a LoRA has, by PEFT release.

Facts of the fields of ``peft.LoraConfig`` at the tags of https://github.com/huggingface/peft,
v0.0.1 to v0.20.0: the releases in their order, and at each what came and what went.
"""

from __future__ import annotations

RELEASES: tuple[str, ...] = (
    "0.0.1", "0.0.2", "0.1.0", "0.2.0", "0.3.0", "0.4.0", "0.5.0", "0.6.0", "0.6.1", "0.6.2",
    "0.7.0", "0.7.1", "0.8.0", "0.8.1", "0.8.2", "0.9.0", "0.10.0", "0.11.0", "0.11.1", "0.12.0",
    "0.13.0", "0.13.1", "0.13.2", "0.14.0", "0.15.0", "0.15.1", "0.15.2", "0.16.0", "0.17.0",
    "0.17.1", "0.18.0", "0.18.1", "0.19.0", "0.19.1", "0.20.0",
)  # fmt: skip

CAME: dict[str, tuple[str, ...]] = {
    "0.0.1": (
        "bias", "enable_lora", "fan_in_fan_out", "inference_mode", "lora_alpha", "lora_dropout",
        "merge_weights", "peft_type", "r", "target_modules", "task_type",
    ),
    "0.1.0": ("base_model_name_or_path", "modules_to_save"),
    "0.3.0": ("init_lora_weights",),
    "0.4.0": ("auto_mapping", "layers_pattern", "layers_to_transform", "revision"),
    "0.6.0": ("alpha_pattern", "rank_pattern"),
    "0.7.0": ("loftq_config", "megatron_config", "megatron_core"),
    "0.8.0": ("use_rslora",),
    "0.9.0": ("use_dora",),
    "0.10.0": ("layer_replication",),
    "0.14.0": ("eva_config", "exclude_modules", "lora_bias"),
    "0.15.0": ("corda_config", "trainable_token_indices"),
    "0.16.0": ("qalora_group_size", "use_qalora"),
    "0.17.0": ("target_parameters",),
    "0.18.0": ("alora_invocation_tokens", "arrow_config", "ensure_weight_tying", "peft_version"),
    "0.19.0": ("lora_ga_config", "use_bdlora"),
    "0.20.0": ("monteclora_config", "velora_config"),
}  # fmt: skip

WENT: dict[str, tuple[str, ...]] = {"0.3.0": ("enable_lora", "merge_weights")}

COMMON: frozenset[str] = frozenset(
    {"auto_mapping", "base_model_name_or_path", "inference_mode", "peft_type", "peft_version"}
    | {"revision", "task_type"}
)
"""Fields of ``peft.PeftConfig`` itself, which every ``peft_type`` has."""
