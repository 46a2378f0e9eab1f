"""Processes of this machine, each fed by a thread: one that dies or falls silent is replaced, and its work done again."""

from __future__ import annotations

import os
import pickle
import socket
import subprocess
import sys
from collections.abc import Callable, Generator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from queue import SimpleQueue
from threading import Lock
from typing import Any

from compile.command.progress import note
from compile.evaluation.worker_process import Failure, serve
from ir.errors import CompileError

SILENT_S = 30
"""A process that gives no sign of life for so long is stopped, or as good as that."""
ATTEMPTS = 3
"""So many processes may be lost in a row at one piece of work; it is what ends them then."""


class _WorkerProcess:
    """A process that computes, and what was sent to it last to be shared by calls."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        ours.settimeout(SILENT_S)
        code = f"import sys; sys.path[:] = {sys.path!r}; from {serve.__module__} import serve; serve({theirs.fileno()})"
        with ours, theirs:
            self._stream = ours.makefile("rwb")
            self._process = subprocess.Popen(
                [sys.executable, "-c", code],
                pass_fds=[theirs.fileno()],
                env={**os.environ, "OMP_NUM_THREADS": "1"},  # NumPy's, too: there are as many processes as cores
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the command
            )
        self._shared: Any = None

    def ask(self, function: Callable[[Any, Any], Any], shared: Any, argument: Any) -> Any:
        """Make it compute `function(shared, argument)`; OSError, EOFError or UnpicklingError where it cannot."""
        message = pickle.dumps((function, None if shared is self._shared else shared, argument))
        pickle.dump(message, self._stream)
        self._stream.flush()
        self._shared = shared
        while (answer := pickle.load(self._stream)) is None:
            pass
        return pickle.loads(answer)

    def kill(self) -> int:
        """End it at once; how it ended, which may have been before, as `subprocess` says it."""
        self._process.kill()
        return self._process.wait()

    def release(self) -> None:
        """Close its end of the connection, which nobody uses any more."""
        with suppress(OSError):  # what was not sent yet cannot be
            self._stream.close()


class _Seat:
    """The place of one process at a time."""

    def __init__(self) -> None:
        self._lock, self._closed = Lock(), False
        self._process: _WorkerProcess | None = None

    def run(self, function: Callable[[Any, Any], Any], shared: Any, argument: Any) -> Any:
        """Compute `function(shared, argument)` in a process, and in another one where that is lost."""
        why = ""
        for _ in range(ATTEMPTS):
            process = self._seated()
            try:
                answer = process.ask(function, shared, argument)
            except (OSError, EOFError, pickle.UnpicklingError) as error:
                why = self._lost(process, error)
                continue
            if isinstance(answer, Failure):
                raise answer.error from RuntimeError(answer.traceback)
            return answer
        what = f"{ATTEMPTS} worker processes were lost at the same batch: the last one {why}"
        raise CompileError("cluster.worker", what, hint="where memory is short, leave --cluster out")

    def close(self) -> None:
        """End the process, and let no other one begin."""
        with self._lock:
            self._closed = True
            if self._process is not None:
                self._process.kill()

    def release(self) -> None:
        """Close the connection to the last process, when no thread asks it any more."""
        if self._process is not None:
            self._process.release()

    def _seated(self) -> _WorkerProcess:
        with self._lock:
            if self._closed:
                raise CancelledError
            self._process = self._process or _WorkerProcess()
            return self._process

    def _lost(self, process: _WorkerProcess, error: Exception) -> str:
        """Clear the seat, and say why, unless we ended the process ourselves."""
        with self._lock:
            code = process.kill()
            process.release()
            why = f"gave no sign of life for {SILENT_S} s" if isinstance(error, TimeoutError) else _ended(code)
            self._process = None
            if not self._closed:
                note(f"lost a worker process, which {why}")
            return why


@contextmanager
def processes(count: int) -> Generator[Callable[[Callable[[Any, Any], Any], Any, Any], Future[Any]]]:
    """
    What sends `function(shared, argument)` to one of so many processes; in the end they are killed, whatever they do.

    A process keeps what was shared last. The futures raise what the function raises, or CompileError where it ends its process.
    """
    seats = [_Seat() for _ in range(count)]
    free = SimpleQueue[_Seat]()
    for seat in seats:
        free.put(seat)

    def run(function: Callable[[Any, Any], Any], shared: Any, argument: Any) -> Any:
        seat = free.get()
        try:
            return seat.run(function, shared, argument)
        finally:
            free.put(seat)

    pool = ThreadPoolExecutor(count)
    try:
        yield partial(pool.submit, run)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for seat in seats:
            seat.close()
        pool.shutdown()
        for seat in seats:
            seat.release()


def _ended(code: int) -> str:
    return f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
