"""
`python -m tests.faults [--hours H] [--seed N] [FAULT ...]`: faults at random, and what becomes of the commands; docs/reliability.md.

Without --hours, one trial of each kind that is named (default: all), with the seed N. With it, kinds drawn at random for so long, with the
seeds N, N + 1, ... A trial ends whole (the result that an undisturbed run has), refused (one error), or badly: lost (a file of the user's,
a mixed folder, a traceback, another exit code), hung (past its time), left behind (processes, shared memory, files). One that ends
badly is printed with the command that does it again, and makes the exit code 1. Moments are drawn as a part of the time that an
undisturbed run takes here: the same seed gives the same moment as far as the machine is as fast.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from tests.faults.command import adopting
from tests.faults.networks import one_thread
from tests.faults.trial import BAD, OUTCOMES, Kind, Trial, outcome_of


def main() -> int:
    one_thread()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import spikingjelly.activation_based.neuron  # noqa: F401 # pyright: ignore

        import compile.driver  # noqa: F401
        import models.training.command  # noqa: F401 (forked processes have torch, the compiler and the trainer)
        from tests.faults.kinds import KINDS

    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="Faults at random; 1 on any loss.")
    parser.add_argument("faults", nargs="*", metavar="FAULT", help=f"some of: {', '.join(KINDS)} (default: all)")
    parser.add_argument("--hours", type=float, help="go on for so long (default: one trial of each kind)")
    parser.add_argument("--seed", type=int, default=0, help="of the first trial (default: 0)")
    options = parser.parse_args()
    if unknown := set(options.faults) - set(KINDS):
        parser.error(f"no fault {min(unknown)!r}; there are {', '.join(KINDS)}")
    kinds = {name: KINDS[name] for name in options.faults or KINDS}
    if options.hours is None:
        return try_all(kinds, ((options.seed, name) for name in kinds))
    return try_all(kinds, drawn(list(kinds), options.seed, time.monotonic() + 3600 * options.hours))


def drawn(names: list[str], seed: int, deadline: float) -> Iterator[tuple[int, str]]:
    """Seeds, and the kind that each draws, until the time is over."""
    while time.monotonic() < deadline:
        yield seed, random.Random(seed).choice(names)
        seed += 1


def try_all(kinds: Mapping[str, Kind], trials: Iterable[tuple[int, str]]) -> int:
    """Do the trials, print what goes wrong at once and a table at the end; 1 where anything did."""
    found = Counter[tuple[str, str]]()
    with adopting():
        try:
            for seed, name in trials:
                with tempfile.TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True) as folder:
                    outcome, why = outcome_of(kinds[name], Trial(random.Random(f"{seed} {name}"), Path(folder)))
                found[name, outcome] += 1
                if outcome in BAD:
                    print(f"{outcome}: python -m tests.faults --seed {seed} {name}\n    {why}", flush=True)
        except KeyboardInterrupt:
            print("interrupted")
    print(table(found))
    return 1 if any(outcome in BAD for _, outcome in found) else 0


def table(found: Counter[tuple[str, str]]) -> str:
    """A row of each kind that was tried, and their sum."""
    names = list(dict.fromkeys(name for name, _ in found))
    rows = [(name, [found[name, outcome] for outcome in OUTCOMES]) for name in names]
    rows.append(("all", [sum(counts) for counts in zip(*(counts for _, counts in rows), strict=True)]))
    lines = [f"| fault | tried | {' | '.join(OUTCOMES)} |", "|---|" + "---|" * (len(OUTCOMES) + 1)]
    return "\n".join([*lines, *(f"| {name} | {' | '.join(map(str, (sum(row), *row)))} |" for name, row in rows)])


if __name__ == "__main__":
    sys.exit(main())
