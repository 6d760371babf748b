"""The door to git, through its own program: where code stands, and who acts."""

from __future__ import annotations

from adapterctl.stores.git.checkout import checkout
from adapterctl.stores.git.facts import GitFacts, facts, is_repository, user

__all__ = ["GitFacts", "checkout", "facts", "is_repository", "user"]
