"""
Results of trainings, kept one JSON object per line, and the trainings that have none yet.

Every run is a process of `python -m models.train` with one thread, whose files lie in a folder. A run that was interrupted goes
on from its state; one whose log has test metrics is not repeated.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from models.training.run_files import RunFiles, read_json_lines, write_json_lines
from models.zoo.ablations.experiment import Results, TrainingRun
from models.zoo.cases import ENTRIES
from models.zoo.child import PACKAGE, run_child

PAUSE = 0.2
"""Seconds between looks at what runs."""
LIMIT = 1800.0
"""Seconds that the compiler may take for a network's integers."""


def read_results(path: Path) -> dict[TrainingRun, dict[str, float]]:
    """What `write_results` wrote; nothing where there is no such file. TrainingError as `read_json_lines`."""
    return dict(read_json_lines(path, _result))


def _result(content: Mapping[str, Any]) -> tuple[TrainingRun, dict[str, float]]:
    run: dict[str, Any] = content["run"]
    return replace(TrainingRun(**run), changes=tuple(run["changes"])), dict(content["test"])


def write_results(path: Path, results: Results) -> None:
    """Replace the file."""
    write_json_lines(path, ({"run": asdict(run), "test": dict(test)} for run, test in results.items()))


def final_metrics(log: Path) -> dict[str, float] | None:
    """
    The test metrics of a log whose run has ended, else None.

    Where it has several stages, the dev metrics of each one's best epoch stand with them, as `STAGE METRIC, dev`.
    """
    *lines, last = [{}, *read_json_lines(log, dict[str, Any])]
    if "test" not in last:
        return None
    best = {(line["stage"], line["best_epoch"]) for line in lines if {"stage", "best_epoch"} <= line.keys()}
    epochs = [line for line in lines if (line.get("stage"), line.get("epoch")) in best]
    return {f"{line['stage']} {name}, dev": value for line in epochs for name, value in line["dev"].items()} | last[
        "test"
    ]


def measured(run: TrainingRun, files: RunFiles) -> dict[str, float] | None:
    """Test metrics of a run that has ended, with those of the chip's integers where it asks for them, else None."""
    metrics = final_metrics(files.log)
    if metrics is None or not run.integers:
        return metrics
    ended = run_child(compile_command(run, files), LIMIT)
    if ended.failed:
        return None
    compiled = json.loads(ended.output)["metrics"]["compiled"]
    return metrics | {f"{name}, integers": compiled[name] for name in ENTRIES[run.model].metrics}


def compile_command(run: TrainingRun, files: RunFiles) -> list[str]:
    """The whole test set on the reference, by the integers of a run's weights: a report as JSON."""
    network = [str(ENTRIES[run.model].module.__file__), "--config", run.config, "--weights", str(files.weights)]
    return [sys.executable, "-m", f"{PACKAGE}compile", *network, "--target", "gpu", "--json", "--quiet"]


def command(run: TrainingRun, files: RunFiles) -> list[str]:
    """Begins a run, goes on with it where it has a state, or begins anew where only half of its files are there."""
    begun = ["--resume"] if files.state.is_file() else ["--force"]
    changes = [word for change in run.changes for word in ("--set", change)]
    settings = ["--config", run.config, *changes, "--seed", str(run.seed), "--epochs", str(run.epochs)]
    model = str(ENTRIES[run.model].module.__file__)
    return [sys.executable, "-m", f"{PACKAGE}models.train", model, *settings, "--out", str(files.weights), *begun]


def train_missing(
    runs: Sequence[TrainingRun], folder: Path, jobs: int, ended: Callable[[TrainingRun, dict[str, float] | None], None]
) -> None:
    """
    Train runs, `jobs` at once.

    Args:
        runs: in order; one whose files another one is writing waits for it, and finds them.
        folder: where their files are, and what they print (`.txt`).
        jobs: processes at once, of one thread each.
        ended: called with every run and its test metrics, None where it failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    waiting, active = [*runs], dict[subprocess.Popen[bytes], TrainingRun]()
    try:
        while waiting or active:
            while len(active) < jobs and (run := _free(waiting, active.values())):
                waiting.remove(run)
                if (metrics := measured(run, _files(run, folder))) is None:
                    active[_started(run, folder)] = run
                else:
                    ended(run, metrics)
            time.sleep(PAUSE)
            for process in [process for process in active if process.poll() is not None]:
                run = active.pop(process)
                ended(run, measured(run, _files(run, folder)) if process.returncode == 0 else None)
    finally:
        for process in active:
            process.terminate()  # its files are whole at every moment; an interrupt may be ignored in the background
        for process in active:
            process.wait()


def _free(waiting: Iterable[TrainingRun], active: Iterable[TrainingRun]) -> TrainingRun | None:
    """The first run whose files none is writing."""
    taken = {run.name for run in active}
    return next((run for run in waiting if run.name not in taken), None)


def _files(run: TrainingRun, folder: Path) -> RunFiles:
    return RunFiles(folder / f"{run.name}.pt")


def _started(run: TrainingRun, folder: Path) -> subprocess.Popen[bytes]:
    with (folder / f"{run.name}.txt").open("ab") as told:
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(command(run, _files(run, folder)), stdout=told, stderr=told, env=environment)
