"""Does with an Axolotl-style YAML what Axolotl does: trains a LoRA adapter, and saves it."""

import json
import sys
from pathlib import Path

import torch
import yaml
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer


def main() -> None:
    verb, file = sys.argv[1:]
    config = yaml.safe_load(Path(file).read_text())
    rate = config["learning_rate"]
    if verb != "train" or not isinstance(rate, float):
        raise SystemExit(f"cannot {verb} with learning_rate {rate!r}")
    torch.manual_seed(config["seed"])
    tokenizer = AutoTokenizer.from_pretrained(config["base_model"])
    lora = LoraConfig(
        r=config["lora_r"],
        lora_alpha=config["lora_alpha"],
        target_modules=config["lora_target_modules"],
        task_type="CAUSAL_LM",
    )
    adapted = get_peft_model(AutoModelForCausalLM.from_pretrained(config["base_model"]), lora)
    [dataset] = config["datasets"]
    lines = Path(dataset["path"]).read_text().splitlines()
    optimizer = torch.optim.AdamW(adapted.parameters(), lr=rate)
    for number in range(config["max_steps"]):
        row = json.loads(lines[number % len(lines)])
        tokens = tokenizer(row["prompt"] + row["completion"], return_tensors="pt").input_ids
        loss = adapted(input_ids=tokens, labels=tokens).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    adapted.save_pretrained(config["output_dir"])


if __name__ == "__main__":
    main()
