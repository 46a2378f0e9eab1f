"""Little memory, few threads, few open files, full disks: whole, or one error, and the files before."""

from __future__ import annotations

import ctypes
import os
import resource
from pathlib import Path

from tests.faults.command import Command, fresh
from tests.faults.networks import model_file
from tests.faults.trial import REFUSED, Kind, Trial, clean, judged, require
from tests.faults.work import WORKS, contents, place, same, undisturbed

MIB = 1 << 20
NOBODY, PR_CAPBSET_DROP = 65534, 24
CAPABILITIES = (21, 24)
"""CAP_SYS_ADMIN and CAP_SYS_RESOURCE: with either of them threads have no limit."""


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
    """`ulimit -u` of a new process: so many more than the user has. Root has no limit, so it takes another's place."""
    source, root = model_file(trial.folder), not os.getuid()
    command = _compile(trial, trial.rng.choice(("gpu", "loihi")), source)
    value = trial.rng.randrange(1, 40) + (0 if root else tasks())

    def run() -> int:
        if root:
            libc = ctypes.CDLL(None)
            for capability in CAPABILITIES:
                libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
            os.setresuid(NOBODY, 0, 0)
        return command()

    return _read(trial, limited(resource.RLIMIT_NPROC, value, run))


def tasks() -> int:
    """The threads of this user."""
    own = [path for path in Path("/proc").glob("[0-9]*") if path.exists() and path.stat().st_uid == os.getuid()]
    return sum(len(list(path.glob("task/*"))) for path in own)


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
    outcome = judged(trial.run(limited(resource.RLIMIT_FSIZE, limit, WORKS[work].command(source, out, 1))), REFUSED)
    runs = (wanted.before, wanted.after) if outcome == "refused" else (wanted.after,)
    there = contents(out)
    lost = [name for name in wanted.before.keys() & wanted.after.keys() if name not in there]
    require(not lost, "lost", f"{work}, {limit} bytes, {outcome}: no {', '.join(lost)}")
    if work == "compile":
        require(any(same(there, run, wanted.timed) for run in runs), "lost", f"{limit} bytes: files of two runs")
    clean(trial.folder)
    return outcome


KINDS: dict[str, Kind] = {"memory": memory, "threads": threads, "open-files": open_files, "full-disk": full_disk}
