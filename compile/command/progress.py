"""Progress on the error stream: one line per stage with its time, a bar where a stage is long."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress

from compile.command.signals import raise_pending
from compile.version import version
from ir.errors import printable


class ErrorStream(io.TextIOBase):
    """Stands for the error stream where code of users runs, which may close it: the stream itself stays open."""

    def write(self, s: str, /) -> int:
        return sys.stderr.write(s)

    def flush(self) -> None:
        sys.stderr.flush()

    def isatty(self) -> bool:
        return sys.stderr.isatty()

    def fileno(self) -> int:
        return sys.stderr.fileno()


def announce(what: str) -> None:
    """Say on the error stream what begins, before libraries load, which takes seconds."""
    with suppress(OSError):  # a log on a full disk is no reason to fail
        print(f"spike-compile {version()}: {printable(what)}", file=sys.stderr, flush=True)


def note(what: str) -> None:
    """Say on the error stream what happened to a run that goes on; a bar that stands there moves down."""
    from tqdm import tqdm

    with suppress(OSError, ValueError):  # as in `Progress`
        tqdm.write(f"  {what}", file=sys.stderr)


class Progress:
    """Records how long each stage took, and says so while it happens unless `quiet`."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self.seconds: dict[str, float] = {}
        self._stage, self._lap = "", 0.0

    @contextmanager
    def stage(self, name: str) -> Generator[None]:
        """Time a stage; its name appears when it starts, its duration when it ends. It does not start after a request to end."""
        raise_pending()
        self._say(f"  {name} ...", end="")
        start = time.perf_counter()
        self._stage, self._lap = name, start
        try:
            yield
        except BaseException:
            self._say("")
            raise
        self._add(name, time.perf_counter() - start)
        self._say(f" {self.seconds[name]:.1f} s")

    def note(self, text: str) -> None:
        """Say how the running stage goes on, on a line of its own."""
        self._say(f"\n    {text} ...", end="")

    def lap(self, name: str) -> None:
        """Record what the running stage did since it began, or since its last lap, as "stage: name"; says nothing."""
        now = time.perf_counter()
        self._add(f"{self._stage}: {name}", now - self._lap)
        self._lap = now

    def _add(self, name: str, seconds: float) -> None:
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds

    def _say(self, text: str, end: str = "\n") -> None:
        if not self.quiet:
            with suppress(
                OSError, ValueError
            ):  # a log on a full disk is no reason to fail, nor is one that somebody closed
                print(printable(text), end=end, file=sys.stderr, flush=True)
