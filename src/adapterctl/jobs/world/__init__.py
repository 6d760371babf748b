"""What an audit asks of the world: is what versions need still there, and for how long.

One file for each place that is asked; `round` asks them all at once, each for a limited time. What
a place does not say is skipped with its reason, and the rest is still judged.

- `remote`: the DVC remote (`remote_in_s3` where it is a bucket); `buckets`: data that stay there.
- `bases`: the sources and mirrors of bases.
- `packages`: the package index.
- `directory`: who is in which team.
- `expiry`: on which days a bucket deletes; `asking`: many requests, none waited for too long.
"""
