"""Commands and their processes killed, interrupted and stopped at a random moment, and what the next run finds."""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from tests.faults.command import Ended, Running, children
from tests.faults.trial import REFUSED, Failure, Kind, Trial, clean, judged, require, swept
from tests.faults.work import MINE, RUNS, WORKS, Undisturbed, contents, place, same, undisturbed

SOONEST_S = {"compile-fresh": 0.5}
"""Before that it is Python that starts."""
STOPPED_S = 1.0


def killed(work: str) -> Kind:
    """SIGKILL, of the command alone or of everything that it started."""
    return lambda trial: _stopped(trial, work, _kill)


def interrupted(work: str) -> Kind:
    """A request to end."""
    return lambda trial: _stopped(trial, work, _interrupt)


def paused(work: str) -> Kind:
    """SIGSTOP, and a second later SIGCONT."""
    return lambda trial: _stopped(trial, work, _pause)


def orphaned(work: str) -> Kind:
    """One of the processes that it started is killed or stopped."""
    return lambda trial: _stopped(trial, work, _hurt)


def _stopped(trial: Trial, work: str, disturb) -> str:
    number, mine = trial.rng.randrange(RUNS), trial.rng.random() < 0.5
    wanted, out = undisturbed(work)[number], trial.folder / "out"
    source = WORKS[work].make(trial.folder)
    if number or mine:
        place(out, {**wanted.before, **({MINE: b"mine"} if mine else {})})
    running = trial.start(WORKS[work].command(source, out, number))
    time.sleep(max(SOONEST_S.get(work, 0.005), trial.rng.random() * wanted.seconds))
    outcome = disturb(trial, running)
    _check_folder(out, wanted, mine)
    again = trial.run(WORKS[work].command(source, out, number))
    require(judged(again, REFUSED) == "whole", "lost", f"the next run is refused: {again.said[-400:]}")
    _check_whole(out, wanted, mine)
    swept(trial.folder)
    return outcome


def _kill(trial: Trial, running: Running) -> str:
    group = trial.rng.random() < 0.5
    with suppress(ProcessLookupError):
        (os.killpg if group else os.kill)(running.pid, signal.SIGKILL)
    return _judged_killed(running.end(trial.limit_s))


def _judged_killed(ended: Ended) -> str:
    """What it has put into shared memory, the next run may sweep."""
    processes = tuple(what for what in ended.left if what.startswith("process"))
    judged(Ended(ended.code, ended.said, processes), frozenset({-signal.SIGKILL}))
    return "whole"


def _interrupt(trial: Trial, running: Running) -> str:
    number = trial.rng.choice((signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    for target in (os.killpg, os.kill)[trial.rng.randrange(2) :]:
        with suppress(ProcessLookupError):
            target(running.pid, number)
    expected = {128 + number} | ({-number} if number != signal.SIGINT else set())
    outcome = judged(running.end(trial.limit_s), frozenset(expected))
    clean(trial.folder)
    return outcome


def _pause(trial: Trial, running: Running) -> str:
    for number in (signal.SIGSTOP, signal.SIGCONT):
        with suppress(ProcessLookupError):
            os.killpg(running.pid, number)
        time.sleep(STOPPED_S if number == signal.SIGSTOP else 0)
    outcome = judged(running.end(trial.limit_s), frozenset())
    clean(trial.folder)
    return outcome


def _hurt(trial: Trial, running: Running) -> str:
    number = trial.rng.choice((signal.SIGKILL, signal.SIGSTOP))
    if found := sorted(children(running.pid)):
        with suppress(ProcessLookupError):
            os.kill(trial.rng.choice(found), number)
    outcome = judged(running.end(trial.limit_s), REFUSED)
    clean(trial.folder)
    return outcome


def _check_folder(out: Path, wanted: Undisturbed, mine: bool) -> None:
    """Failure where the user's file is gone, or a report lies beside files that are not of its run."""
    require(not mine or (out / MINE).read_bytes() == b"mine", "lost", "the user's file")
    if (out / "report.json").exists():
        try:
            listed = json.loads((out / "report.json").read_text())["files"]
        except (ValueError, KeyError) as error:
            raise Failure("lost", f"report.json is broken: {error}") from None
        there = {name: data for name, data in contents(out).items() if ".spike-compile" not in name}
        require(set(listed) == set(there), "lost", f"the report lists other files: {set(listed) ^ set(there)}")
        runs = (wanted.before, wanted.after)
        require(any(same(there, run, wanted.timed) for run in runs), "lost", "a report beside files of two runs")


def _check_whole(out: Path, wanted: Undisturbed, mine: bool) -> None:
    require(not mine or (out / MINE).read_bytes() == b"mine", "lost", "the user's file")
    there = contents(out)
    extra, gone = there.keys() - wanted.after.keys(), wanted.after.keys() - there.keys()
    require(not extra, "left behind", f"after the next run: {', '.join(sorted(extra))}")
    require(not gone, "lost", f"after the next run there is no {', '.join(sorted(gone))}")
    differing = [name for name in there if name not in wanted.timed and there[name] != wanted.after[name]]
    require(not differing, "lost", f"other content than undisturbed: {', '.join(differing)}")
