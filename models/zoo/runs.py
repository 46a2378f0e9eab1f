"""
Results of long runs, kept one JSON object per line, and the runs that have none yet.

Every run is a process with one thread, whose files lie in a folder. A run that was interrupted goes on from its state; one whose
log has test metrics is not repeated.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from models.training.run_files import RunFiles, read_json_lines, write_json_lines

Outcome = dict[str, float] | str
"""Metrics, or why there are none."""
PAUSE = 0.2
"""Seconds between looks at what runs."""


class LongRun(Protocol):
    """Something that takes minutes or hours."""

    @property
    def name(self) -> str:
        """A name for its files."""
        ...

    def content(self) -> dict[str, Any]:
        """What it is, as JSON."""
        ...

    def command(self, files: RunFiles) -> list[str]:
        """The process that does it, or goes on with it."""
        ...

    def measured(self, files: RunFiles) -> Outcome | None:
        """What it came to, or why that cannot be known; None where it is still to be done."""
        ...


AnyRun = TypeVar("AnyRun", bound=LongRun)


def read_results(path: Path, of: Callable[[Mapping[str, Any]], AnyRun]) -> dict[AnyRun, dict[str, float]]:
    """
    What `write_results` wrote, nothing where there is no such file; TrainingError as `read_json_lines`.

    Args:
        path: the file.
        of: makes a run from its `content`.
    """
    return dict(read_json_lines(path, lambda content: (of(content["run"]), dict(content["test"]))))


def write_results(path: Path, results: Mapping[AnyRun, Mapping[str, float]]) -> None:
    """Replace the file."""
    write_json_lines(path, ({"run": run.content(), "test": dict(test)} for run, test in results.items()))


def do_missing(runs: Sequence[AnyRun], folder: Path, jobs: int, ended: Callable[[AnyRun, Outcome], None]) -> None:
    """
    Do runs, `jobs` at once, and measure them one after the other.

    Args:
        runs: in order; one whose files another one is writing waits for it, and finds them.
        folder: where their files are, and what they print (`.txt`).
        jobs: processes at once, of one thread each.
        ended: called with every run and what it came to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    waiting, active = [*runs], dict[subprocess.Popen[bytes], AnyRun]()
    try:
        while waiting or active:
            while len(active) < jobs and (run := _free(waiting, active.values())):
                waiting.remove(run)
                if (outcome := run.measured(_files(run, folder))) is None:
                    active[_started(run, folder)] = run
                else:
                    ended(run, outcome)
            time.sleep(PAUSE)
            for process in [process for process in active if process.poll() is not None]:
                run = active.pop(process)
                outcome = None if process.returncode else run.measured(_files(run, folder))
                ended(run, outcome or f"failed, see {folder / run.name}.txt")
    finally:
        for process in active:
            process.terminate()  # its files are whole at every moment; an interrupt may be ignored in the background
        for process in active:
            process.wait()


def _free(waiting: Iterable[AnyRun], active: Iterable[LongRun]) -> AnyRun | None:
    """The first run whose files none is writing."""
    taken = {run.name for run in active}
    return next((run for run in waiting if run.name not in taken), None)


def _files(run: LongRun, folder: Path) -> RunFiles:
    return RunFiles(folder / f"{run.name}.pt")


def _started(run: LongRun, folder: Path) -> subprocess.Popen[bytes]:
    with (folder / f"{run.name}.txt").open("ab") as told:
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(run.command(_files(run, folder)), stdout=told, stderr=told, env=environment)
