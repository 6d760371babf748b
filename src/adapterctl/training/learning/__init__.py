"""Training: slots on one frozen base, step by step.

`fleet` runs `job`s in `slots`, by `turns` and as `memory` allows; a `run` is one of them on its
way. A step: `schedule` and `order` (which rows), `passes` (which together), `batches`, `unpadded`,
`loss`, `layers`, `pairs`, `dropout` (what learns), `trainee`, `taught` (by a teacher),
`initial` (where it starts), `optimizers`, `muon`. `checkpoints` and `trail` make it certain;
`holdout` ends a trial early.
"""
