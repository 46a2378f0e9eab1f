"""The files that are compiled, measured and trained: as small as they can be."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from compile.__main__ import start as compile_start
from models import train
from tests.compile.conftest import TINY
from tests.compile.evaluation.conftest import TASK
from tests.faults.command import Command
from tests.models.conftest import SMALL

THREE = """

one, its = build, example

def build(config):
    return {name: one(config) for name in "abc"}

def example(config, samples, seed):
    return {name: its(config, samples, seed) for name in "abc"}
"""


def model_file(folder: Path, *more: str) -> Path:
    """A network of two layers, with what is said besides."""
    path = folder / "tiny.py"
    path.write_text("".join((TINY, *more)))
    return path


def measured_file(folder: Path) -> Path:
    """The same with a test set of 1,500 samples: three batches."""
    return model_file(folder, TASK.replace("500", "1500"))


def small_file(folder: Path) -> Path:
    """A model file that trains in a blink."""
    path = folder / "small.py"
    path.write_text(SMALL)
    return path


def compiles(*arguments: object) -> Command:
    return _started(compile_start, arguments)


def trains(*arguments: object) -> Command:
    return _started(train.start, arguments)


def _started(start: Callable[[], NoReturn], arguments: tuple[object, ...]) -> Command:
    def run() -> int:
        sys.argv[1:] = map(str, arguments)
        start()

    return run


def one_thread() -> None:
    """Before torch is loaded: forked processes have no threads of their parent's."""
    os.environ.update(OMP_NUM_THREADS="1", KINETO_LOG_LEVEL="5")
