"""One door per outside thing, named after it. A store does not know another store but `files`.

- `registry`: ``registry/``, the truth. `dvc`: the bytes. `mlflow`: the mirror. `git`, `hub`.
- `s3`: objects in buckets, their versions, and what deletes them.
- `catalogue`: bases and dates that come with the package.
- `tensor_lists`: what tells the same weights under another name.
- `safetensors`: identity of weights, read without torch. `rows`: data files.
- `code`: import closures. `processes`: a user's function in a clean process.
- `copies`: work shared with copies of this process.
- `chat`: a served adapter, at an OpenAI-compatible endpoint.
- `distributions`: what is installed. `pip`: package indexes. `pylock`: lock files.
- `files`: writing whole or not at all.
"""
