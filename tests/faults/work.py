"""Commands that write files, run after run into one folder, and what they leave when nothing disturbs them."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.faults.command import Command, Running, fresh
from tests.faults.networks import THREE, compiles, measured_file, model_file, small_file, trains
from tests.faults.trial import LIMIT_S, judged

RUNS = 3
MINE = "mine.txt"
"""A file of the user's in the output folder."""
Contents = Mapping[str, bytes]


@dataclass(frozen=True)
class Work:
    """What writes into a folder."""

    make: Callable[[Path], Path]
    """Writes the file that is read."""
    command: Callable[[Path, Path, int], Command]
    """Of that file, the output folder, and the number of the run; each run differs from the one before."""


@dataclass(frozen=True)
class Undisturbed:
    """What one run leaves, and how long it takes."""

    before: Contents
    after: Contents
    timed: frozenset[str]
    """Files that are never twice the same: they hold times."""
    seconds: float


def contents(out: Path) -> Contents:
    """Every file, hidden ones too, without the user's."""
    files = {str(path.relative_to(out)): path for path in out.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items() if name != MINE}


def same(there: Contents, run: Contents, timed: frozenset[str]) -> bool:
    """Whether files are those of a run."""
    return there.keys() == run.keys() and all(there[name] == run[name] for name in there if name not in timed)


def place(out: Path, files: Contents) -> None:
    for name, data in files.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(data)


@cache
def undisturbed(name: str) -> tuple[Undisturbed, ...]:
    """The runs of a work, one after the other in one folder; done twice, once in a process's life."""
    with tempfile.TemporaryDirectory() as folder:
        first, second = (_runs(WORKS[name], Path(folder)) for _ in range(2))
    runs: list[Undisturbed] = []
    for (before, after, _), (_, again, seconds) in zip(first, second, strict=True):
        # rounded seconds of two runs may be the same by chance
        timed = frozenset(file for file in after if after[file] != again.get(file) or b"seconds" in after[file])
        runs.append(Undisturbed(before, after, timed, seconds))
    return tuple(runs)


def _runs(work: Work, folder: Path) -> list[tuple[Contents, Contents, float]]:
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "out").mkdir(parents=True)
    source, runs = work.make(folder), list[tuple[Contents, Contents, float]]()
    for number in range(RUNS):
        before, start = contents(folder / "out"), time.monotonic()
        ended = Running(work.command(source, folder / "out", number), folder).end(LIMIT_S)
        judged(ended, frozenset())
        runs.append((before, contents(folder / "out"), time.monotonic() - start))
    return runs


def _compile(*flags: str) -> Callable[[Path, Path, int], Command]:
    def command(source: Path, out: Path, number: int) -> Command:
        return compiles(source, "--samples", 2 + number, "--quiet", "--out", out, *flags)

    return command


def _fresh(source: Path, out: Path, number: int) -> Command:
    argv = ("-m", "compile", source, "--samples", 2 + number, "--quiet", "--out", out, "--target", "gpu")
    return fresh(*map(str, argv))


def _evaluate(*flags: str) -> Callable[[Path, Path, int], Command]:
    def command(source: Path, out: Path, number: int) -> Command:
        return compiles("evaluate", source, "--out", out, "--bits", 8 - number, *flags)

    return command


def _train(source: Path, out: Path, number: int) -> Command:
    """Goes on where this very run was killed; replaces what an earlier one left."""
    how = "--resume" if (out / "w.state").exists() and _seed(out) == number else "--force"
    return trains(source, "--epochs", 40, "--seed", number, "--out", out / "w.pt", how)


def _seed(out: Path) -> int:
    import torch

    return torch.load(out / "w.state", weights_only=True)["settings"]["seed"]


def _three(folder: Path) -> Path:
    return model_file(folder, THREE)


WORKS: Mapping[str, Work] = {
    "compile": Work(model_file, _compile("--target", "gpu")),
    "compile-parts": Work(_three, _compile("--target", "gpu")),
    "compile-fresh": Work(model_file, _fresh),
    "loihi": Work(model_file, _compile("--target", "loihi")),
    "bench": Work(model_file, _compile("--target", "gpu", "--bench")),
    "evaluate": Work(measured_file, _evaluate()),
    "evaluate-local": Work(measured_file, _evaluate("--cluster", "local")),
    "train": Work(small_file, _train),
}
