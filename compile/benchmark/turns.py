"""Candidates that take turns, round by round, so that whatever else the machine does falls on all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from statistics import median
from typing import Any

TURN_SECONDS = 0.05
"""A turn repeats what is shorter, up to `MOST_REPEATS` times."""
MOST_REPEATS = 200


@dataclass(frozen=True)
class Times:
    """Candidate -> seconds of one call, in every round."""

    seconds: Mapping[str, tuple[float, ...]]

    def median(self, name: str) -> float:
        """Seconds of one call."""
        return median(self.seconds[name])

    def ratio(self, name: str, base: str) -> float:
        """How many times longer `name` takes than `base`: the median of the rounds' ratios."""
        return median(a / b for a, b in zip(self.seconds[name], self.seconds[base], strict=True))


class Stopwatch:
    """Makes a turn of a function: the seconds of one call, averaged over as many as fill `TURN_SECONDS`."""

    def __init__(self, run: Callable[[], Any]) -> None:
        self._run, self._repeats = run, 0

    def __call__(self) -> float:
        if not self._repeats:
            self._run()  # compiles kernels, lays out weights
            self._repeats = min(MOST_REPEATS, ceil(TURN_SECONDS / max(self._clocked(1), 1e-9))) or 1
        return self._clocked(self._repeats)

    def _clocked(self, repeats: int) -> float:
        start = time.perf_counter()
        for _ in range(repeats):
            self._run()
        return (time.perf_counter() - start) / repeats


def take_turns(turns: Mapping[str, Callable[[], float]], rounds: int) -> Times:
    """Every turn once per round, after one round that does not count; a turn returns its seconds (see `Stopwatch`)."""
    for turn in turns.values():
        turn()
    seconds = [{name: turn() for name, turn in turns.items()} for _ in range(rounds)]
    return Times({name: tuple(one[name] for one in seconds) for name in turns})


@contextmanager
def one_thread() -> Generator[None]:
    """One thread for torch and the BLAS libraries, as ratios on a machine with other work need it."""
    import torch
    from threadpoolctl import threadpool_limits

    from backends.reference.run.tiles import torch_threads

    with threadpool_limits(1), torch_threads(1), torch.no_grad():
        yield
