"""Weights by name: what of a state dict a module takes, and everything that keeps it from fitting."""

from __future__ import annotations

from collections.abc import Mapping
from re import Pattern

import torch
from torch import nn


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
