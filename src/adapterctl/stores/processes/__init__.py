"""The door to other processes: a user's function, run clean, JSON in and JSON out.

- `calling`: `call_entry_point`, `trace_entry_point`, and what their outcomes mean.
- `child`: the script on the other side; never imported.
"""

from __future__ import annotations

from adapterctl.stores.processes.calling import Traced, call_entry_point, trace_entry_point

__all__ = ["Traced", "call_entry_point", "trace_entry_point"]
