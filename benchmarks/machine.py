"""What a figure was measured on: hardware, versions, commit. No names and no paths."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import resource
import subprocess
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
PACKAGES = ("torch", "transformers", "peft", "tokenizers", "mlflow", "dvc")


def facts() -> dict[str, Any]:
    """Returns processor, cores, memory in GiB, platform and the versions that matter."""
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "platform": f"{platform.system()}-{platform.machine()}".lower(),
        "python": platform.python_version(),
        **{name: _version(name) for name in PACKAGES},
    }


def commit() -> dict[str, Any]:
    """Returns the commit measured, and whether ``src`` differed from it."""
    return {
        "commit": _git("rev-parse", "HEAD"),
        "uncommitted_changes": bool(_git("status", "--porcelain", "--", "src")),
    }


def gpu() -> str | None:
    """Returns the name of the GPU that torch sees, if there is one."""
    import torch

    return str(torch.cuda.get_device_name()) if torch.cuda.is_available() else None


def load() -> float:
    """Returns how many processes wanted a core in the last minute, on average."""
    return round(os.getloadavg()[0], 1)


def cpu_seconds() -> float:
    """Returns the processor time of this process and of its children that have ended."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def peak_mib() -> int:
    """Returns the largest resident size so far of this process or one child, in MiB."""
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(one).ru_maxrss for one in who) // 1024


def _version(name: str) -> str | None:
    """Returns the installed version; a machine that only trains has neither mlflow nor dvc."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _cpu() -> str:
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found.group(1) if found else platform.machine()


def _git(*words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(REPOSITORY), *words], capture_output=True, text=True, check=False
    )
    return done.stdout.strip()
