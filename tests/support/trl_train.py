"""Trains a LoRA adapter with TRL, as a team would: run by adapterctl, and by hand."""

import argparse
import json
from pathlib import Path

from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTConfig, SFTTrainer


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("base", "data", "out", "recipe"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--learning-rate", type=float, required=True)
    parser.add_argument("--seed", type=int, required=True)
    given = parser.parse_args()
    recipe = json.loads(given.recipe.read_text())["recipe"]
    rows = [json.loads(line) for line in given.data.read_text().splitlines()]
    trainer = SFTTrainer(
        AutoModelForCausalLM.from_pretrained(given.base),
        args=SFTConfig(
            output_dir=str(given.out),
            max_steps=recipe["training"]["max_steps"],
            per_device_train_batch_size=recipe["training"]["per_device_train_batch_size"],
            max_length=recipe["training"]["max_length"],
            learning_rate=given.learning_rate,
            seed=given.seed,
            logging_steps=1,
            use_cpu=True,
            bf16=False,
            report_to="none",
        ),
        train_dataset=Dataset.from_list(rows),
        processing_class=AutoTokenizer.from_pretrained(given.base),
        peft_config=LoraConfig(
            r=recipe["lora"]["r"],
            lora_alpha=recipe["lora"]["lora_alpha"],
            target_modules=recipe["lora"]["target_modules"],
            task_type="CAUSAL_LM",
        ),
    )
    trainer.train()
    trainer.save_model()


if __name__ == "__main__":
    main()
