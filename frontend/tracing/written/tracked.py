"""The tensors of a traced run that have an expression: states, which are no views, and values from which states are made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

import numpy as np
import torch

from frontend.function_rules.arithmetic import number_of
from frontend.recording.layout import View
from frontend.recording.recorder import Recorder
from frontend.tracing.storage.expressed import ExpressedTensors
from frontend.tracing.storage.taint import tensors_in
from frontend.tracing.tensors import TracedTensors
from frontend.tracing.written.chains import alike, before_the_state, chain, retraces
from frontend.tracing.written.comparisons import Inequality, plain_name
from frontend.tracing.written.expressions import FUNCTIONS, NAMED, ONE_ARGUMENT, Expression, Key, of_one_sample
from frontend.tracing.written.loops.clamps import CLAMP, clamp_arguments
from frontend.tracing.written.loops.recognition import Firing
from frontend.tracing.written.loops.rolling import CURRENT, SPIKES, STATE
from frontend.tracing.written.norms import factor_and_term
from frontend.type_guards import is_tuple
from ir.graph import Array

MOST_BRANCHES = 16
"""Entries along a dimension up to which a sum is looked into."""


class TrackedExpressions:
    """The expressions of one traced run; `views`: what symbols stand for; `sites`: (spikes, dims) -> who fires."""

    def __init__(self, recorder: Recorder, tensors: TracedTensors, record: Callable[..., View]) -> None:
        self._recorder, self._tensors, self._record = recorder, tensors, record
        self._branches: dict[tuple[int, int, int], tuple[Expression, Expression | None]] = {}
        self._expressed = ExpressedTensors(tensors)
        self.keep, self.stand_in = self._expressed.keep, self._expressed.stand_in
        self._named: dict[int, Expression] = {}
        self.views: dict[Key, View] = {}
        self.sites: dict[tuple[str, Any], Any] = {}

    def of(self, tensor: Any) -> Expression | None:
        """What a tensor was computed from; a value that was written down is a current."""
        if not isinstance(tensor, torch.Tensor):
            return None
        expression = self._expressed.get(tensor)
        if expression is not None:
            return expression
        view = self._tensors.view(tensor)
        if view is None:
            return None
        site = self.sites.get((view.value, view.dims))
        return (
            Expression(self.key_of(view)) if site is None or view.step is None else self.spikes(site, view.step, view)
        )

    def spikes(self, site: Any, step: int, view: View) -> Expression:
        """The spikes of a site at a step."""
        self.views[SPIKES, site, step] = view
        return Expression((SPIKES, site, step))

    def key_of(self, view: View) -> Key:
        key = (CURRENT, view.value, view.dims, view.step)
        self.views[key] = view
        return key

    def difference(self, of: Inequality) -> tuple[Expression | None, Firing, bool]:
        """(what fires, None where there is no expression; how; whether it is the compared tensor itself)."""
        expression = self.of(of.tensor) or self.operation("clone", (of.tensor,), {})
        if of.than is not None:
            return self.operation("sub", (of.tensor, of.than), {}), of.firing, False
        if expression is None or not of.firing.threshold or of.firing.counts:
            return expression, of.firing, True
        difference = Expression(None, "sub", (expression, of.firing.threshold))  # the threshold may move later
        return difference, replace(of.firing, threshold=0.0), False

    def fired_before(self, difference: Expression, firing: Firing) -> Expression | None:
        """The spikes of a step that compared the same in the same way; None where none did."""
        key = retraces(difference, self._named)
        for site in reversed(self.sites.values()):
            own = key is not None and key[:2] == (STATE, site)
            again = self.holds_state(difference) and alike(site.made[-1], difference, 1)
            if (own or again) and replace(site.firing, below=firing.below) == firing:
                return Expression((SPIKES, site, key[2] if own and key is not None else site.calls - 1))
        return None

    def is_state(self, tensor: Any) -> bool:
        """Whether a tensor has an expression and no view."""
        if not isinstance(tensor, torch.Tensor) or self._expressed.get(tensor) is None:
            return False
        return not self._tensors.is_view(self._tensors.standing_for(tensor))

    def has_states(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Whether there is a state among arguments."""
        return any(map(self.is_state, tensors_in((args, kwargs))))

    def is_any_state(self, tensor: Any) -> bool:
        """Whether a tensor is a state, of a framework's neuron or of one that is written out."""
        return self._tensors.is_state(tensor) or self.is_state(tensor)

    def is_constant(self, tensor: torch.Tensor) -> bool:
        """Whether a tensor does not depend on the input."""
        return not self.is_any_state(tensor) and self._tensors.view(tensor) is None

    def is_at_once(self, tensor: torch.Tensor) -> bool:
        """Whether a tensor holds all steps of the window, so that no step of a neuron follows it."""
        tensor = self._tensors.standing_for(tensor)
        view = self._tensors.view(tensor) if self._tensors.is_view(tensor) else None
        timed = view is not None and view.step is None and self._recorder.is_timed(view)
        return timed or (view is not None and self._recorder.window(view) == 1)

    def holds_state(self, expression: Expression) -> bool:
        """Whether what happened at another step, or a spike, is part of it."""
        return not expression.kinds.isdisjoint((STATE, SPIKES))

    def operation(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Expression | None:
        """The expression of a function's result; None where it has none."""
        if plain_name(name) in ("sum", "mean"):
            return self.summed(name, args, kwargs)
        if plain_name(name) == "batch_norm":
            return self._normed(args, kwargs)
        limited = clamp_arguments(plain_name(name), args, kwargs)
        if limited is not None:
            name, args, kwargs = CLAMP, limited, {}
        operation = FUNCTIONS.get(plain_name(name))
        known = {*NAMED, "dtype", "device", "non_blocking", *(("alpha",) if operation in ("add", "sub") else ())}
        if operation is None or kwargs.keys() - known:
            return None
        args = args[:1] if operation in ONE_ARGUMENT else (*args, *(kwargs[key] for key in NAMED if key in kwargs))
        shapes = {tuple(arg.shape) for arg in args if self.of(arg) is not None and arg.numel() != 1}
        if len(shapes) > 1:
            return None
        alone = [tuple(arg.shape) for arg in args if isinstance(arg, torch.Tensor)]
        shape: tuple[int, ...] = next(iter(shapes), np.broadcast_shapes(*alone))
        parts = [self._part(arg, shape) for arg in args]
        if any(part is None for part in parts):
            return None
        if operation == CLAMP and [isinstance(part, Expression) for part in parts] != [True, False, False]:
            return None
        found = [part for part in parts if part is not None]
        if "alpha" in kwargs:
            found[1] = Expression(None, "mul", (found[1], float(kwargs["alpha"])))
        return Expression(None, operation, tuple(found))

    def summed(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Expression | None:
        """The expression of a sum over one dimension of few entries, as of dendritic branches; None for anything else."""
        given = [*args[1:2], *(kwargs[key] for key in ("dim", "axis") if key in kwargs)]
        dims = given[0] if len(given) == 1 and is_tuple(given[0]) else tuple(given)
        known = len(dims) == 1 and isinstance(dims[0], int) and not kwargs.keys() - {"dim", "axis", "keepdim"}
        x: Any = None if any((*args[2:], kwargs.get("keepdim"))) else next(iter(args), None)
        expression = self.of(x) if known and isinstance(x, torch.Tensor) else None
        if expression is None or not expression.name or self.is_at_once(x):
            return None
        dim = int(dims[0]) % x.ndim
        if dim == 0 or (branches := int(x.shape[dim])) > MOST_BRANCHES:
            return None
        parts = [self._selected(expression, dim - x.ndim, place) for place in range(branches)]
        found = [part for part in parts if part is not None]
        if len(found) < branches:
            return None
        total = reduce(lambda a, b: Expression(None, "add", (a, b)), found)
        return total if plain_name(name) == "sum" else Expression(None, "div", (total, float(branches)))

    def _normed(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Expression | None:
        """The expression of a batch norm of what has one; a current of its own stays a current behind it."""
        x = args[0] if args else kwargs["input"]
        expression, numbers = self.of(x), factor_and_term(args, kwargs)
        if expression is None or not expression.name or numbers is None:
            return None
        factor, term = (of_one_sample(constant, tuple(x.shape)) for constant in numbers)
        if factor is None or term is None:
            return None
        return Expression(None, "add", (Expression(None, "mul", (expression, factor)), term))

    def _selected(self, expression: Expression, dim: int, place: int) -> Expression | None:
        """One entry along a dimension, counted from the last, of all that an expression is made of."""
        branch = (id(expression), dim, place)
        if branch not in self._branches:
            self._branches[branch] = (expression, self._branch(expression, dim, place))
        return self._branches[branch][1]

    def _branch(self, expression: Expression, dim: int, place: int) -> Expression | None:
        if not expression.name:
            view = self.views.get(expression.key or ())
            return (
                None
                if view is None or SPIKES in expression.kinds
                else Expression(self.key_of(self._record("select", view, dim, place)))
            )
        args: list[Expression | float | Array] = []
        for arg in expression.args:
            part = np.take(arg, place, dim) if isinstance(arg, np.ndarray) else arg
            part = self._selected(part, dim, place) if isinstance(part, Expression) else part
            if part is None:
                return None
            args.append(part)
        return Expression(None, expression.name, tuple(args))

    def _part(self, arg: Any, shape: tuple[int, ...]) -> Expression | float | Array | None:
        """An argument of an operation: a number, a constant that is the same in the batch, or an expression."""
        if not isinstance(arg, torch.Tensor):
            return number_of(arg)
        expression = self.of(arg)
        if expression is not None:
            return expression
        return of_one_sample(self._tensors.apart(arg).detach(), shape)

    def forget_aliases(self, result: torch.Tensor, states: Sequence[torch.Tensor]) -> None:
        """A state that was written into in place is what it has become; other tensors on its memory are unknown."""
        if any(result is state for state in states):
            self._expressed.forget(result)

    def name_states(self, tensor: torch.Tensor | None, expression: Expression, state: Expression) -> None:
        """
        What was compared is the state, and what it was made of by a number alone is a function of it.

        Args:
            tensor: that was compared; None where it was compared with another one, so that none is what the expression says.
        """
        self._named[id(state)] = state
        if tensor is not None:
            self._name_state(tensor, expression, state)
        inputs = before_the_state(expression)
        for place, (child, inverse) in enumerate(chain(expression, state)):
            if place >= inputs or (child.key is not None and child.key[0] == SPIKES):
                continue  # a current, which others may read, or of another neuron, of which this one was made at its first step
            self._named[id(inverse)] = inverse
            made = self._expressed.having(child)
            for each in made:
                self.keep(each, inverse)
            if not made and child.key in self.views and self.views[child.key].step is not None:
                self._rename_current(child.key, inverse)

    def _name_state(self, tensor: torch.Tensor, expression: Expression, state: Expression) -> None:
        tensor = self._tensors.standing_for(tensor)
        view = self._tensors.view(tensor) if self._tensors.is_view(tensor) else None
        if view is None or not self._is_static(view) or expression.name:
            for each in (tensor, *self._expressed.having(expression)):
                self.keep(each, state)

    def _is_static(self, view: View) -> bool:
        """Whether a value is the same at every step."""
        return view.step is None and not self._recorder.is_timed(view)

    def _rename_current(self, key: Key, inverse: Expression) -> None:
        """The tensors of one step of a current, which a membrane at its start may be."""
        for tensor, view in self._tensors.views():
            if self._expressed.get(tensor) is None and self.key_of(view) == key:
                self.keep(tensor, inverse)
