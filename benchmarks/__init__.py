"""What is measured, and against what: results lie in ``results/``, each with its machine.

- `banking77`: the whole chain on real data and one real base; ``python -m benchmarks.banking77``.
- `intents`: the project that it works in: data, recipe, commands.
- `small_bert`: the other base, pre-trained on the spot.
- `joining`: which bases that adapters state are found in the feeds, every pair to be read.
- `startup`, `fingerprint`: ratios against an empty Click program and against sha256sum.
- `pairs`: two commands measured in turn.
- `machine`: what a figure was measured on.
- `tables`: a result as a page to read.

``python -m benchmarks`` (``make bench``) runs every benchmark on its full data.
"""
