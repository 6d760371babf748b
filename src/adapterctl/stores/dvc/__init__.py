"""The door to DVC: the bytes of data sets and artifacts, and whether they are still there.

A clean exit of DVC is no proof: everything that is fetched is hashed again with sha256.

- `store`: `DvcStore`, what jobs see.
- `digests`: md5 and sha256 of files in one reading.
- `pinning`: from a path of the workspace to its pin.
- `repository`: DVC itself, opened quietly, and what it says it tracks.
- `remotes`: where a remote is, as configured.
- `objects`: what a cache or remote holds; `transfer`: sent, and brought back with proof.
- `presence`: what a remote holds of what records pin, in one question.
"""

from __future__ import annotations

from adapterctl.stores.dvc.presence import listed, object_path
from adapterctl.stores.dvc.remotes import Remote
from adapterctl.stores.dvc.store import DvcStore

__all__ = ["DvcStore", "Remote", "listed", "object_path"]
