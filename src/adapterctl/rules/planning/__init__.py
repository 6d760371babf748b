"""The rebuild plan: what would change, what it would cost, what blocks it.

`plans` is the plan; `differences`, `estimates` and `runways` are its parts, `trainer_plans` is the
one of a team's own trainer.
"""
