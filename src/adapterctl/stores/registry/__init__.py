"""The door to ``registry/``: the truth, as small text files in git.

Reading needs nothing but this folder. Records are claimed by exclusive creation and never
rewritten; ledgers are only added to.

- `door`: `FolderRegistry`, what jobs see; `reading`: files of a project, by relative name;
  `recipes`: one with all that decides whether it can be honoured.
- `glances`: what was read of adapters, kept while their files stay the same.
"""

from __future__ import annotations

from adapterctl.stores.registry.door import RECIPE, FolderRegistry
from adapterctl.stores.registry.glances import KeptGlances
from adapterctl.stores.registry.reading import versions_in

__all__ = ["RECIPE", "FolderRegistry", "KeptGlances", "versions_in"]
