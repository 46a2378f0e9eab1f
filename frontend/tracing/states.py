"""
The states that go from one step of a framework's neuron to the next: `spk, mem = lif(cur, mem)`, `z, s = cell(x, s)`, `lif.v`.

The IR's neurons keep their state to themselves. So a state must be the usual one at the first step, and then the one that the
same neuron left at the step before, or a copy of it. Where it is used for anything else, the error says so.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from frontend.neuron_rules.framework import NeuronFramework
from frontend.neuron_rules.table import framework_of
from frontend.tracing.tensors import TracedTensors
from ir.errors import CompileError

COPIES = ("detach", "clone", "contiguous")
"""Functions whose result is what they read."""


class StateHandover:
    """The states of frameworks' neurons in one traced run, each as its neuron left it."""

    def __init__(self, tensors: TracedTensors) -> None:
        self._tensors = tensors
        self._last: dict[int, dict[str, Any]] = {}
        self._copied: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}

    def __deepcopy__(self, memo: dict[int, Any]) -> StateHandover:
        """Itself: who copies a neuron that is watched does not copy the run."""
        return self

    def watch(self, module: nn.Module) -> list[RemovableHandle]:
        """Look at what every neuron in `module` is called with, until the handles are removed."""
        neurons = [child for child in module.modules() if framework_of(child) is not None]
        return [child.register_forward_pre_hook(self._check_call, with_kwargs=True) for child in neurons]

    def leave(self, module: nn.Module, path: str, result: Any) -> None:
        """Take note of the states behind a step of the neuron at `path`, which returned `result`."""
        framework = framework_of(module)
        assert framework is not None
        self._last[id(module)] = dict(framework.left(module, result))
        for name, state in self._last[id(module)].items() if framework.first == "zeros" else ():
            self._tensors.add_state(state, f"{name} of {type(module).__name__}", path)

    def follow(self, name: str, args: tuple[Any, ...], result: Any) -> Any:
        """The result of a function; a copy of a state is that state."""
        if name in COPIES and self._last and args and isinstance(args[0], torch.Tensor) and result is not args[0]:
            self._copied[id(result)] = (result, self._original(args[0]))
        return result

    def _original(self, state: Any) -> Any:
        return self._copied[id(state)][1] if id(state) in self._copied else state

    def _check_call(self, module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """CompileError where a neuron is called with a state that it did not leave."""
        name, framework = type(module).__name__, framework_of(module)
        assert framework is not None
        if not args:
            raise CompileError(
                "import.arguments", f"{name} takes its input by name", hint="give it first, without a name"
            )
        given = framework.given(module, inspect.signature(module.forward).bind(*args, **kwargs).arguments)
        last = self._last.get(id(module))
        if last is None:
            self._check_first(name, framework, given)
            return
        for key, state in last.items():
            if self._original(given.get(key)) is not state:
                what = f"is given a {key} that it did not return"
                what = "is reset in the middle of the window" if self._is_zero(given.get(key)) else what
                hint = "give every step the state of the step before, as it is; reset before the first"
                raise CompileError("import.steps", f"{name} {what}", hint=hint)

    def _check_first(self, name: str, framework: NeuronFramework, given: Mapping[str, Any]) -> None:
        """A state before the first step of the window."""
        for key, state in given.items() if framework.first != "any" else ():
            if framework.first == "none" or not self._is_zero(state):
                hint = "start from zero: reset_mem(), or zeros" if framework.first == "zeros" else "pass None"
                hint = f"let every neuron start from its own initial state: {hint}"
                raise CompileError("import.state", f"{name} starts from a state that is given to it ({key})", hint=hint)

    def _is_zero(self, state: Any) -> bool:
        """Whether a state is a constant zero, or none."""
        if not isinstance(state, torch.Tensor):
            return not state
        return not self._tensors.depends_on_input(state) and not bool(state.any())
