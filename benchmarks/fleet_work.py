"""The adapters that a fleet's makespan is measured on, and how each way trains them.

Run as ``python -m benchmarks.fleet_work WAY FOLDER``, it does one way's share in a process of its
own: ``script`` one adapter as a team's script would, ``solo`` several one after another with ours,
``fleet`` all of them in one run of ours. Every adapter is trained, written, loaded on the base and
asked the same messages.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from adapterctl.__main__ import collect_rarely

ROWS, GOLD = 847, 231
RATE, SEED = 1e-3, 17
MODULES = ["query", "key", "value", "dense"]
RANKS, BATCHES = (4, 8, 16, 32), (32, 32, 16, 32)
"""Each adapter has its own rank and batch, in turn."""
CUT, WHOLE = (64, 24, 48, 32), (128,)
"""And its own most tokens of a message; or enough for all: the longest message has 98."""


def write(
    folder: Path,
    base: Path,
    every: Sequence[dict[str, str]],
    *,
    rows: int,
    steps: int,
    longest: Sequence[int],
) -> None:
    """Writes one adapter's rows and settings, and where its base is.

    Args:
        folder: of this adapter; its name ends in its number.
        every: all messages with their intents.
        rows: how many it learns from.
        steps: at most so many; -1 for one epoch.
        longest: most tokens of a message, for each adapter in turn.
    """
    number = int(folder.name.rpartition("-")[2])
    start = number * 101
    # Rows stand sorted by intent: evenly spaced ones keep all of them.
    picked = [every[(start + row * len(every) // rows) % len(every)] for row in range(rows)]
    gold = [every[(start + 7 + row * len(every) // GOLD) % len(every)] for row in range(GOLD)]
    labels = sorted({row["category"] for row in every})
    folder.mkdir(parents=True)
    said = {
        "base": str(base),
        "labels": labels,
        "train": [{"text": row["text"], "label": row["category"]} for row in picked],
        "gold": [{"text": row["text"], "label": row["category"]} for row in gold],
        "rank": RANKS[number % 4],
        "max_length": longest[number % len(longest)],
        "batch": BATCHES[number % 4],
        "steps": steps,
    }
    (folder / "work.json").write_text(json.dumps(said), encoding="utf-8")


def main(arguments: Sequence[str]) -> int:
    """Does one way's share and says on stdout, as JSON, what came of it."""
    way, *folders = arguments
    if way != "script":
        # As the program does.
        collect_rarely()
    ways = {"script": script, "solo": solo, "fleet": fleet}
    answer = ways[way]([Path(folder) for folder in folders])
    print(json.dumps({"peak_mib": _peak_mib(), **answer}))
    return 0


def script(folders: list[Path]) -> dict[str, Any]:
    """Trains one adapter with ``transformers.Trainer`` and PEFT, and asks it."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        TrainingArguments,
    )

    [folder] = folders
    said = _read(folder)
    torch.manual_seed(SEED)
    tokenizer = AutoTokenizer.from_pretrained(said["base"])
    numbers = {label: number for number, label in enumerate(said["labels"])}

    def encoded(rows: list[dict[str, str]]) -> list[dict[str, Any]]:
        texts = [row["text"] for row in rows]
        ids = tokenizer(texts, truncation=True, max_length=said["max_length"])["input_ids"]
        pairs = zip(ids, rows, strict=True)
        return [{"input_ids": own, "labels": numbers[row["label"]]} for own, row in pairs]

    model = AutoModelForSequenceClassification.from_pretrained(
        said["base"], num_labels=len(numbers)
    )
    lora = LoraConfig(
        task_type="SEQ_CLS", r=said["rank"], lora_alpha=2 * said["rank"], target_modules=MODULES
    )
    trainer = Trainer(
        model=get_peft_model(model, lora),
        args=TrainingArguments(
            output_dir=str(folder / "script"),
            num_train_epochs=1,
            max_steps=said["steps"],
            per_device_train_batch_size=said["batch"],
            per_device_eval_batch_size=64,
            learning_rate=RATE,
            logging_steps=10,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            use_cpu=True,
            seed=SEED,
        ),
        train_dataset=encoded(said["train"]),
        data_collator=DataCollatorWithPadding(tokenizer),
    )
    loss = trainer.train().training_loss
    trainer.save_model(str(folder / "script" / "adapter"))
    gold = encoded(said["gold"])
    found = trainer.predict(gold).predictions.argmax(-1)
    right = sum(int(a) == b["labels"] for a, b in zip(found, gold, strict=True))
    return {"losses": [loss], "right": [right]}


def solo(folders: list[Path]) -> dict[str, Any]:
    """Trains adapters one after another, each with a base of its own."""
    told = [fleet([folder]) for folder in folders]
    return {key: [value for one in told for value in one[key]] for key in told[0]}


def fleet(folders: list[Path]) -> dict[str, Any]:
    """Trains adapters in one run, and asks all of them on one loaded base."""
    from adapterctl.training.learning.fleet import train
    from adapterctl.training.loading import load_base
    from adapterctl.training.rows.tokenizer import load_tokenizer

    base = Path(_read(folders[0])["base"])
    tokenizer = load_tokenizer(base)
    jobs = [_job(folder, tokenizer) for folder in folders]
    sizes = [0]
    results = train(jobs, base_dir=base, device="cpu", log=lambda _: sizes.append(_resident_mib()))
    loaded = load_base(
        base, task="SEQ_CLS", head_seed=0, device="cpu", num_labels=len(jobs[0].labels)
    )
    learned = came_of(results)
    right = [_asked(*each, loaded) for each in zip(folders, results, strict=True)]
    return {**learned, "right": right, "sizes": [max(sizes)]}


def came_of(results: Sequence[Any]) -> dict[str, list[Any]]:
    """Returns the mean loss of each result of a run, and the digest of its weights.

    Raises:
        AdapterctlError: what stopped one of them.
    """
    from adapterctl.training.learning.job import Trained

    told: dict[str, list[Any]] = {"losses": [], "digests": []}
    for result in results:
        if not isinstance(result, Trained):
            raise result.error
        losses = [float.fromhex(step.loss) for step in result.trail]
        told["losses"].append(sum(losses) / len(losses))
        told["digests"].append(result.trail[-1].weights_sha256)
    return told


def _job(folder: Path, tokenizer: Any) -> Any:
    from adapterctl.records.recipe import LoraSettings
    from adapterctl.training.learning.job import SlotJob
    from adapterctl.training.rows.text import encode_all

    said = _read(folder)
    return SlotJob(
        name=folder.name,
        task="SEQ_CLS",
        lora=LoraSettings(r=said["rank"], lora_alpha=2.0 * said["rank"], target_modules=MODULES),
        training=_settings(said),
        examples=encode_all(
            said["train"],
            task="SEQ_CLS",
            tokenizer=tokenizer,
            labels=said["labels"],
            max_length=said["max_length"],
        ),
        labels=said["labels"],
        work_dir=folder / "work",
        out_dir=folder / "adapter",
        base_name="all-MiniLM-L6-v2",
    )


def _settings(said: dict[str, Any]) -> Any:
    from adapterctl.records.recipe import TrainingSettings

    return TrainingSettings(
        num_train_epochs=1,
        max_steps=said["steps"],
        per_device_train_batch_size=said["batch"],
        per_device_eval_batch_size=64,
        learning_rate=RATE,
        max_length=said["max_length"],
        save_steps=10**6,
        seed=SEED,
    )


def _asked(folder: Path, result: Any, base: Any) -> int:
    """Returns how many messages an adapter answers rightly."""
    from adapterctl.training.asking.predict import Questions, predict

    said = _read(folder)
    asked = Questions(
        task="SEQ_CLS",
        rows=said["gold"],
        labels=said["labels"],
        settings=_settings(said),
        seed=SEED,
    )
    answers = predict(base, asked, adapter_dir=result.adapter, log=lambda _: None)
    return sum(answer.output == answer.reference for answer in answers)


def _read(folder: Path) -> dict[str, Any]:
    said: dict[str, Any] = json.loads((folder / "work.json").read_text(encoding="utf-8"))
    return said


def _resident_mib() -> int:
    """Returns how much memory this process holds now; 0 where the system does not say."""
    file = Path("/proc/self/statm")
    pages = int(file.read_text(encoding="ascii").split()[1]) if file.is_file() else 0
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20


def _peak_mib() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
