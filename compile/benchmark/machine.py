"""The machine and the libraries behind a measurement, as far as they decide its speed."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from pathlib import Path

from compile.version import installed

FLAGS = ("avx2", "avx512f", "avx_vnni", "avx512_vnni", "avx512_bf16", "amx_int8", "asimd", "asimddp", "i8mm")
"""Instruction sets that the kernels know how to use."""
PACKAGES = ("torch", "numpy", "numba", "spikingjelly", "norse", "snntorch", "sinabs", "lava-nc")


def machine() -> dict[str, str]:
    """What is known, in words: processor, instruction sets, cores, load, memory, GPU, versions."""
    import torch

    from backends.reference.kernels.int8 import is_exact

    facts = _cpu_facts()
    flags = (facts.get("flags") or facts.get("Features", "")).split()
    described = {
        "CPU": facts.get("model name") or platform.processor() or platform.machine(),
        "instructions": " ".join(flag for flag in FLAGS if flag in flags),
        "int8 products": "exact" if is_exact() else "not exact here, not used",
        "cores": str(cores()),
        "load": _load(),
        "memory": _memory(),
        "GPU": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
        "threads": "1",
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
    }
    return {**described, **installed(PACKAGES)}


def _cpu_facts() -> dict[str, str]:
    """The first processor's lines in /proc/cpuinfo; empty where there is no such file."""
    with suppress(OSError):
        first = Path("/proc/cpuinfo").read_text().split("\n\n")[0]
        pairs = (line.partition(":") for line in first.splitlines())
        return {key.strip(): value.strip() for key, _, value in pairs}
    return {}


def cores() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _load() -> str:
    """Running processes on average over the last minute when the benchmark began or was written."""
    with suppress(OSError):
        return f"{os.getloadavg()[0]:.1f}"
    return "unknown"


def _memory() -> str:
    with suppress(OSError, ValueError):
        return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB"
    return "unknown"
