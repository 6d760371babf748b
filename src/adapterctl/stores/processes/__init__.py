"""The door to other processes: a user's function, run clean, and a user's trainer.

- `calling`: `call_entry_point`, `trace_entry_point`, and what their outcomes mean.
- `child`: the script on the other side; never imported.
- `streaming`: `stream`, a long command with a log.
- `launching`: `launch`, several commands at once.
"""

from __future__ import annotations

from adapterctl.stores.processes.calling import Traced, call_entry_point, trace_entry_point
from adapterctl.stores.processes.launching import Launched, launch
from adapterctl.stores.processes.streaming import Ended, stream, told_to_end

__all__ = [
    "Ended",
    "Launched",
    "Traced",
    "call_entry_point",
    "launch",
    "stream",
    "told_to_end",
    "trace_entry_point",
]
