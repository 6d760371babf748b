"""One door per outside thing, named after it. A store does not know another store but `files`.

- `registry`: ``registry/``, the truth. `dvc`: the bytes. `mlflow`: the mirror. `git`, `hub`.
- `safetensors`: identity of weights, read without torch. `rows`: data files.
- `code`: import closures. `processes`: a user's function in a clean process.
- `files`: writing whole or not at all.
"""
