"""
Lets a command run a flat network: a folder with `network.npz`, the command called with it, and `spikes.npz` in it after that.

`network.npz` holds the arrays of `FlatNetwork` by name, `spikes.npz` the array `spikes`, uint8 (samples, steps, neurons). What an
input sends in a step arrives in the next one, as do the spikes of neurons; every sample begins with V = 0.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from backends.sanafe.emit import FlatNetwork
from ir.errors import CompileError
from ir.graph import Array

LINES = 6
"""The last ones of what a command says are shown where it fails."""


def run_command(command: Sequence[str], network: FlatNetwork) -> Array:
    """
    The spikes of all neurons, uint8 (samples, steps, neurons).

    Raises:
        CompileError: the command cannot be started, fails, or leaves something else.
    """
    with TemporaryDirectory() as name:
        folder = Path(name)
        np.savez(folder / "network.npz", **asdict(network))
        _call([*command, name])
        try:
            with np.load(folder / "spikes.npz") as found:
                spikes: Array = found["spikes"]
        except (OSError, KeyError, ValueError) as error:
            raise _failed(command, f"left no spikes: {error}") from None
    samples, steps, _ = network.inputs.shape
    wanted = (samples, steps, len(network.cores))
    if spikes.shape != wanted or spikes.dtype != np.uint8:
        raise _failed(command, f"left {spikes.dtype} spikes of shape {spikes.shape}, not uint8 of {wanted}")
    return spikes


def _call(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    except OSError as error:
        raise _failed(command[:-1], f"cannot be started: {error.strerror}") from None
    if done.returncode:
        said = "\n".join(done.stderr.strip().splitlines()[-LINES:])
        raise _failed(command[:-1], f"ended with {done.returncode}: {said}")


def _failed(command: Sequence[str], how: str) -> CompileError:
    hint = "it needs a Python that has sanafe and pyyaml, see docs/sanafe.md"
    return CompileError("sanafe.command", f"the command {' '.join(command)!r} {how}", hint=hint)
