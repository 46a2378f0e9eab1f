"""The tensors of a traced run that have an expression: states, which are no views, and values from which states are made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from frontend.recording.layout import View
from frontend.recording.recorder import Recorder
from frontend.tracing.tensors import TracedTensors
from frontend.tracing.written.chains import chain
from frontend.tracing.written.comparisons import plain_name
from frontend.tracing.written.expressions import FUNCTIONS, ONE_ARGUMENT, Expression, Key
from frontend.tracing.written.rolling import CURRENT, SPIKES, STATE
from ir.graph import Array


class TrackedExpressions:
    """The expressions of one traced run; `views`: the currents that symbols stand for."""

    def __init__(self, recorder: Recorder, tensors: TracedTensors) -> None:
        self._recorder, self._tensors = recorder, tensors
        self._expressions: dict[int, tuple[torch.Tensor, Expression]] = {}
        self._made: dict[int, tuple[Expression, torch.Tensor]] = {}
        self.views: dict[Key, View] = {}

    def of(self, tensor: Any) -> Expression | None:
        """What a tensor was computed from; a value that was written down is a current."""
        entry = self._expressions.get(id(tensor))
        if entry is not None:
            return entry[1]
        view = self._tensors.view(tensor) if isinstance(tensor, torch.Tensor) else None
        return None if view is None else Expression(self.key_of(view))

    def key_of(self, view: View) -> Key:
        key = (CURRENT, view.value, view.dims, view.step)
        self.views[key] = view
        return key

    def is_state(self, tensor: Any) -> bool:
        """Whether a tensor has an expression and no view."""
        return id(tensor) in self._expressions and not self._tensors.is_view(tensor)

    def is_at_once(self, tensor: torch.Tensor) -> bool:
        """Whether a tensor holds all steps of the window, so that no step of a neuron follows it."""
        view = self._tensors.view(tensor) if self._tensors.is_view(tensor) else None
        timed = view is not None and view.step is None and self._recorder.is_timed(view)
        return timed or (view is not None and self._recorder.steps == 1)

    def holds_state(self, expression: Expression) -> bool:
        """Whether what happened at another step, or a spike, is part of it."""
        return not expression.kinds.isdisjoint((STATE, SPIKES))

    def operation(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Expression | None:
        """The expression of a function's result; None where it has none."""
        operation = FUNCTIONS.get(plain_name(name))
        if operation is None or any(key not in ("dtype", "device", "non_blocking") for key in kwargs):
            return None
        args = args[:1] if operation in ONE_ARGUMENT else args
        shapes = {tuple(arg.shape) for arg in args if self.of(arg) is not None and arg.numel() != 1}
        alone = [tuple(arg.shape) for arg in args if isinstance(arg, torch.Tensor)]
        shape = next(iter(shapes), tuple(torch.broadcast_shapes(*alone)))
        parts = [self._part(arg, shape) for arg in args]
        if len(shapes) > 1 or any(part is None for part in parts):
            return None
        return Expression(None, operation, tuple(part for part in parts if part is not None))

    def _part(self, arg: Any, shape: tuple[int, ...]) -> Expression | float | Array | None:
        """An argument of an operation: a number, a constant that is the same in the batch, or an expression."""
        if not isinstance(arg, torch.Tensor):
            return float(arg) if isinstance(arg, (bool, int, float)) else None
        expression = self.of(arg)
        if expression is not None:
            return expression
        return _of_one_sample(self._tensors.apart(arg).detach(), shape)

    def keep(self, tensor: torch.Tensor, expression: Expression) -> None:
        self._expressions[id(tensor)] = (tensor, expression)
        self._made[id(expression)] = (expression, tensor)

    def forget_aliases(self, result: torch.Tensor, states: Sequence[torch.Tensor]) -> None:
        """A state that was written into in place is what it has become; other tensors on its memory are unknown."""
        if any(result is state for state in states):
            memory = result.untyped_storage().data_ptr()
            for key, (tensor, _) in list(self._expressions.items()):
                if tensor.untyped_storage().data_ptr() == memory:
                    del self._expressions[key]

    def name_states(self, tensor: torch.Tensor | None, expression: Expression, state: Expression) -> None:
        """
        What was compared is the state, and what it was made of by a number alone is a function of it.

        Args:
            tensor: that was compared; None where it was compared with another one, so that none is what the expression says.
        """
        if tensor is not None:
            self._name_state(tensor, expression, state)
        for child, inverse in chain(expression, state):
            _, made = self._made.get(id(child), (None, None))
            if made is not None and self._expressions.get(id(made), (None, None))[1] is child:
                self.keep(made, inverse)
            elif child.key in self.views and self.views[child.key].step is not None:
                self._rename_current(child.key, inverse)

    def _name_state(self, tensor: torch.Tensor, expression: Expression, state: Expression) -> None:
        static = self._tensors.view(tensor) if self._tensors.is_view(tensor) else None
        if static is None or self._recorder.is_timed(static) or static.step is not None or expression.name:
            self.keep(tensor, state)

    def _rename_current(self, key: Key, inverse: Expression) -> None:
        """The tensors of one step of a current, which a membrane at its start may be."""
        for tensor, view in self._tensors.views():
            if id(tensor) not in self._expressions and self.key_of(view) == key:
                self.keep(tensor, inverse)


def _of_one_sample(constant: torch.Tensor, shape: tuple[int, ...]) -> float | Array | None:
    """A constant as numbers of the neurons of one sample; None where it differs in the batch, or would widen the value."""
    if constant.numel() == 1:
        return float(constant)
    sizes = zip(constant.shape[::-1], shape[::-1], strict=False)
    if constant.ndim > len(shape) or any(a not in (1, b) for a, b in sizes):
        return None
    full = constant.expand(shape)
    if not constant.numel() or not bool((full == full[:1]).all()):
        return None
    return float(constant.flatten()[0]) if bool((full == full.flatten()[0]).all()) else full[0].double().cpu().numpy()
