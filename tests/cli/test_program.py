"""The program as a process: what it leaves alone while it runs and when it ends."""

from __future__ import annotations

import subprocess
import sys

SAYS = """
import atexit, gc
# What is registered first is called last.
atexit.register(lambda: print("frozen at the end:", gc.get_freeze_count() > 1_000))
from adapterctl.__main__ import OBJECTS_BETWEEN_COLLECTIONS, main
import sys
sys.argv[1:] = ["--version"]
try:
    main()
finally:
    print("seldom:", gc.isenabled() and gc.get_threshold()[0] == OBJECTS_BETWEEN_COLLECTIONS)
    print("frozen while it runs:", gc.get_freeze_count() > 0)
"""


def test_cycles_are_looked_for_seldom_and_not_at_the_end() -> None:
    told = subprocess.run([sys.executable, "-c", SAYS], capture_output=True, text=True, check=True)
    assert told.stdout.splitlines()[1:] == [
        "seldom: True",
        "frozen while it runs: False",
        "frozen at the end: True",
    ]
