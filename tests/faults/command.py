"""One command in a process of its own, and what it leaves: its exit code, what it said, processes and shared memory."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

Command = Callable[[], int]
"""Run in a process that is forked off, where torch and the compiler are loaded already."""

ROOT = Path(__file__).parents[2]
PR_SET_CHILD_SUBREAPER = 36
GRACE_S = 5.0
"""So long may processes take to end after the command that started them."""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int | None
    """Negative: by that signal; None: it was ended because its time was over."""
    said: str
    """What it wrote to both streams."""
    left: tuple[str, ...]
    """Processes and shared memory that outlived it."""


def fresh(*arguments: str) -> Command:
    """A command of a new interpreter: `python -m ...`."""

    def run() -> int:
        os.environ["PYTHONPATH"] = str(ROOT)
        os.execv(sys.executable, [sys.executable, *arguments])

    return run


@dataclass
class Running:
    """A command on its way, in a session of its own; its temporary files go to `folder`/tmp."""

    command: Command
    folder: Path
    pid: int = field(init=False)
    started: float = field(init=False)

    def __post_init__(self) -> None:
        (self.folder / "tmp").mkdir(exist_ok=True)
        self._before, self._shared = children(), shared_memory()
        ready, tell = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            _child(self.command, self.folder, tell)
        os.close(tell)
        os.read(ready, 1)
        os.close(ready)
        self.started = time.monotonic()

    def end(self, limit_s: float) -> Ended:
        """Wait for its end, and for that of what it started; what has not ended then is killed."""
        code = self._wait(limit_s)
        if code is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        left = tuple(f"process {pid}: {name_of(pid)}" for pid in self._others(0.0 if code is None else GRACE_S))
        for pid in self._others(0.0):
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        self._others(GRACE_S)
        left += tuple(f"/dev/shm/{name}" for name in sorted(self._shared_memory()))
        return Ended(code, (self.folder / "said").read_text(errors="replace"), left)

    def _wait(self, limit_s: float) -> int | None:
        while time.monotonic() - self.started < limit_s:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.005)
        return None

    def _shared_memory(self) -> set[str]:
        """What is left in shared memory, and is still so later: what other programs begin and end with is seen for a moment."""
        left, deadline = unused(shared_memory() - self._shared), time.monotonic() + GRACE_S
        while left and time.monotonic() < deadline:
            time.sleep(0.5)
            left = unused(left)
        return left

    def _others(self, patience_s: float) -> list[int]:
        """The processes that are left when all have ended or the patience has."""
        deadline = time.monotonic() + patience_s
        while True:
            others = children() - self._before
            for pid in others:
                with suppress(OSError):
                    os.waitpid(pid, os.WNOHANG)
            others = [pid for pid in children() - self._before if state_of(pid) != "Z"]
            if not others or time.monotonic() > deadline:
                return others
            time.sleep(0.02)


def _child(command: Command, folder: Path, tell: int) -> None:
    """What the forked process does; it never returns."""
    code = 1
    try:
        os.setsid()
        said = os.open(folder / "said", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for stream, source in ((0, os.open(os.devnull, os.O_RDONLY)), (1, said), (2, said)):
            os.dup2(source, stream)
        sys.stdout, sys.stderr = (open(stream, "w", buffering=1, closefd=False) for stream in (1, 2))  # noqa: SIM115
        os.environ["TMPDIR"] = tempfile.tempdir = str(folder / "tmp")
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # a shell has some ignored in what it starts in the background
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.chdir(folder)
        os.write(tell, b"1")
        os.close(tell)
        code = command()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(BaseException):
            sys.stdout.flush()
        os._exit(code)


@contextmanager
def adopting() -> Generator[None]:
    """Processes whose parents end become children of this one (Linux), so that none is overlooked."""
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        libc.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def children(parent: int | None = None) -> set[int]:
    """The processes that a process has started, and adopted."""
    wanted, found = str(parent or os.getpid()), set[int]()
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and _stat(int(entry.name))[1] == wanted:
                found.add(int(entry.name))
    return found


def state_of(pid: int) -> str:
    """Of a process that has gone: Z, as of one that nobody has waited for."""
    with suppress(OSError):
        return _stat(pid)[0]
    return "Z"


def name_of(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")[:100]
    return "gone"


def shared_memory() -> set[str]:
    return {path.name for path in Path("/dev/shm").iterdir()} if Path("/dev/shm").is_dir() else set()


def unused(names: set[str]) -> set[str]:
    """Those in shared memory that nothing has open: others are of programs at work."""
    left = names & shared_memory()
    for maps in Path("/proc").glob("[0-9]*/maps") if left else ():
        with suppress(OSError):
            text = maps.read_text()
            left = {name for name in left if f"/dev/shm/{name}" not in text}
    return left


def _stat(pid: int) -> list[str]:
    """State, parent and so on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
