"""The membranes of one traced run that are values: asked for while the model runs, known when all steps are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from frontend.recording.layout import View
from frontend.recording.recorder import Recorder
from frontend.recording.steps import JOINS, whole_window
from frontend.tracing.storage.taint import tensors_in
from frontend.tracing.tensors import TracedTensors
from frontend.tracing.written.expressions import Expression, Key
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
from frontend.tracing.written.rolling import CURRENT, STATE
from frontend.tracing.written.sites import Site
from frontend.tracing.written.tracked import TrackedExpressions
from frontend.type_guards import is_list, is_tuple
from ir.errors import CompileError
from ir.ops.membrane import Membrane


class WrittenMembranes:
    """Membranes as values."""

    def __init__(self, recorder: Recorder, tensors: TracedTensors, tracked: TrackedExpressions) -> None:
        self._recorder, self._tensors, self._tracked = recorder, tensors, tracked
        self._pending: list[ReadOut] = []
        self._compared: dict[int, ReadOut] = {}

    def window(
        self, name: str, func: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> torch.Tensor | None:
        """The steps of a membrane joined to a window; None for a call of anything else."""
        items = args[0] if name in JOINS and args and (is_list(args[0]) or is_tuple(args[0])) else ()
        if len(items) != self._recorder.steps or len(items) == 1:
            return None
        made = [self._made(item) for item in items]
        expressions = [expression for expression in made if expression is not None]
        if len(expressions) != len(items) or self._are_steps(items):
            return None
        views = self._steps(dict(enumerate(expressions)), tuple(items[-1].shape))
        view = None if views is None else whole_window(self._recorder, name, views, *args[1:], **kwargs)
        if view is None:
            return None
        result = func(*args, **kwargs)
        self._tensors.add(result, view)
        return result

    def outputs(self, results: Any) -> None:
        """Make values of the membranes that a module returns, as they are after the last step."""
        last = self._recorder.steps - 1
        for tensor in tensors_in(results):
            expression = self._tracked.of(tensor)
            state = self._tracked.is_state(tensor)
            if last == 0 or expression is None or not (state or self._is_mixed(tensor, expression)):
                continue
            made: dict[int, Expression] | None = {last: expression}
            if not state or site_of({last: expression}) is None:
                row = history(expression, self._recorder.steps)
                made = None if row is None else dict(enumerate(row))
            views = None if made is None else self._steps(made, tuple(tensor.shape))
            if views is not None:
                self._tensors.add(tensor, views[-1])

    def finish(self) -> None:
        """Make every membrane that was asked for what its steps say."""
        for readout in self._pending:
            self._recorder.path, self._recorder.function = readout.path, ""
            try:
                self._finish(readout)
            except CompileError as error:
                raise CompileError(error.rule, error.what, where=error.where or readout.path, hint=error.hint) from error

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
        """A value at all steps; None where it is nothing that a membrane could be."""
        readout = placeholder(self._recorder, shape, made)
        if all(expression.kinds <= {CURRENT} for expression in made.values()):
            try:
                op, values, params = integrator(self._recorder, [made[step] for step in sorted(made)], readout.read)
            except CompileError:
                return None
            assert isinstance(op, Membrane)
            if op.decay in (0.0, 1.0):
                return None
            self._recorder.revise(readout.value, op, *values, params=params)
        else:
            self._pending.append(readout)
        return [replace(readout.read, value=readout.value, step=step) for step in range(self._recorder.steps)]

    def _made(self, tensor: Any) -> Expression | None:
        if not isinstance(tensor, torch.Tensor):
            return None
        return self._tracked.of(tensor) or self._tracked.operation("clone", (tensor,), {})

    def _are_steps(self, items: Sequence[torch.Tensor]) -> bool:
        """Whether tensors are steps of values, in order, all of which are written down."""
        if any(not self._tensors.is_view(item) for item in items):
            return not any(self._tracked.is_state(item) for item in items) and not self._tensors.holds_views(items)
        views = [self._tensors.view(item) for item in items]
        return all(view is not None and view.step == step for step, view in enumerate(views))

    def _is_mixed(self, tensor: torch.Tensor, expression: Expression) -> bool:
        """Whether a tensor is a value without time that several steps were put together to."""
        view = self._tensors.view(tensor) if self._tensors.is_view(tensor) else None
        mixed = view is not None and view.step is None and not self._recorder.is_timed(view)
        return mixed and bool(expression.name) and expression.kinds <= {CURRENT}

    def _of_membranes(self, expression: Expression, known: dict[int, Expression]) -> Expression:
        """An expression of values: membranes that are compared stand for what is written down for them."""
        if id(expression) in known:
            return known[id(expression)]
        made = expression
        if expression.key is not None and expression.key[0] == STATE:
            made = self._membrane_at(expression.key)
        elif STATE in expression.kinds:
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
