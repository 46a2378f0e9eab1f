"""
The states that a loop hands from one step of a neuron of snnTorch to the next: `spk, mem = lif(cur, mem)`.

The IR's neurons keep their state to themselves. So a state must be zero at the first step, and then the one that the same
neuron returned at the step before. Where it is used for anything else, the error says so.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from frontend.neuron_rules.snntorch_rules import states
from ir.errors import CompileError


class GivenStates:
    """The states of snnTorch's neurons in one traced run; `computed` tells whether a tensor depends on the input."""

    def __init__(self, computed: Callable[[torch.Tensor], bool]) -> None:
        self._computed = computed
        self._left: dict[tuple[int, str], torch.Tensor] = {}
        self._owners: dict[int, tuple[torch.Tensor, str, str]] = {}

    def watch(self, module: nn.Module) -> list[RemovableHandle]:
        """Look at what every neuron in `module` is called with, until the handles are removed."""
        neurons = [child for child in module.modules() if states(child)]
        return [child.register_forward_pre_hook(self._enter, with_kwargs=True) for child in neurons]

    def leave(self, module: nn.Module, path: str) -> None:
        """Take note of the states behind a step of the neuron at `path`."""
        for name in states(module):
            state = getattr(module, name)
            self._left[id(module), name] = state
            self._owners[id(state)] = (state, f"{name} of {type(module).__name__}", path)

    def owns(self, tensor: Any) -> bool:
        """Whether a tensor is a state of a neuron."""
        return id(tensor) in self._owners

    def refuse(self, tensor: torch.Tensor) -> None:
        """Raise CompileError if a tensor, which is no value of the graph, is a state."""
        if self.owns(tensor):
            _, what, path = self._owners[id(tensor)]
            raise CompileError(
                "import.state",
                f"{what} is used as a value",
                where=path,
                hint="read out the spikes, or mem of a Leaky that subtracts with delay",
            )

    def _enter(self, module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        name = type(module).__name__
        if not args:
            raise CompileError(
                "import.arguments", f"{name} takes its input by name", hint="give it first, without a name"
            )
        given = inspect.signature(module.forward).bind(*args, **kwargs).arguments
        for key in states(module):
            state = given.get(key)
            self._check(module, key, getattr(module, key) if state is None else state)

    def _check(self, module: nn.Module, key: str, state: Any) -> None:
        name, before = type(module).__name__, self._left.get((id(module), key))
        if state is before:
            return
        zero = isinstance(state, torch.Tensor) and not self._computed(state) and not bool(state.any())
        if before is not None:
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
