"""Property tests of the rules: no deadline on a busy machine, the same examples every time."""

from hypothesis import settings

settings.register_profile("rules", deadline=None, derandomize=True)
settings.load_profile("rules")
