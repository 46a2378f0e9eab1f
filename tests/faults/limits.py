"""Little memory, few threads, few open files, full disks: whole, or one error, and the files before."""

from __future__ import annotations

import os
import resource
from pathlib import Path

from tests.faults.command import Command, fresh
from tests.faults.networks import model_file
from tests.faults.trial import REFUSED, Kind, Trial, clean, judged, require
from tests.faults.work import WORKS, contents, place, undisturbed

MIB = 1 << 20
NOBODY = 65534
"""Root may start as many threads as it likes."""


def limited(kind: int, value: int, command: Command) -> Command:
    def run() -> int:
        resource.setrlimit(kind, (value, resource.getrlimit(kind)[1]))
        return command()

    return run


def _read(trial: Trial, command: Command) -> str:
    outcome = judged(trial.run(command), REFUSED)
    require((trial.folder / "out" / "report.json").exists() == (outcome == "whole"), "lost", "exit code and report")
    clean(trial.folder)
    return outcome


def _compile(trial: Trial, target: str, source: Path) -> Command:
    flags = ("--target", target, "--samples", "2", "--quiet", "--out", "out")
    return fresh("-m", "compile", str(source), *flags)


def memory(trial: Trial) -> str:
    """`ulimit -v` of a new process."""
    source = model_file(trial.folder)
    command = _compile(trial, trial.rng.choice(("gpu", "gpu", "loihi")), source)
    return _read(trial, limited(resource.RLIMIT_AS, trial.rng.randrange(100, 8000) * MIB, command))


def threads(trial: Trial) -> str:
    """`ulimit -u` of a new process, by a user who has no other."""
    source, value = model_file(trial.folder), trial.rng.randrange(1, 40)
    command = limited(resource.RLIMIT_NPROC, value, _compile(trial, trial.rng.choice(("gpu", "loihi")), source))

    def run() -> int:
        if not os.getuid():
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        return command()

    trial.folder.chmod(0o777)
    (trial.folder / "tmp").mkdir(mode=0o777)
    (trial.folder / "tmp").chmod(0o777)
    return _read(trial, run)


def open_files(trial: Trial) -> str:
    """`ulimit -n` of a new process."""
    source = model_file(trial.folder)
    command = _compile(trial, trial.rng.choice(("gpu", "loihi")), source)
    return _read(trial, limited(resource.RLIMIT_NOFILE, trial.rng.randrange(16, 100), command))


def full_disk(trial: Trial) -> str:
    """No file may be longer than some bytes: of a second run, so that there is one to be lost."""
    work = trial.rng.choice(("compile", "evaluate", "train"))
    wanted, out = undisturbed(work)[1], trial.folder / "out"
    source = WORKS[work].make(trial.folder)
    place(out, wanted.before)
    longest = max(map(len, wanted.after.values()))
    limit = trial.rng.randrange(longest)
    # What it says goes to a file, too, which the limit would cut short.
    outcome = judged(trial.run(limited(resource.RLIMIT_FSIZE, limit, WORKS[work].command(source, out, 1))), REFUSED)
    there = contents(out)
    kept = wanted.before if outcome == "refused" else wanted.after
    if work == "evaluate":
        kept = {name: data for name, data in kept.items() if name != "results.json" or outcome == "whole"}
    lost = [name for name, data in kept.items() if name not in wanted.timed and there.get(name) != data]
    require(not lost, "lost", f"{work}, {limit} bytes, {outcome}: {', '.join(lost)}")
    clean(trial.folder)
    return outcome


KINDS: dict[str, Kind] = {"memory": memory, "threads": threads, "open-files": open_files, "full-disk": full_disk}
