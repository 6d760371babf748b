"""The same bytes every time: what is set while training, and the facts that bound the claim.

On one class of hardware with one set of libraries, an adapter's bytes do not depend on the
process, the hash seed, where training was interrupted, what else is trained, or what
``OMP_NUM_THREADS`` says. They do depend on the instruction set (other instructions round
differently) and on the number of intra-op threads: ATen and MKL cut their work by it, and the last
bit moves with the cuts (seen in matrix products of few rows, softmax's backward, SiLU and GELU).
So the number of threads is fixed here, recorded with the version, and handed back to reproduce it.
"""

from __future__ import annotations

import importlib.metadata
import math
import os
import platform
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import torch

from adapterctl.errors import AdapterctlError, InvalidInput
from adapterctl.records.version import Environment
from adapterctl.rules.redaction import redacted

VARIABLES = (
    "ATEN_CPU_CAPABILITY",
    "CUBLAS_WORKSPACE_CONFIG",
    "CUDA_VISIBLE_DEVICES",
    "HF_ENDPOINT",
    "KMP_AFFINITY",
    "MKL_CBWR",
    "MKL_NUM_THREADS",
    "NVIDIA_TF32_OVERRIDE",
    "OMP_NUM_THREADS",
    "PYTHONHASHSEED",
    "TOKENIZERS_PARALLELISM",
)
"""Environment variables that are recorded, URLs in them without credentials; no other one is."""

_WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"


def resolve_device(wanted: str) -> str:
    """Returns ``cpu`` or ``cuda`` for ``auto``, ``cpu`` or ``cuda``.

    The first step towards a GPU: cuBLAS's workspace is fixed here, before anything asks CUDA for
    as much as the GPU's name.

    Raises:
        InvalidInput: another word, or ``cuda`` where torch sees no GPU.
        AdapterctlError: CUDA is in use already, without a fixed cuBLAS workspace.
    """
    if wanted not in {"auto", "cpu", "cuda"}:
        raise InvalidInput.one(
            f"no such device: {wanted!r}", place="--device", hint="auto, cpu or cuda"
        )
    if wanted == "cuda" and not torch.cuda.is_available():
        raise InvalidInput.one(
            "torch sees no GPU",
            place="--device",
            hint="use --device cpu, or install a torch built for CUDA and a driver for it",
        )
    if wanted == "cpu" or not torch.cuda.is_available():
        return "cpu"
    _fix_workspace()
    return "cuda"


def gpus() -> int:
    """Returns how many GPUs torch sees."""
    return int(torch.cuda.device_count())


def visible_gpus() -> list[str]:
    """Returns the GPUs that this process sees, as ``CUDA_VISIBLE_DEVICES`` names them."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    count = gpus()
    return named.split(",")[:count] if named else [str(number) for number in range(count)]


def cores() -> int:
    """Returns how many physical cores this process may use; what the thread count defaults to.

    Affinity and a container's quota count, hyper-threads and ``OMP_NUM_THREADS`` do not.
    """
    allowed = _allowed_cpus()
    siblings = {
        _read(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list") or cpu
        for cpu in allowed
    }
    quota, _, period = _read("/sys/fs/cgroup/cpu.max").partition(" ")
    limit = math.ceil(int(quota) / int(period)) if quota.isdigit() else len(siblings)
    return max(1, min(len(siblings), limit))


@contextmanager
def strict(device: str, *, threads: int) -> Iterator[None]:
    """Makes torch deterministic inside, and puts everything back.

    Full float32 (no TF32), no cuDNN search, deterministic algorithms or an error, a fixed number
    of intra-op threads. Kernels are launched as ever: nothing waits for the one before. The global
    random state is the caller's again afterwards.

    Raises:
        AdapterctlError: CUDA is in use already, without a fixed cuBLAS workspace.
    """
    with ExitStack() as undo:
        if device.startswith("cuda"):
            _fix_workspace()
            _pin_cuda(undo)
        undo.callback(torch.set_num_threads, torch.get_num_threads())
        undo.callback(torch.set_float32_matmul_precision, torch.get_float32_matmul_precision())
        undo.callback(
            torch.use_deterministic_algorithms,
            torch.are_deterministic_algorithms_enabled(),
            warn_only=torch.is_deterministic_algorithms_warn_only_enabled(),
        )
        fills = torch.utils.deterministic.fill_uninitialized_memory
        undo.callback(setattr, torch.utils.deterministic, "fill_uninitialized_memory", fills)
        undo.enter_context(torch.random.fork_rng(devices=_cuda_devices(device)))
        torch.set_num_threads(threads)
        torch.set_float32_matmul_precision("highest")
        torch.use_deterministic_algorithms(True)
        # Filling fresh memory with NaN finds reads of it; no operation used here makes any.
        torch.utils.deterministic.fill_uninitialized_memory = False
        yield


def environment(device: str, *, threads: int) -> Environment:
    """Returns what a version built on ``device`` with ``threads`` threads is built with."""
    on_gpu = device.startswith("cuda")
    return Environment(
        python=platform.python_version(),
        platform=f"{platform.system()}-{platform.machine()}".lower(),
        cpu_model=_cpu_model(),
        cpu_capability=torch.backends.cpu.get_cpu_capability(),
        threads=threads,
        device=torch.cuda.get_device_name() if on_gpu else "cpu",
        cuda=torch.version.cuda if on_gpu else None,
        driver=_driver() if on_gpu else None,
        deterministic=True,
        distributions=_distributions(),
        variables={name: redacted(os.environ[name]) for name in VARIABLES if name in os.environ},
    )


def cpu_vendor() -> str | None:
    """Returns the make of the processor, as it says itself; ``None`` where it cannot be asked."""
    return _of_cpu("vendor_id")


def _fix_workspace() -> None:
    if _WORKSPACE not in os.environ and torch.cuda.is_initialized():
        raise AdapterctlError(
            f"CUDA is already in use without {_WORKSPACE}: results would differ between runs",
            hint=f"start the process with {_WORKSPACE}=:4096:8",
        )
    os.environ.setdefault(_WORKSPACE, ":4096:8")


def _pin_cuda(undo: ExitStack) -> None:
    """Sets what cuDNN and cuBLAS may do, whatever it was before.

    cuDNN's attention takes no notice of `torch.use_deterministic_algorithms` in its backward pass
    (``_cudnn_attention_backward`` in ATen's ``attention_backward.cu``); the others do.
    """
    undo.enter_context(
        torch.backends.cudnn.flags(
            enabled=True, benchmark=False, deterministic=True, allow_tf32=False
        )
    )
    undo.callback(torch.backends.cuda.enable_cudnn_sdp, torch.backends.cuda.cudnn_sdp_enabled())
    torch.backends.cuda.enable_cudnn_sdp(False)
    products = torch.backends.cuda.matmul
    name = "allow_bf16_reduced_precision_reduction"
    undo.callback(setattr, products, name, getattr(products, name))
    setattr(products, name, True)


def _cuda_devices(device: str) -> list[int]:
    return list(range(torch.cuda.device_count())) if device.startswith("cuda") else []


def _allowed_cpus() -> list[int]:
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def _cpu_model() -> str:
    return _of_cpu("model name") or platform.processor() or platform.machine()


def _of_cpu(field: str) -> str | None:
    found = re.search(rf"^{field}\s*:\s*(.+)$", _read("/proc/cpuinfo"), re.MULTILINE)
    return found.group(1) if found else None


def _driver() -> str | None:
    found = re.search(r"Kernel Module.*?\s(\d+\.[\d.]+)", _read("/proc/driver/nvidia/version"))
    return found.group(1) if found else None


def _distributions() -> dict[str, str]:
    """Returns name to version; of two with one name, the one that is imported."""
    found: dict[str, str] = {}
    for each in importlib.metadata.distributions():
        if each.name:
            found.setdefault(_canonical(each.name), each.version)
    return found


def _canonical(name: str) -> str:
    """Returns the name as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return ""
