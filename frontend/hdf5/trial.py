"""
HDF5 on bytes that may be damaged: tried in a child process first.

The HDF5 library checks no sums on the structures that h5py writes by default. On flipped bytes it may run in circles (seen:
a text whose length was overwritten, one in some thousands of mutated files) or allocate without measure, in C, where nothing
in this process can stop it. A forked child reads the file under limits of time and memory; only what it could read is read here.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import resource
import select
import signal
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from frontend.hdf5.tree import largest_tree
from ir.errors import CompileError

SECONDS, BYTES_PER_SECOND = 10, 2_000_000
"""Processor time that a file may take, and a second more for so many bytes: a hundred times what sound files take."""
STOPPED_SECONDS = 10
"""How long the child may be stopped (SIGSTOP)."""
MEMORY = 1 << 30
"""Bytes that a read may take beside the arrays."""
LONGEST = 4000
"""Characters of a message: a pipe takes this much at once."""

Content = TypeVar("Content")


def read_after_trial(path: Path, read: Callable[[], Content]) -> Content:
    """What `read` makes of the file, once it has come to its end in a child process; CompileError as `trial`."""
    trial(path, read, 2 * largest_tree(path.stat().st_size))
    return read()


def trial(path: Path, read: Callable[[], object], memory: int) -> None:
    """
    Call `read` in a child process that may take `memory` bytes beyond `MEMORY`, and forget what it returns.

    Raises:
        CompileError: the one that `read` raises, or `nir.file` where it does not come to an end.
    """
    seconds = SECONDS + path.stat().st_size // BYTES_PER_SECOND
    receiver, sender = os.pipe()
    waiting, go = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 on threads: the child calls nothing but HDF5
        child = os.fork()
    if child == 0:
        os.close(receiver)
        os.close(go)
        _child(read, waiting, sender, seconds, MEMORY + memory)
    os.close(sender)
    os.close(waiting)
    answer, status = _ended(child, go, receiver)
    if status != 0:
        raise CompileError("nir.file", _death(status, seconds))
    if answer:
        rule, what, hint = json.loads(answer)
        raise CompileError(rule, what, hint=hint)


def _ended(child: int, go: int, receiver: int) -> tuple[bytes, int]:
    """What the child sends once it may go until it ends, and its status; whatever happens, it does not outlive this call."""
    try:
        with os.fdopen(receiver, "rb") as pipe:
            with contextlib.suppress(BrokenPipeError):  # it has been killed, as its status says
                os.write(go, b"!")
            os.close(go)
            _wait_while_it_goes_on(child, receiver)
            answer = pipe.read()
    except BaseException:
        os.kill(child, signal.SIGKILL)
        raise
    finally:
        _, status = os.waitpid(child, 0)
    return answer, status


def _wait_while_it_goes_on(child: int, receiver: int) -> None:
    """Until the child sends something or ends; CompileError where it is stopped for long, which its own limits do not see."""
    poll, stopped = select.poll(), 0
    poll.register(receiver, select.POLLIN)
    while not poll.poll(1000):
        halted = os.waitid(os.P_PID, child, os.WSTOPPED | os.WNOHANG | os.WNOWAIT) is not None
        stopped = stopped + 1 if halted else 0
        if stopped >= STOPPED_SECONDS:
            what = f"the process that tries to read it has been stopped (SIGSTOP) for {stopped} s"
            raise CompileError("nir.file", what, hint="run it again")


def _death(status: int, seconds: int) -> str:
    reason = (
        f"within {seconds} s of processor time"
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGPROF
        else "without crashing"
    )
    return f"not a readable HDF5 file: the HDF5 library cannot read it {reason}"


def _child(read: Callable[[], object], waiting: int, sender: int, seconds: int, memory: int) -> None:
    """Read within the limits, once the parent watches, and send the error, if there is one; never returns."""
    answer: tuple[str, str, str] | None = None
    try:
        if not os.read(waiting, 1):  # the parent was interrupted between the fork and its watch, and has ended
            return
        faulthandler.disable()
        _limit(seconds, memory)
        read()
    except CompileError as error:
        answer = (error.rule, error.what[:LONGEST], error.hint[:LONGEST])
    except BaseException as error:
        answer = ("nir.file", f"not a readable HDF5 file: {type(error).__name__} {error}"[:LONGEST], "")
    finally:
        if answer is not None:
            os.write(sender, json.dumps(answer).encode())
        os._exit(0)


def _limit(seconds: int, memory: int) -> None:
    """End this process after so many seconds of processor time, and let it take so many bytes beyond what it has."""
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + memory
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    if hard == resource.RLIM_INFINITY or limit < hard:
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
