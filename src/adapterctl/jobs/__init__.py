"""What each verb does: fetch through stores, ask rules, write back; one verb per file.

Rooms: `inputs` (the five sources, found and pinned), `trainers` (a team's own), `ladder` (of a
rebuild), `adopting` (the parts of an import), `world` (what the audit asks of all that lies
outside), `demo`.

What several verbs share:

- `project`: where a job runs, with the doors of its stores.
- `inputs.sources` (read and checked) -> `inputs.pinning` (the five) -> `building` (trained) ->
  `sides` (evaluated) -> `versions` (the record) -> `filing` (bytes, claim, mirror).
- `gates` refuse what would be an orphan. `effect` refuses what does nothing; `probe` keeps a few
  answers; `environment_lock` the lock; `trail_file` the steps.
- `clean_room`: a project laid out from one record alone. `capsule`: what a run elsewhere left,
  written by `callback`; `mlflow_run`: the same from MLflow.
- `journal`: steps of a job that may be killed; `locks`: taking turns; `works`: rebuilds that left
  a journal here.
- `survey`: how every adapter stands, by `glances` at their files; `lenient` reads on past what
  cannot be read. `subjects`: what an audit judged. `base_names`: how a base is called elsewhere;
  `tensor_lists`: which have the same weights.
- `stages`: dvc.yaml. `api`, `load`: reading from Python.
- `scoring`: a team's own scorer. `recorded`: predictions made elsewhere; `hosted_rebuild` lives
  by them.
"""
