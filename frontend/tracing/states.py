"""
The states that a loop hands from one step of a neuron of snnTorch to the next: `spk, mem = lif(cur, mem)`.

The IR's neurons keep their state to themselves. So a state must be zero at the first step, and then the one that the same
neuron returned at the step before. Where it is used for anything else, the error says so.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from frontend.neuron_rules.snntorch import states
from frontend.tracing.tensors import TracedTensors
from ir.errors import CompileError


class StateHandover:
    """The states of snnTorch's neurons in one traced run, each as its neuron left it."""

    def __init__(self, tensors: TracedTensors) -> None:
        self._tensors = tensors
        self._last: dict[tuple[int, str], torch.Tensor] = {}

    def watch(self, module: nn.Module) -> list[RemovableHandle]:
        """Look at what every neuron in `module` is called with, until the handles are removed."""
        neurons = [child for child in module.modules() if states(child)]
        return [child.register_forward_pre_hook(self._check_call, with_kwargs=True) for child in neurons]

    def leave(self, module: nn.Module, path: str) -> None:
        """Take note of the states behind a step of the neuron at `path`."""
        for name in states(module):
            state = getattr(module, name)
            self._last[id(module), name] = state
            self._tensors.add_state(state, f"{name} of {type(module).__name__}", path)

    def _check_call(self, module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """CompileError where a neuron is called with a state that it did not leave."""
        name = type(module).__name__
        if not args:
            raise CompileError(
                "import.arguments", f"{name} takes its input by name", hint="give it first, without a name"
            )
        arguments = inspect.signature(module.forward).bind(*args, **kwargs).arguments
        for key in states(module):
            state = arguments.get(key)
            self._check(module, key, getattr(module, key) if state is None else state)

    def _check(self, module: nn.Module, key: str, state: Any) -> None:
        """One state: the last one, or zero before the first step."""
        name, last = type(module).__name__, self._last.get((id(module), key))
        if state is last:
            return
        constant = isinstance(state, torch.Tensor) and not self._tensors.depends_on_input(state)
        zero = constant and not bool(state.any())
        if last is not None:
            what = "is reset in the middle of the window" if zero else f"is given a {key} that it did not return"
            raise CompileError(
                "import.steps",
                f"{name} {what}",
                hint="give every step the state of the step before; reset before the first",
            )
        if not zero:
            raise CompileError(
                "import.state",
                f"{name} starts from a state that is given to it ({key})",
                hint="start from zero: reset_mem(), or zeros",
            )
