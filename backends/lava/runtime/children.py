"""
The manners of child processes: they leave Ctrl-C to the parent, die with it, compute in one thread each, and may be as many as
its files allow.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import Generator

from threadpoolctl import ThreadpoolController

from backends.system.interrupts import interrupts_deferred
from backends.system.threads import can_start
from ir.errors import CompileError

DESCRIPTORS_PER_PROCESS = 6
"""File descriptors that a Lava process costs the parent and every later child."""
DESCRIPTORS_BESIDE = 16
"""For files that are open for a moment only."""
THREADS_PER_PROCESS = 12
"""Threads, itself among them, that a Lava process takes: 3 to 8, the host's up to 21."""
_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)


def start_by_forking() -> None:
    """Make children forks, as Lava needs; its first import fails where anything has chosen a way before."""
    if "lava.magma.runtime.message_infrastructure.multiprocessing" not in sys.modules:
        multiprocessing.set_start_method(None, force=True)
        importlib.import_module("lava.magma.runtime.message_infrastructure.multiprocessing")
    multiprocessing.set_start_method("fork", force=True)


def check_limits(processes: int) -> None:
    """Allow the file descriptors that so many Lava processes need; CompileError where the machine allows too few, or threads."""
    processes += 1  # Lava's own
    needed = len(os.listdir("/proc/self/fd")) + DESCRIPTORS_BESIDE + DESCRIPTORS_PER_PROCESS * processes
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        if hard != resource.RLIM_INFINITY and hard < needed:
            what = f"{processes} Lava processes need about {needed} open files, limit {hard}"
            raise CompileError("lava.processes", what, hint=f"ulimit -n {needed}")
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
    if not can_start(THREADS_PER_PROCESS * processes):
        what = f"{processes} Lava processes need about {THREADS_PER_PROCESS * processes} threads, which the system does not start"
        raise CompileError("lava.processes", what, hint="raise ulimit -u or the control group's limit")


def is_stopped(process: int) -> bool:
    """Whether a child process is stopped, as by SIGSTOP; one that has ended is not."""
    with contextlib.suppress(ChildProcessError):
        return os.waitid(os.P_PID, process, os.WSTOPPED | os.WNOHANG | os.WNOWAIT) is not None
    return False


@contextlib.contextmanager
def quiet_children() -> Generator[None]:
    """
    Children forked meanwhile ignore Ctrl-C and die with the parent (Linux), whatever ends it; each computes in one thread.

    Processes in step with each other that wait for pools of threads are ten times slower; a pool that the parent has used may
    hang in a child, which has none of its threads.
    """
    _register_fork_hook()
    _Forking.pools = ThreadpoolController()
    _Forking.active = True
    try:
        with interrupts_deferred():
            yield
    finally:
        _Forking.active = False


class _Forking:
    """Whether processes forked now are children of a run; hooks on fork cannot be taken back, so they ask."""

    active = False
    registered = False
    pools: ThreadpoolController | None = None


def _register_fork_hook() -> None:
    if not _Forking.registered:
        os.register_at_fork(after_in_child=_behave)
        _Forking.registered = True


def _behave() -> None:
    """What a child does first."""
    if not _Forking.active:
        return
    for number in (signal.SIGTERM, signal.SIGHUP):  # the parent may unwind at them; a child just ends
        signal.signal(number, signal.SIG_DFL)
    if os.uname().sysname == "Linux":
        ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if _Forking.pools is not None:
        _Forking.pools.limit(limits=1)
