"""Weights by name: reading them from a file, what of a state dict a module takes, and everything that keeps it from fitting."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from re import Pattern
from typing import Any, cast

import torch
from torch import nn

State = Mapping[str, torch.Tensor]
COUNTERS = re.compile(r"\.num_batches_tracked$")
"""Entries that some torch versions keep, without effect on the network."""
NOTHING = re.compile(r"(?!)")


def read_tensors(path: Path) -> Any:
    """
    What `torch.load` finds in a file of tensors, numbers and texts.

    Raises:
        ValueError: if it cannot be read; the message says why, and not of which file.
        FileNotFoundError: if there is no such file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no weights file {path}")
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(f"torch cannot read tensors from it ({reason})") from error


def load_network(
    network: nn.Module, path: Path, name: str, check: Callable[[State], None] = lambda state: None
) -> None:
    """
    Load a state dict that the training wrote into a network, all or nothing.

    Args:
        network: what takes it.
        path: the file.
        name: the network's usual name, for the error.
        check: raises ValueError for a state that is known to be of something else.

    Raises:
        ValueError: if the file holds no state dict, or an entry is missing, unknown, of another shape, or not finite.
        FileNotFoundError: if there is no such file.
    """
    try:
        state = _state(read_tensors(path))
        check(state)
        entries = fitting_entries(network, state, NOTHING, COUNTERS)
    except ValueError as error:
        hint = "Give a file that `python -m models.train` made of the same configuration"
        raise ValueError(f"cannot use {path} as {name} weights: {error}. {hint}") from error
    network.load_state_dict(entries)


def _state(content: Any) -> State:
    """The state dict that a file is, or that a training state holds as published ones do."""
    file = cast(dict[str, Any], content) if isinstance(content, dict) else {}
    for state in (file, file.get("state_dict"), file.get("model")):
        entries = cast(dict[str, Any], state) if isinstance(state, dict) else {}
        if entries and all(torch.is_tensor(value) for value in entries.values()):
            return entries
    raise ValueError("it holds no state dict")


def fitting_entries(
    module: nn.Module, state: Mapping[str, torch.Tensor], unused: Pattern[str], optional: Pattern[str]
) -> dict[str, torch.Tensor]:
    """
    The entries of `state` for `module`, without the `unused` ones, completed by the module's own where they are `optional`.

    Raises:
        ValueError: if an entry is missing, unknown, of another shape, or not finite.
    """
    expected = module.state_dict()
    used = {key: value for key, value in state.items() if not unused.search(key)}
    own = {key: value for key, value in expected.items() if optional.search(key)}
    entries = {key: value for key, value in used.items() if key in expected or not optional.search(key)}
    problems = [
        *(f"{key} is missing" for key in expected if key not in used and key not in own),
        *(f"{key} is unknown" for key in entries if key not in expected),
        *(_entry_problem(key, value, expected[key]) for key, value in entries.items() if key in expected),
    ]
    problems = [problem for problem in problems if problem]
    if problems:
        more = f" (and {len(problems) - 3} more)" if len(problems) > 3 else ""
        raise ValueError(f"{'; '.join(problems[:3])}{more}")
    return {**own, **entries}


def _entry_problem(key: str, value: torch.Tensor, expected: torch.Tensor) -> str:
    if value.shape != expected.shape:
        return f"{key} has shape {tuple(value.shape)}, the network needs {tuple(expected.shape)}"
    if not torch.isfinite(value).all():
        return f"{key} contains NaN or infinity"
    return ""
