"""
What the machine's limits take away, found out before libraries are loaded.

Where address space or threads run out, libraries raise no errors: they fail to load, abort, interrupt the program, or try
again for ever.
"""

from __future__ import annotations

import importlib
import os
import resource
import signal
import sys

from backends.system.threads import can_start
from ir.errors import CompileError

MIB = 1 << 20
BESIDE_TORCH = 1152 * MIB
"""Address space of everything but torch, with a margin: CMSF through Lava took 990 MiB."""
PER_THREAD = 128 * MIB
"""Address space of one thread in the pools of all libraries, its stack and heap; 112 MiB were measured."""
POOLS = 3
"""Libraries with a pool of threads: numpy, scipy, torch."""
LOADING_SECONDS = 60
"""Processor time after which torch will not be loaded any more; it takes two."""


def check_machine() -> None:
    """CompileError where limits (`ulimit`, control groups) leave what is not loaded yet too few threads or address space."""
    if "torch" in sys.modules:
        return
    threads = _threads()
    if not can_start(POOLS * threads):
        what = f"the libraries compute with {POOLS * threads} threads, and the system does not start so many"
        hint = "raise ulimit -u or the control group's limit, or set OMP_NUM_THREADS=1"
        raise CompileError("machine.threads", what, hint=hint)
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY:
        _check_address_space(limit, BESIDE_TORCH + PER_THREAD * threads)
        _take_product_buffers()


def shortage(error: BaseException, hint: str = "fewer --samples, or one --part") -> CompileError | None:
    """What a library says about threads or memory, as one error of ours; None where it is about anything else."""
    text = str(error) if isinstance(error, RuntimeError | MemoryError) else ""
    if "can't start new thread" in text:
        return CompileError("machine.threads", text, hint="raise ulimit -u or the control group's limit")
    if isinstance(error, MemoryError) or "can't allocate memory" in text:
        return CompileError("memory", ": ".join(filter(None, ("not enough memory", text))), hint=hint)
    return None


def _threads() -> int:
    """How many threads a library computes with."""
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    return int(wanted) if wanted.isdecimal() else len(os.sched_getaffinity(0))


def _check_address_space(limit: int, beside: int) -> None:
    torch = _address_space_with_torch()
    if torch is None or torch + beside > limit:
        need = "torch cannot be loaded in it" if torch is None else f"{(torch + beside) // MIB:,} MiB are needed"
        what = f"the address space is limited to {limit // MIB:,} MiB, and {need}"
        raise CompileError("machine.memory", what, hint="ulimit -v unlimited; control groups limit memory itself")


def _address_space_with_torch() -> int | None:
    """Bytes of a process that has loaded torch, whose builds differ by gigabytes; None where it cannot be loaded."""
    receiver, sender = os.pipe()
    child = os.fork()
    if child == 0:
        _load_torch(sender)
    os.close(sender)
    with os.fdopen(receiver, encoding="ascii") as pipe:
        pages = pipe.read()
    os.waitpid(child, 0)
    return int(pages) * resource.getpagesize() if pages else None


def _load_torch(sender: int) -> None:
    """Load torch and send how many pages this process has then; says nothing, and never returns."""
    try:
        signal.setitimer(signal.ITIMER_PROF, LOADING_SECONDS)
        silence = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):
            os.dup2(silence, stream)
        importlib.import_module("torch")
        with open("/proc/self/statm", encoding="ascii") as statm:
            os.write(sender, statm.read().split()[0].encode())
    finally:
        os._exit(0)


def _take_product_buffers() -> None:
    """Let numpy's products have their buffers while there is room; later, it would ask for them without end."""
    import numpy as np

    square = np.ones((512, 512), np.float32)
    _ = square @ square
