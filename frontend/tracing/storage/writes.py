"""
Functions that write into a tensor: what they write, and where.

`x += y` and its like compute a new value by the rule of `x + y`; `x[...] = y`, `copy_`, `fill_` and `zero_` take a value as it
is. Tensors that outlive the run - parameters, buffers, states of neurons - may not be written: they would be a state that no
neuron keeps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import EllipsisType
from typing import Any

import torch
from torch import nn

from frontend.function_rules import is_in_place
from frontend.function_rules.joining import RULES as JOINING_RULES
from frontend.function_rules.queries import RULES as QUERY_RULES
from frontend.function_rules.slicing import RULES as SLICING_RULES
from frontend.function_rules.views import RULES as VIEW_RULES
from frontend.neuron_rules.table import neuron_name
from frontend.recording.layout import View
from frontend.tracing.storage.taint import memory_of, no_torch_function, tensors_in
from frontend.tracing.tensors import TracedTensors
from frontend.tracing.written.tracked import TrackedExpressions
from frontend.type_guards import is_mapping, is_tuple
from ir.errors import CompileError

ASSIGNMENTS = ("__setitem__", "copy_", "fill_", "zero_")
"""Functions that write a value that is there already."""
LOOKS = frozenset((*VIEW_RULES, *SLICING_RULES, *JOINING_RULES, *QUERY_RULES))
"""Functions whose results look at the memory of their first argument, where torch can do so."""


def writes(name: str, kwargs: Mapping[str, Any]) -> bool:
    """Whether a function writes into its first argument; `unsqueeze_` and its like only look at it differently."""
    looks_only = name.strip("_") in VIEW_RULES or name in VIEW_RULES
    return name == "__setitem__" or (is_in_place(name) and not looks_only) or kwargs.get("inplace") is True


class Writes:
    """
    The writes of one traced run.

    Args:
        module: whose tensors outlive the run.
        record: the view of what a function, named first, makes of views.
    """

    def __init__(
        self, module: nn.Module, tensors: TracedTensors, tracked: TrackedExpressions, record: Callable[..., View]
    ) -> None:
        self._module, self._tensors, self._tracked, self._record = module, tensors, tracked, record
        own = [tensor for child in module.modules() for tensor in _own_tensors(child)]
        self._before = {memory_of(tensor): tensor for tensor in own}
        """Held, so that others do not get the memory of one that is replaced."""

    def assigns(self, name: str, args: Sequence[Any]) -> bool:
        """Whether a function writes a state into a tensor that is none."""
        return name in ASSIGNMENTS and self._tracked.is_state(args[-1]) and not self._tracked.is_state(args[0])

    def prepare(self, target: torch.Tensor, name: str) -> None:
        """Before `name` writes into `target`: CompileError where what it writes to is a state."""
        neurons = [child for child in self._module.modules() if neuron_name(child) is not None]
        states = {memory_of(tensor) for child in neurons for tensor in _own_tensors(child)}
        if memory_of(target) in self._before.keys() | states or self._tensors.is_kept(target):
            raise CompileError(
                "import.in_place",
                f"{name} writes into a parameter, a buffer or a state of a neuron",
                hint="write into a copy (clone()); a network may keep state in its neurons only",
            )
        self._tensors.prepare_write(target)

    def assign(self, name: str, func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Run `x[index] = value`, `x.copy_(value)`, `x.fill_(value)` or `x.zero_()`, and take note of it."""
        target: torch.Tensor = args[0]
        value: Any = 0 if name == "zero_" else args[-1]
        self.prepare(target, name)
        with no_torch_function():
            part = target[checked_index(args[1])] if name == "__setitem__" else target
        alike = isinstance(value, torch.Tensor) and value.shape == part.shape
        state = alike and self._tracked.is_state(value)
        view = self._tensors.view(value) if isinstance(value, torch.Tensor) and not state else None
        if (state or view is not None) and part.dtype != value.dtype:
            raise CompileError("import.dtype", f"{name} converts {value.dtype} to {part.dtype}", hint="keep one dtype")
        source = self._tracked.stand_in(value) if state or (alike and view is not None) else None
        result = func(*args, **kwargs)
        self._tensors.write(part, None if view is None else self._spread(view, tuple(part.shape)), source)
        return result

    def _spread(self, view: View, shape: tuple[int, ...]) -> View:
        """A value broadcast to the shape that it is written to."""
        while len(view.dims) > len(shape):
            view = self._record("select", view, 0, 0)
        return view if view.shape == shape else self._record("expand", view, shape)


def checked_index(index: Any) -> Any:
    """An index of integers and slices; CompileError for one that picks elements."""
    items: Sequence[Any] = index if is_tuple(index) else (index,)
    wrong = next((item for item in items if not isinstance(item, int | slice | EllipsisType | None)), None)
    if wrong is not None or any(isinstance(item, bool) for item in items):
        kind = "bool" if wrong is None else type(wrong).__name__
        hint = "integers and slices can be imported, and one number where a mask is true"
        raise CompileError("import.index", f"cannot write at an index of type {kind}", hint=hint)
    return index


def _own_tensors(module: nn.Module) -> list[torch.Tensor]:
    """The tensors that a module itself keeps: parameters, buffers, attributes, those in lists and dictionaries."""
    own = {key: value for key, value in vars(module).items() if key != "_modules"}
    return tensors_in([list(value.values()) if is_mapping(value) else value for value in own.values()])
