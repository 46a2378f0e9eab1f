"""The membranes of one traced run that are values: asked for while the model runs, known when all steps are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import torch

from frontend.recording.layout import View
from frontend.recording.recorder import Recorder
from frontend.recording.steps import JOINS, whole_window
from frontend.tracing.storage.taint import tensors_in
from frontend.tracing.tensors import TracedTensors
from frontend.tracing.written.comparisons import clamp_refused, is_firing
from frontend.tracing.written.expressions import Expression, Key, exactly
from frontend.tracing.written.loops.clamps import CLAMP
from frontend.tracing.written.loops.rolling import CURRENT, SPIKES, STATE
from frontend.tracing.written.readouts import (
    ReadOut,
    history,
    integrator,
    membrane,
    placeholder,
    potential,
    shift,
    site_of,
)
from frontend.tracing.written.refusals import unknown_in, used_as_value
from frontend.tracing.written.running_sums import running_sum
from frontend.tracing.written.sites import Site
from frontend.tracing.written.tracked import TrackedExpressions
from frontend.type_guards import is_list, is_tuple
from ir.errors import CompileError
from ir.ops import Op
from ir.ops.membrane import Membrane


def remembers(op: Membrane, reads: Sequence[Op]) -> bool:
    """Whether a value leaks: sums of emissions alone are the host's."""
    return any(
        isinstance(item, Membrane) and (item.decay not in (0.0, 1.0) or item.has_current) for item in (op, *reads)
    )


class WrittenMembranes:
    """Membranes as values; `record`: the view of what a function, named first, makes of views."""

    def __init__(
        self,
        recorder: Recorder,
        tensors: TracedTensors,
        tracked: TrackedExpressions,
        record: Callable[..., View],
    ) -> None:
        self._recorder, self._tensors, self._tracked, self._record = recorder, tensors, tracked, record
        self._pending: list[ReadOut] = []
        self._compared: dict[int, ReadOut] = {}

    def window(
        self, name: str, func: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> torch.Tensor | None:
        """The steps of a membrane joined to a window; None for a call of anything else."""
        listed = name in JOINS and bool(args) and (is_list(args[0]) or is_tuple(args[0]))
        items: list[Any] = list(args[0]) if listed else []
        views = self.steps(items)
        view = None if views is None else whole_window(self._recorder, name, views, *args[1:], **kwargs)
        if view is None:
            return None
        result = func(*args, **kwargs)
        self._tensors.add(result, view)
        return result

    def steps(self, items: Sequence[Any]) -> list[View] | None:
        """What is a membrane at all steps as values; None for anything else."""
        shapes = {tuple(item.shape) for item in items if isinstance(item, torch.Tensor)}
        single = len(shapes) == 1 and next(iter(shapes))[:1] == (self._recorder.batch,) and len(next(iter(shapes))) > 1
        if not single or len(items) != self._recorder.steps or len(items) == 1:
            return None
        made = [self._made(item) for item in items]
        expressions = [expression for expression in made if expression is not None]
        spikes = [
            expression.key[2] if expression.key and expression.key[0] == SPIKES else None for expression in expressions
        ]
        if len(expressions) != len(items) or spikes == list(range(len(items))) or self._are_steps(items):
            return None  # or spikes of several populations, each of its own step
        unknown = [name for name in map(unknown_in, expressions) if name]
        if unknown:
            raise used_as_value(unknown[0])
        return self._steps(dict(enumerate(expressions)), tuple(items[-1].shape))

    def rows(self, items: Sequence[torch.Tensor]) -> list[View] | None:
        """The same; CompileError where there is no value for a state among them."""
        views = self.steps(items)
        if views is None and any(map(self._tracked.is_state, items)):
            raise used_as_value()
        return views

    def become_values(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Whether all states that a function reads are values by now: what was added up over all steps, of spikes or currents."""
        if is_firing(name) or self._tracked.operation(name, args, kwargs) is not None:
            return False
        found = list[tuple[torch.Tensor, View]]()
        for tensor in filter(self._tracked.is_state, tensors_in((args, kwargs))):
            expression, waiting = self._tracked.of(tensor), len(self._pending)
            if expression is None or STATE in expression.kinds or unknown_in(expression) or self._recorder.steps == 1:
                return False
            view = self._last(expression, tuple(tensor.shape))
            if view is None or len(self._pending) > waiting:
                del self._pending[waiting:]
                return False
            found.append((tensor, view))
        for tensor, view in found:
            self._tensors.add(tensor, view)
        return bool(found)

    def outputs(self, results: Any) -> None:
        """Make values of the membranes that a module returns, as they are after the last step, times and plus numbers."""
        last = self._recorder.steps - 1
        for result in tensors_in(results):
            tensor = self._tensors.standing_for(result)
            if not self._tracked.is_state(tensor) and not self._tensors.is_view(tensor):
                if self._tensors.is_written(tensor):
                    self._tensors.view(tensor)  # rows, which membranes may be among
                continue  # or states of a framework's neurons, which are no outputs
            expression = self._tracked.of(tensor)
            if expression is None or last == 0 or unknown_in(expression):
                continue
            state = self._tracked.is_state(tensor) or self._is_mixed(tensor, expression)
            view = self._last(expression, tuple(tensor.shape)) if state else None
            if view is not None:
                self._tensors.add(result, view)

    def _last(self, expression: Expression, shape: tuple[int, ...]) -> View | None:
        """A membrane behind the last step, or what numbers make of one; None for anything else."""
        last, inner = self._recorder.steps - 1, expression
        while True:
            own = inner.kinds.isdisjoint((CURRENT,)) and site_of({last: inner}) is not None
            row = None if own else history(inner, self._recorder.steps)
            made = {last: inner} if own else None if row is None else dict(enumerate(row))
            views = None if made is None else self._steps(made, shape)
            if views is not None:
                return self._rescaled(expression, inner, views[-1])
            arguments = [arg for arg in inner.args if isinstance(arg, Expression)]
            scalar = all(isinstance(arg, (Expression, float)) for arg in inner.args)
            if (
                inner.name not in ("same", "add", "sub", "rsub", "mul", "div", "neg")
                or len(arguments) != 1
                or not scalar
            ):
                return None
            inner = arguments[0]

    def _rescaled(self, expression: Expression, inner: Expression, view: View) -> View:
        """What an expression makes of an inner one by numbers."""
        shift, at_one = (expression.evaluate({}, exactly, {id(inner): Fraction(n)}) for n in (0, 1))
        if at_one - shift != 1:
            view = self._record("mul", view, float(at_one - shift))
        return self._record("add", view, float(shift)) if shift else view

    def finish(self) -> None:
        """Make every membrane that was asked for what its steps say."""
        for readout in self._pending:
            self._recorder.path, self._recorder.function = readout.path, ""
            try:
                self._finish(readout)
            except CompileError as error:
                raise error.placed(readout.path) from error

    def _finish(self, readout: ReadOut) -> None:
        site = site_of(readout.made)
        if site is not None:
            found = membrane(self._recorder, site, readout.made)
        else:
            known: dict[int, Expression] = {}
            made = [self._of_membranes(readout.made[step], known) for step in sorted(readout.made)]
            found = integrator(self._recorder, made, readout.read)
        op, values, params = found
        self._recorder.revise(readout.value, op, *values, params=params)

    def _steps(self, made: dict[int, Expression], shape: tuple[int, ...]) -> list[View] | None:
        """A value at all steps; None where it is nothing that a membrane, or a running sum, could be."""
        readout = placeholder(self._recorder, shape, made)
        view = replace(readout.read, value=readout.value)
        kinds = frozenset[str]().union(*(expression.kinds for expression in made.values()))
        integrates = STATE not in kinds and self._integrates(readout, SPIKES in kinds)
        if not integrates and not kinds <= {CURRENT}:
            self._pending.append(readout)
        elif not integrates:
            total = running_sum(self._recorder, [made[step] for step in sorted(made)])
            if total is None or any(total.terms) or total.of.shape != shape:
                return None
            view = total.written(self._recorder)
        return [replace(view, step=step) for step in range(self._recorder.steps)]

    def _integrates(self, readout: ReadOut, counts: bool) -> bool:
        """Whether a value of currents, or spikes, is a membrane, that leaks unless it `counts`; its node is revised then."""
        made = [readout.made[step] for step in sorted(readout.made)]
        try:
            op, values, params = integrator(self._recorder, made, readout.read)
        except CompileError:
            return False
        assert isinstance(op, Membrane)
        if not counts and not remembers(op, [self._recorder.node(value).op for value in values]):
            return False
        self._recorder.revise(readout.value, op, *values, params=params)
        return True

    def _made(self, tensor: Any) -> Expression | None:
        if not isinstance(tensor, torch.Tensor):
            return None
        return self._tracked.of(tensor) or self._tracked.operation("clone", (tensor,), {})

    def _are_steps(self, items: Sequence[torch.Tensor]) -> bool:
        """Whether tensors are steps of values, in order, all of which are written down."""
        views = [None if self._tracked.is_state(item) else self._tensors.view(item) for item in items]
        if all(view is None for view in views) and not any(map(self._tracked.is_state, items)):
            return True
        found = {replace(view, step=None) for view in views if view is not None}
        return len(found) == 1 and [view and view.step for view in views] == list(range(len(views)))

    def _is_mixed(self, tensor: torch.Tensor, expression: Expression) -> bool:
        """Whether a tensor is a value that several steps were put together to."""
        view = self._tensors.view(tensor) if self._tensors.is_view(tensor) else None
        if view is None or self._recorder.is_timed(view) or not expression.name or not expression.kinds <= {CURRENT}:
            return False
        steps = {symbol.key[-1] for symbol in expression.symbols(lambda e: False) if symbol.key is not None}
        return len(steps - {None}) > 1

    def _of_membranes(self, expression: Expression, known: dict[int, Expression]) -> Expression:
        """An expression of values: membranes that are compared stand for what is written down for them."""
        if id(expression) in known:
            return known[id(expression)]
        made = expression
        if expression.key is not None and expression.key[0] == STATE:
            made = self._membrane_at(expression.key)
        elif STATE in expression.kinds:
            if expression.name == CLAMP:
                raise clamp_refused()
            args = [self._of_membranes(arg, known) if isinstance(arg, Expression) else arg for arg in expression.args]
            made = Expression(None, expression.name, tuple(args))
        known[id(expression)] = made
        return made

    def _membrane_at(self, key: Key) -> Expression:
        _, site, step = key
        assert isinstance(site, Site)
        if id(site) not in self._compared:
            readout = placeholder(self._recorder, site.read.shape, {})
            op, values, params = potential(self._recorder, site, "before")
            self._recorder.revise(readout.value, op, *values, params=params)
            self._compared[id(site)] = readout
        readout = self._compared[id(site)]
        view = replace(readout.read, value=readout.value, step=step)
        return Expression(None, "add", (Expression(self._tracked.key_of(view)), shift(site)))
