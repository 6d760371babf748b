"""The ladder of a rebuild: one module per rung, and `climbing`, which goes up until one passes.

A rung makes an `Attempt` of the `climb` so far: sources, and what training starts from. All end
in the same gate (`gate`). Which rungs there are is decided in ``rules.planning.ladder``.
"""
