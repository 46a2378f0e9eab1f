"""
Conditions of spikes, known by their values: `spike > 0`, `spike == 0`, `~spike.bool()`, `torch.where(spike > 0, 0.0, 1.0)`.

What is made of the spikes of one place alone takes two values, and so does any function of it, element by element: f(0) and f(1).
(0, 1) are the spikes again, (1, 0) is their complement, one number twice is a constant, and any others are the spikes scaled and
shifted, as quantisers of activations make them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch.utils._pytree import tree_map

from frontend.function_rules import is_in_place
from frontend.recording.layout import View
from frontend.recording.recorder import Recorder
from frontend.tracing.storage.taint import memory_of, tensors_in
from frontend.tracing.tensors import TracedTensors
from frontend.tracing.written.chains import alike
from frontend.tracing.written.comparisons import compared, compares, is_firing, plain_name
from frontend.tracing.written.expressions import CASTS, Expression
from frontend.tracing.written.loops.rolling import SPIKES
from frontend.tracing.written.sites import Site
from frontend.tracing.written.tracked import TrackedExpressions
from ir.types import SPIKE

COMPARISONS = "rsub gt greater ge greater_equal lt less le less_equal eq ne not_equal heaviside where"
LOGIC = "logical_not logical_and logical_or logical_xor isclose bitwise_not invert"
ARITHMETIC = "sign sgn abs absolute square sqrt pow round ceil floor trunc clamp clip relu"
QUANTISERS = "fake_quantize_per_tensor_affine fused_moving_avg_obs_fake_quant"
SUMS = ("add", "radd", "sub", "subtract", "rsub")
"""Functions that may cancel what others added."""
MOST_SYMBOLS, TRIALS = 16, 64
"""Of a sum in which something may cancel: the symbols that it has at most, and the values of each that are tried."""
ELEMENTWISE = frozenset((*COMPARISONS.split(), *LOGIC.split(), *ARITHMETIC.split(), *QUANTISERS.split(), *CASTS))
"""Functions, without underscores around their names, that compute element by element."""


class Conditions:
    """
    The conditions of one traced run.

    Args:
        record: the view of what a function, named first, makes of views.
    """

    def __init__(
        self, recorder: Recorder, tensors: TracedTensors, tracked: TrackedExpressions, record: Callable[..., View]
    ) -> None:
        self._recorder, self._tensors, self._tracked, self._record = recorder, tensors, tracked, record
        self.starts: dict[int, tuple[torch.Tensor, Site]] = {}
        """Constants, by id, that a neuron compares at its first step."""

    def result(
        self, name: str, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> torch.Tensor | None:
        """What a function makes of spikes alone, where that is the same for all neurons; None for any other call."""
        if is_in_place(name) or "out" in kwargs:
            return None
        if plain_name(name) in SUMS and (straight := self._straight_through(name, args, kwargs)) is not None:
            return self.give(name, func(*args, **kwargs), *straight)
        if plain_name(name) not in ELEMENTWISE:
            return None
        started = self._started(name, func, args, kwargs) if compares(name) else None
        if started is not None:
            return started
        x = self._depending(args, kwargs)
        expression = None if x is None else self._tracked.of(x)
        spikes = None if expression is None else self._spikes(expression)
        if x is None or expression is None or spikes is None:
            return None
        values = [self._value(func, (args, kwargs), x, self._at(expression, spikes, fired)) for fired in (0, 1)]
        several, itself = self._recorder.steps > 1, spikes.identity == expression.identity
        known = spikes.kinds == frozenset((SPIKES,)) and (several or itself)
        known = known or (several and self._tracked.is_at_once(x))
        if is_firing(name) and not known and values != [1.0, 0.0]:
            return None  # a neuron's first step, as far as can be seen
        return self._made(name, func(*args, **kwargs), x, spikes, values)

    def _straight_through(
        self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Expression, bool] | None:
        """(spikes, whether their complement) that are left of a sum in which all else cancels, as in gradients' detours."""
        read = [self._tracked.of(tensor) for tensor in tensors_in((args, kwargs))]
        if all(each is None or SPIKES not in each.kinds for each in read):
            return None
        expression = self._tracked.operation(name, args, kwargs)
        if expression is None:
            return None
        symbols: list[Expression] = list(islice(expression.symbols(lambda e: False), MOST_SYMBOLS))
        keys = {symbol.key for symbol in symbols if symbol.key is not None}
        fired = [key for key in keys if key[0] == SPIKES]
        if len(fired) != 1 or not 1 < len(keys) < MOST_SYMBOLS:
            return None
        view = self._tracked.views[fired[0]]
        if self._recorder.type(view).domain != SPIKE:
            return None
        shape = (TRIALS, *(1 for _ in view.shape[1:]))
        generator = np.random.default_rng(0)
        values = {key: generator.normal(size=shape) * 10.0 ** generator.uniform(-2, 8, shape) for key in keys}
        values[fired[0]] = spikes = generator.integers(0, 2, shape).astype(float)
        made = expression.evaluate(values, np.asarray)
        for left, complement in ((spikes, False), (1 - spikes, True)):
            if np.shape(made)[:1] == (TRIALS,) and np.allclose(made, left, rtol=0, atol=1e-5):
                return Expression(fired[0]), complement
        return None

    def _started(
        self, name: str, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> torch.Tensor | None:
        """The spikes of a first step where a comparison is made once more with what a neuron starts from; None else."""
        sites = [self.starts[id(tensor)][1] for tensor in tensors_in((args, kwargs)) if id(tensor) in self.starts]
        if len(sites) != 1:
            return None
        difference, firing, _ = self._tracked.difference(compared(name, args, kwargs))
        if replace(sites[0].firing, below=firing.below) != firing or not alike(sites[0].made[0], difference):
            return None
        return self.give(name, func(*args, **kwargs), Expression((SPIKES, sites[0], 0)), firing.below)

    def _depending(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor | None:
        """The one tensor among the arguments that depends on the input."""
        found = {id(tensor): tensor for tensor in tensors_in((args, kwargs)) if self._tensors.depends_on_input(tensor)}
        return next(iter(found.values())) if len(found) == 1 else None

    def _spikes(self, expression: Expression) -> Expression | None:
        """The spikes that an expression is made of, where there are no others, and nothing else."""
        found = {symbol.identity: symbol for symbol in expression.symbols(self._is_spikes)}
        symbol = next(iter(found.values())) if len(found) == 1 else None
        return symbol if symbol is not None and self._is_spikes(symbol) else None

    def _is_spikes(self, expression: Expression) -> bool:
        view = self._tracked.views.get(expression.key) if expression.key is not None else None
        return view is not None and self._recorder.type(view).domain == SPIKE

    def _at(self, expression: Expression, spikes: Expression, fired: int) -> Any:
        """The value of an expression where its spikes are 0, or 1, in the numbers that the module computes in."""
        dtype = str(self._recorder.dtype).removeprefix("torch.")
        assert spikes.key is not None
        return expression.evaluate({spikes.key: np.asarray(fired, dtype)}, lambda constant: np.asarray(constant, dtype))

    def _value(self, func: Callable[..., Any], arguments: Any, x: torch.Tensor, value: Any) -> float | None:
        """What a function makes of a value everywhere; None where it is not one number."""
        given = torch.as_tensor(value).to(x.dtype).expand(x.shape)
        args, kwargs = tree_map(partial(_in_place_of, x, given), arguments)
        result: torch.Tensor = func(*args, **kwargs)
        if result.shape != x.shape or not result.numel() or bool((result != result.flatten()[0]).any()):
            return None
        return float(result.flatten()[0])

    def _made(
        self, name: str, result: torch.Tensor, x: torch.Tensor, spikes: Expression, values: list[float | None]
    ) -> torch.Tensor | None:
        view = self._tracked.views[spikes.key or ()]
        if memory_of(result) == memory_of(x) or view.shape != tuple(result.shape):
            return None
        if values[0] == values[1] is not None:
            self._tensors.taint.clear(result)
            return result
        if values in ([0.0, 1.0], [1.0, 0.0]):
            return self.give(name, result, spikes, values == [1.0, 0.0])
        at_zero, at_one = values
        if at_zero is None or at_one is None or not result.is_floating_point():
            return None
        return self._scaled(name, result, spikes, at_zero, at_one - at_zero)

    def _scaled(
        self, name: str, result: torch.Tensor, spikes: Expression, at_zero: float, factor: float
    ) -> torch.Tensor:
        """A result that is a number, and a factor of the spikes."""
        view = self._tracked.views[spikes.key or ()]
        self._recorder.function = plain_name(name)
        made = Expression(None, "add", (Expression(None, "mul", (spikes, factor)), at_zero))
        view = self._record("mul", view, factor)
        view = self._record("add", view, at_zero) if at_zero else view
        self._tensors.add(result, view)
        self._tracked.keep(result, replace(made, key=self._tracked.key_of(view)))
        return result

    def give(self, name: str, result: torch.Tensor, spikes: Expression, complement: bool) -> torch.Tensor:
        """A result that is spikes, or their complement."""
        view = self._tracked.views[spikes.key or ()]
        if complement:
            self._recorder.function = plain_name(name)
            view = self._record("rsub", view, 1.0)
            spikes = Expression(self._tracked.key_of(view), "rsub", (spikes, 1.0))
        self._tensors.add(result, view)
        self._tracked.keep(result, spikes)
        return result


def _in_place_of(x: torch.Tensor, given: torch.Tensor, leaf: Any) -> Any:
    return given if leaf is x else leaf
