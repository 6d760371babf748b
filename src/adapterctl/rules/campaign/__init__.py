"""A deprecation as a whole: what moves off a base, how far each is, and when all have moved.

- `readiness`: the version that serves, and whether a candidate may take its place.
- `promotions`: what a release moved, and what stays.
- `states`: done, running, blocked, waiting, waived, retired.
- `pace`: whether the last one moves before the base ends.
"""
