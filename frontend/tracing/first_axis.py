"""
Finds out whether the first axis of a module's inputs is the batch, by running it.

It is in modules that take (B, T, ...), and in those that make the steps themselves, as networks of images do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from frontend.names import called
from frontend.neuron_rules.table import is_single_step, neuron_rule, reset_neurons
from frontend.tracing.untouched import left_as_it_was
from frontend.user_errors import user_code
from ir.errors import CompileError


def steps_of_batch(module: nn.Module, inputs: Mapping[str, torch.Tensor]) -> int | None:
    """
    T of a module in eval mode whose inputs are all (B, ...); None where their first axis is time, or may be.

    The module runs on one sample and on two, and is left as it was, so that nothing that it keeps from its first call is of these
    runs. The first of its neurons makes the same steps, on twice the batch.
    """
    if not inputs or any(not x.ndim or not len(x) for x in inputs.values()):
        return None
    one, two = (_first_layer(module, {name: torch.cat([x[:1]] * n) for name, x in inputs.items()}) for n in (1, 2))
    return one[0] if one is not None and one[1] == 1 and two == (one[0], 2) else None


def steps_of_repeated(module: nn.Module, inputs: Mapping[str, torch.Tensor]) -> int | None:
    """T of a module whose inputs have no time axis: they are (B, ...), and no second axis is as long as that."""
    steps = steps_of_batch(module, inputs)
    return None if any(x.shape[1:2] == (steps,) for x in inputs.values()) else steps


def _first_layer(module: nn.Module, inputs: Mapping[str, torch.Tensor]) -> tuple[int, int] | None:
    """(steps, samples) of the neurons that run first, in one run; None where the module does not run."""
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
            with left_as_it_was(module), torch.no_grad(), user_code("the model"):
                reset_neurons(module)
                called(module, inputs)
        finally:
            for handle in handles:
                handle.remove()
    except CompileError:  # the user's code, which the import runs too: it says what is wrong
        return None
    return next(iter(shapes.values()), None)
