"""
Runs a network under Lava's runtime so that nothing can hang, and nothing is left behind whatever happens.

Lava alone cannot: an exception in a child's step, a killed child or Ctrl-C leaves `run` or `stop` waiting for ever, children
without a parent and shared memory in /dev/shm. Here the run is polled with a deadline on its progress; at the end, and after
every failure, the children are terminated and the ports joined. Channels and results live in nameless shared memory
(`shared_memory`), so terminating a child loses nothing and leaves nothing. What Lava leaves in this process, a log handler per
process and a global list of processes, is taken back.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import queue
import time
import warnings
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any

from backends.lava.runtime.children import is_stopped, quiet_children
from backends.lava.runtime.shared_memory import ChannelMemory, Status
from backends.system.interrupts import interrupts_deferred
from ir.errors import CompileError

if TYPE_CHECKING:
    from lava.magma.core.process.process import AbstractProcess

CHANNEL_SIZE = 4
"""Messages that a channel holds; Lava's default of 64 costs 19 MB per layer and gains nothing."""
STOPPED_S = 10.0
"""Seconds for which a process may be stopped (SIGSTOP)."""
_POLL_S = 0.005
_LONGEST_LOOK_S = 1.0
_LOGGERS = ("", "lava.magma.compiler.compiler")


def safe_run(
    network: AbstractProcess, models: Mapping[Any, type], steps: int, status: Status, deadline_s: float
) -> float:
    """
    Run `network`, and all that is connected to it, for `steps` steps; `models` names the processes' models.

    Returns the seconds that the steps took, without building, starting and ending the processes.

    Raises:
        CompileError: a process failed (`lava.process`), died (`lava.died`), was stopped (`lava.stopped`), or made no progress
            for `deadline_s` seconds (`lava.hang`); everything that was started has ended.
    """
    runtime = None
    try:
        with quiet_children(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the packages below Lava; the children inherit it
            runtime = _start(network, models)
            _watch_start(runtime, deadline_s)
        start = time.monotonic()
        _watch(runtime, steps, status, deadline_s)
        return time.monotonic() - start
    finally:
        if runtime is not None:
            _release(runtime)


@contextlib.contextmanager
def loggers_restored() -> Generator[None]:
    """Give the loggers that Lava adds handlers to those back that they had before."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    before = [list(logger.handlers) for logger in loggers]
    try:
        yield
    finally:
        for logger, handlers in zip(loggers, before, strict=True):
            logger.handlers[:] = handlers


@contextlib.contextmanager
def processes_forgotten() -> Generator[None]:
    """Forget Lava processes that are made inside, so that their arrays can be freed; loggers are restored too."""
    from lava.magma.core.process.process import ProcessServer

    processes = ProcessServer().processes
    count = len(processes)
    with loggers_restored():
        try:
            yield
        finally:
            del processes[count:]


def _start(network: AbstractProcess, models: Mapping[Any, type]) -> Any:
    """Compile the processes to a runtime that has not started anything."""
    from lava.magma.core.process.message_interface_enum import ActorType
    from lava.magma.core.run_configs import Loihi2SimCfg
    from lava.magma.runtime.runtime import Runtime

    config = Loihi2SimCfg(select_tag="fixed_pt", exception_proc_model_map=dict(models))
    executable = network.compile(config, {"pypy_channel_size": CHANNEL_SIZE})
    return Runtime(executable, ActorType.MultiProcessing)


def _watch_start(runtime: Any, deadline_s: float) -> None:
    """Fork the children and wait until every one is built: Runtime.initialize with a deadline."""
    try:
        runtime._build_watchdog_manager()
        runtime._messaging_infrastructure = _infrastructure()
        runtime._build_channels()
        runtime._build_sync_channels()
        runtime._build_processes()
        runtime._build_runtime_services()
        runtime._start_ports()
    except OSError as error:
        what = f"Lava's processes cannot be started: {error}"
        raise CompileError("lava.start", what, hint="free memory or processes") from None
    start, stopped = _Stopwatch(), _Stopwatch()
    for built in runtime.exception_q:
        error = _built(built, runtime, start, stopped, deadline_s)
        if error is not None:
            trace = getattr(error, "trace", "")
            raise CompileError("lava.process", f"a Lava process cannot be built: {error}\n{trace}".strip())
    runtime._is_initialized = True


def _infrastructure() -> Any:
    """Lava's message passing between processes, on memory that cannot be left behind."""
    from lava.magma.runtime.message_infrastructure.multiprocessing import MultiProcessing

    infrastructure: Any = MultiProcessing()
    infrastructure._smm = ChannelMemory()
    return infrastructure


def _built(built: Any, runtime: Any, start: _Stopwatch, stopped: _Stopwatch, deadline_s: float) -> Exception | None:
    """What a child says after building its model: None where all went well."""
    while True:
        try:
            return built.get(timeout=_POLL_S)
        except queue.Empty:
            _check_alive(runtime)
            _check_stopped(runtime, stopped)
        if start.look(True) > deadline_s:
            raise CompileError(
                "lava.hang", "the Lava processes did not start in time", hint="the machine may be overloaded"
            )


def _watch(runtime: Any, steps: int, status: Status, deadline_s: float) -> None:
    """Start the steps and poll until they are done."""
    from lava.magma.core.run_conditions import RunSteps

    runtime.start(RunSteps(num_steps=steps, blocking=False))
    answers = list(runtime.service_to_runtime)
    done, idle, stopped = 0, _Stopwatch(), _Stopwatch()
    while not all(port.probe() for port in answers):
        time.sleep(_POLL_S)
        before, done = done, status.step
        seconds = idle.look(done == before)
        _check_failure(runtime, status)
        _check_alive(runtime)
        _check_stopped(runtime, stopped)
        if seconds > deadline_s:
            what = f"no progress for {deadline_s:g} s after step {done} of {steps}: a Lava process hangs"
            raise CompileError(
                "lava.hang", what, hint="the machine may be overloaded; --target gpu computes the same integers"
            )
    _check_failure(runtime, status)
    runtime._is_running = False


class _Stopwatch:
    """For how long something lasts, to one who looks often: while this process itself is stopped (Ctrl-Z), it stands still."""

    def __init__(self) -> None:
        self._seconds, self._last = 0.0, time.monotonic()

    def look(self, lasts: bool) -> float:
        """The seconds by now; 0 where it does not last any more."""
        now = time.monotonic()
        self._seconds = self._seconds + min(now - self._last, _LONGEST_LOOK_S) if lasts else 0.0
        self._last = now
        return self._seconds


def _check_failure(runtime: Any, status: Status) -> None:
    failures = [status.failure] if status.failure else []
    failures += [actor.exception[1] for actor in runtime._messaging_infrastructure.actors if actor.exception]
    if failures:
        last_line = failures[0].strip().splitlines()[-1]
        raise CompileError("lava.process", f"a Lava process failed: {last_line}\n{failures[0]}")


def _check_alive(runtime: Any) -> None:
    for actor in runtime._messaging_infrastructure.actors:
        if not actor.is_alive() and not actor.exception:
            what = f"a Lava process died (exit code {actor.exitcode})"
            raise CompileError("lava.died", what, hint="was it killed, for instance for using too much memory?")


def _check_stopped(runtime: Any, stopped: _Stopwatch) -> None:
    if stopped.look(any(is_stopped(actor.pid) for actor in runtime._messaging_infrastructure.actors)) > STOPPED_S:
        what = f"a Lava process has been stopped (SIGSTOP) for {STOPPED_S:g} s"
        raise CompileError("lava.stopped", what, hint="whoever stopped it must let it go on: kill -CONT")


def _release(runtime: Any) -> None:
    """End all children and ports of a runtime; interrupts wait until that is done."""
    with interrupts_deferred():
        infrastructure = runtime._messaging_infrastructure
        actors: list[Any] = infrastructure.actors if infrastructure is not None else []
        for actor in actors:  # of all ends the one that a stopped process obeys; there is nothing to clear away
            actor.kill()
        for actor in actors:
            multiprocessing.Process.join(actor, timeout=5)
        for port in runtime._open_ports:
            port.join()
        runtime._open_ports.clear()
        runtime._watchdog_manager.stop()
        runtime._is_started = runtime._is_running = False
        for process in runtime._executable.proc_builders:
            process.runtime = None  # else Lava stops the finished runtime again when the process is collected
