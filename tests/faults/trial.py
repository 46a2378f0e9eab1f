"""One trial: a seed, a folder, and what became of it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.faults.command import Command, Ended, Running

OUTCOMES = ("whole", "refused", "lost", "hung", "left behind")
BAD = frozenset(OUTCOMES[2:])
LIMIT_S = 120.0
"""No command of a trial takes so long, on a busy machine either."""
LONGEST = 8000
"""So many characters may an error have."""
REFUSED = frozenset({2, 3})


class Failure(Exception):
    """A trial that shows a mistake: its outcome, and why."""

    def __init__(self, outcome: str, why: str) -> None:
        super().__init__(outcome, why)
        self.outcome, self.why = outcome, why


@dataclass(frozen=True)
class Trial:
    """What a kind of fault draws from, and where."""

    rng: random.Random
    folder: Path
    limit_s: float = LIMIT_S

    def start(self, command: Command) -> Running:
        return Running(command, self.folder)

    def run(self, command: Command) -> Ended:
        return self.start(command).end(self.limit_s)


Kind = Callable[[Trial], str]
"""Does one trial; "whole" or "refused". Failure where it went wrong."""


def require(condition: object, outcome: str, why: str) -> None:
    if not condition:
        raise Failure(outcome, why)


def judged(ended: Ended, expected: frozenset[int]) -> str:
    """ "whole" for exit code 0, "refused" for one that is expected; Failure for everything else."""
    last = "; ".join(ended.said.strip().splitlines()[-3:])[-400:]
    require(ended.code is not None, "hung", f"no end in time: {last}")
    require("Traceback (most recent call last)" not in ended.said, "lost", f"a traceback: {last}")
    require(ended.code == 0 or ended.code in expected, "lost", f"exit code {ended.code}: {last}")
    require(len(ended.said) < LONGEST, "lost", f"an error of {len(ended.said)} characters")
    require(ended.code not in REFUSED or ended.said.strip(), "lost", f"exit code {ended.code} without a word")
    require(not ended.left, "left behind", ", ".join(ended.left))
    return "refused" if ended.code else "whole"


def outcome_of(kind: Kind, trial: Trial) -> tuple[str, str]:
    """The outcome of a trial, and why where it is a bad one."""
    try:
        return kind(trial), ""
    except Failure as failure:
        return failure.outcome, failure.why


def clean(folder: Path) -> None:
    """Failure where hidden or temporary files are left."""
    swept(folder)
    temporary = ", ".join(path.name for path in (folder / "tmp").iterdir())
    require(not temporary, "left behind", f"temporary files: {temporary}")


def swept(folder: Path) -> None:
    """Failure where files or folders of a run that did not end are left."""
    left = [path for path in folder.rglob("*") if path.name.startswith(".") or path.suffix in (".partial", ".part")]
    require(not left, "left behind", ", ".join(str(path.relative_to(folder)) for path in left))
