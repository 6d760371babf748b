"""What each verb does: fetch through stores, ask rules, write back; one verb per file.

What several verbs share:

- `project`: where a job runs, with the doors of its stores.
- `base_folder`: where a base lies, and whether it is still itself; `base_entry`: its file.
- `sources` (read and checked) -> `pinning` (the five) -> `building` (trained, evaluated) ->
  `filing` (bytes, record, mirror).
- `recipe_code`: the files that a recipe needs. `command_training`: a team's own trainer, run;
  `trainer_inputs` is what it is handed, `trainer_output` what it leaves.
- `retention` looks how long buckets keep the data.
- `effect` refuses what does nothing; `probe` keeps a few answers; `environment_lock` the lock.
- `clean_room`: a project laid out from one record alone. `capsule`: what a run elsewhere left,
  written by `callback`. `journal`: steps of a job that may be killed.
- `importing` adopts folders that `import_sources` and `manifest` name, as far as `adapter_folder`
  makes them out; `hosted` adopts what has no weights.
- `stages`: dvc.yaml. `survey`: how every adapter stands. `api`, `load`: the same from Python.
"""
