"""Finds out whether a module takes inputs without a time axis and makes the steps itself, as networks of images do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from frontend.neuron_rules.table import is_single_step, neuron_rule, reset_neurons


def steps_of_repeated(module: nn.Module, inputs: Mapping[str, torch.Tensor]) -> int | None:
    """
    T of a module in eval mode whose inputs are all (B, ...); None where one of their axes is time, or may be.

    The module runs on one sample and on two: where the first axis is the batch, its neurons make as many steps on twice the
    batch. They do so too where the inputs are (B, T, ...), which is why no second axis may be as long as that.
    """
    if not inputs or any(not x.ndim or not len(x) for x in inputs.values()):
        return None
    one, two = (_steps_and_batch(module, {name: torch.cat([x[:1]] * n) for name, x in inputs.items()}) for n in (1, 2))
    if one is None or two != (one[0], 2) or one[1] != 1:
        return None
    return None if any(x.shape[1:2] == (one[0],) for x in inputs.values()) else one[0]


def _steps_and_batch(module: nn.Module, inputs: Mapping[str, torch.Tensor]) -> tuple[int, int] | None:
    """(steps, samples) that all neurons make in one run; None where they differ, or where the module does not run."""
    shapes: dict[int, tuple[int, int]] = {}

    def note(neuron: nn.Module, args: tuple[Any, ...]) -> None:
        calls, _ = shapes.get(id(neuron), (0, 0))
        single = is_single_step(neuron)
        shapes[id(neuron)] = (calls + 1, args[0].shape[0]) if single else (args[0].shape[0], args[0].shape[1])

    try:
        handles = [
            child.register_forward_pre_hook(note) for child in module.modules() if neuron_rule(child) is not None
        ]
        try:
            with torch.no_grad():
                module(**inputs)
        finally:
            for handle in handles:
                handle.remove()
            reset_neurons(module)
    except Exception:  # the user's code, which the import runs next: it says what is wrong
        return None
    found = set(shapes.values())
    return found.pop() if len(found) == 1 else None
