"""One run of `python -m models.train`, after its arguments are read: epochs in, files and lines out."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, TextIO

from compile.command.signals import is_request
from models.training.loop import State, TrainingProgress, fit, numbers
from models.training.model_file import called
from models.training.quantized.fine_tuning import quantized_training, weights_to_begin_with
from models.training.run_files import RunFiles, plain, read_json_lines
from models.training.stage import Training
from models.training.training_error import TrainingError


def run(module: ModuleType, config: Any, weights: Path, options: argparse.Namespace) -> None:
    """
    Train a configuration of a model file.

    Raises:
        TrainingError: the files are in the way or cannot be written, or the model file fails.
        KeyboardInterrupt: a request to end; what is left is said before.
    """
    files = RunFiles(weights)
    files.check(options.resume, options.force)
    if options.quantized is None:
        training = _made(options.model, "training", partial(module.training, config, options.seed, options.epochs))
    else:
        training = _quantized(module, config, options)
    settings = called(
        f"{options.model} has settings that are no JSON",
        lambda: plain({"config": asdict(config), "seed": options.seed, **training.settings}),
    )
    state = files.read_state(settings) if options.resume else None
    _Run(training, files, settings, state is not None).whole(options.seed, state)


def _quantized(module: ModuleType, config: Any, options: argparse.Namespace) -> Training:
    """By the model file's `fine_tuning`, or the last stage of its training."""
    path = weights_to_begin_with(module, options.model, options.config, options.weights)
    if hasattr(module, "fine_tuning"):
        training = _made(options.model, "fine_tuning", partial(module.fine_tuning, config, options.seed, path))
    else:
        whole = _made(options.model, "training", partial(module.training, config, options.seed))
        training = replace(whole, stages=whole.stages[-1:])
    return quantized_training(
        module, options.model, options.config, training, path, options.quantized, options.budget, options.epochs
    )


def _made(model: Path, name: str, function: Callable[[], Any]) -> Training:
    """What a function of the model file gives; it may refuse a configuration with a ValueError."""
    training = called(f"{model} cannot train this", function, (ValueError, FileNotFoundError))
    if not isinstance(training, Training):
        raise TrainingError(
            f"{model}: {name}() gives a {type(training).__name__}, not a Training; see docs/training.md"
        )
    return training


class _Run:
    """A run on its way."""

    def __init__(self, training: Training, files: RunFiles, settings: Mapping[str, Any], begun: bool) -> None:
        self.training, self.files, self.settings = training, files, settings
        self.begun = begun
        """Whether the weights that are there, if any, are this run's."""

    def whole(self, seed: int, state: State | None) -> None:
        """All epochs, and the test metrics in the end."""
        try:
            progress = fit(self.training, seed, self._write, state)
            self._write_weights()
            test = called("the test metrics", lambda: numbers(self.training.test()))
            self.files.write_log([self.settings, *progress.log, {"test": test}])
            self.files.end()
        except BaseException as error:
            if is_request(error):
                _say(self._left(), sys.stderr)
            raise
        _say("test " + _values(test), sys.stdout)
        _say(f"weights in {self.files.weights}, log in {self.files.log}", sys.stdout)

    def _write(self, progress: TrainingProgress, state: State, better: bool) -> None:
        """After an epoch: weights where it is the best so far, then log, then state."""
        if better:
            self._write_weights()
        self.begun = True
        self.files.write_log([self.settings, *progress.log])
        self.files.write_state(self.settings, state)
        _say(_line(progress), sys.stdout)

    def _write_weights(self) -> None:
        write = self.files.write_weights if self.begun else self.files.write_first_weights
        called("the weights", lambda: write(self.training.save))

    def _left(self) -> str:
        """What an interrupt leaves: weights of the log's last stage, as a stage's first epoch is its best so far."""
        weights, state = self.files.weights, self.files.state
        if not self.begun or not weights.is_file():
            return "no epoch was finished" + (f", {weights} is as it was" if weights.is_file() else "")
        lines = read_json_lines(self.files.log, dict[str, Any])
        stages = [line["stage"] for line in lines if "epoch" in line and "stage" in line]
        of = "".join(f" of the stage {stage}" for stage in stages[-1:])
        again = f"; --resume goes on, from {state}" if state.is_file() else ""
        return f"{weights} holds the best epoch{of}{again}"


def _line(progress: TrainingProgress) -> str:
    entry = progress.log[-1]
    stage = f"{entry['stage']} " if "stage" in entry else ""
    loss = sum(entry["loss"].values())
    return f"{stage}epoch {entry['epoch']}  loss {loss:.3f}  dev {_values(entry['dev'])}  {entry['seconds']} s"


def _values(metrics: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in metrics.items())


def _say(text: str, stream: TextIO) -> None:
    """Print a line; a full disk, or a reader that went away, is no reason to stop."""
    try:
        print(text, file=stream, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # what is buffered goes there in the end
