"""A result of banking77 as a page to read; everything on it comes from the JSON beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.claims import as_lines

Result = dict[str, Any]


def page(result: Result) -> str:
    """Returns the result as Markdown."""
    return "\n".join(_lines(result)) + "\n"


def _lines(result: Result) -> Iterator[str]:
    data, on = result["data"], result["machine"]
    changed = ", with uncommitted changes" if result["uncommitted_changes"] else ""
    yield "# banking77: from a small base that dies to all-MiniLM-L6-v2"
    if not result["full"]:
        yield "\n**A quick look at a subset: not the benchmark's result.**"
    yield ""
    yield (
        f"{data['what'][0].upper()}{data['what'][1:]}: {data['train_rows']:,} training and "
        f"{data['gold_rows']:,} test messages, {data['intents']} intents; "
        f"{data['gold_rows_also_in_train']} test messages also occur in training."
    )
    yield (
        f"One run on {result['date']}, commit {result['commit'][:12]}{changed}; {on['cpu']}, "
        f"{on['cores']} cores, {on['memory_gib']} GiB; Python {on['python']}, "
        f"torch {on['torch']}, transformers {on['transformers']}, peft {on['peft']}."
    )
    yield from _quality(result)
    yield from _times(result)
    yield from _old_base(result)
    yield from _digests(result)
    yield "\n## What had to hold\n"
    yield from as_lines(result["checks"])


def _quality(result: Result) -> Iterator[str]:
    yield f"\n## Quality: {result['verdict']}\n"
    header = ["", "old adapter, old base", "MiniLM, untrained head", "rebuilt on MiniLM"]
    header += ["difference", "90 % interval", "margin", "verdict"]
    yield from _table(header, [_metric(metric) for metric in result["quality"]])
    flips = result["negative_flips"]
    yield ""
    yield (
        f"Right before and wrong now: {flips['flips']} of {flips['rows']:,} "
        f"({flips['rate']:.2%}; upper bound {flips['upper']:.2%}, limit {flips['limit']:.0%}): "
        f"{flips['verdict']}. The old adapter's answers were "
        f"{'computed again' if result['old_side'] == 'rerun' else 'taken from its record'}."
    )


def _metric(metric: Result) -> list[str]:
    low, high = metric["interval"]
    return [
        metric["name"],
        *(f"{metric[side]:.4f}" for side in ("old", "bare", "candidate")),
        f"{metric['difference']:+.4f}",
        f"{low:+.4f} to {high:+.4f}",
        f"{metric['margin']:g}",
        metric["verdict"],
    ]


def _times(result: Result) -> Iterator[str]:
    cores = result["machine"]["cores"]
    yield "\n## Time\n"
    built = ["build the old base", f"{result['old_base']['seconds']:,.1f}", "", ""]
    rows = [
        [each["name"], f"{each['seconds']:,.1f}", f"{each['cpu_seconds']:,.1f}", str(each["load"])]
        for each in result["stages"]
    ]
    yield from _table(["stage", "seconds", "processor seconds", "load at its end"], [built, *rows])
    yield ""
    yield (
        f"A load above {cores} means that other work shared the {cores} cores, and the seconds "
        f"are longer than on a machine of one's own. Largest process: {result['peak_mib']:,} MiB."
    )
    yield ""
    header = ["training of", "on", "steps", "tokens", "seconds", "trainable", "loss"]
    yield from _table(header, [_run(run) for run in result["training"]])


def _run(run: Result) -> list[str]:
    return [
        f"version {run['version']}",
        run["base"],
        f"{run['steps']:,}",
        f"{run['tokens']:,}",
        f"{run['seconds']:,.1f}",
        f"{run['trainable_parameters']:,}",
        f"{run['first_loss']:.3f} to {run['last_loss']:.3f}",
    ]


def _old_base(result: Result) -> Iterator[str]:
    base, settings = result["old_base"], result["settings"]
    yield "\n## What was compared\n"
    yield (
        f"The old base: a BERT of width {base['hidden_size']} and {base['layers']} layers, "
        f"{base['vocabulary']:,} words of its own, {base['parameters']:,} parameters, pre-trained "
        f"for {base['pretraining_steps']:,} steps on the training texts alone (loss "
        f"{base['first_loss']} to {base['last_loss']}). The successor: all-MiniLM-L6-v2."
    )
    yield (
        f"Both adapters: r 16, lora_alpha 32 on query, key, value and dense, batch "
        f"{settings['batch']}, learning rate {settings['learning_rate']} with linear decay, "
        f"{settings['epochs']} epochs, at most {settings['max_length']} tokens."
    )
    audit = result["audit"]
    yield (
        f"The audit found {audit['code']} (slack {audit['slack_days']} days) before the rebuild."
    )


def _digests(result: Result) -> Iterator[str]:
    again = result["reproduce"]
    yield "\n## Digests\n"
    for each in result["digests"]:
        yield f"- version {each['version']}: base `{each['base']}`"
        yield f"  - weights `{each['weights_sha256']}`"
        yield f"  - five sources `{each['inputs_digest']}`, recipe `{each['recipe_digest']}`"
    for name, sha256 in result["digests"][0]["data_sha256"].items():
        yield f"- data, {name}: `{sha256}`"
    same = "bit-identical" if again["identical"] else "**different**"
    yield (
        f"- version {again['version']} trained again in a clean process from an empty cache: "
        f"{same}, `{again['digest_rebuilt']}`"
    )


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    rule = ["---", *["---:"] * (len(header) - 1)]
    for line in (header, rule, *rows):
        yield f"| {' | '.join(line)} |"
