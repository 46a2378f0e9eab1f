"""
Whether a population does what a model has written out: at every step, from the first on, on random currents and forced spikes.

Both are given the same spikes, whatever their membranes are, so that every reset is tried; and the same currents, among them
those that come back through weights. Compared is how far the membrane lies from the threshold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from frontend.tracing.written.expressions import Expression, Key
from frontend.tracing.written.loops.parts import key_of
from frontend.tracing.written.loops.recipes import FilterRecipe, Recipe, WeightedInput
from frontend.tracing.written.loops.recognition import Firing, no_neuron
from frontend.tracing.written.loops.rolling import CURRENT, SPIKES, STATE, Afferent
from ir.errors import CompileError
from ir.graph import Array
from ir.ops import Lif, RectifiedLif
from ir.ops.population import State

SAMPLES = 4
TOLERANCE = 1e-6
"""Relative; constants of single neurons are float32."""
Before = Mapping[Afferent, Array]
"""What late sources are before the first step."""
COPY_HINT = "its reset reads what is written into its spikes: write into a copy (out = spike.clone(); out += residual)"


class ForcedRun:
    """
    Random values for all that a population reads, in a window.

    Args:
        site: the neuron; None for a membrane that is a value.
        made: what the model computes, step by step.
        shape: of one sample.
    """

    def __init__(
        self, site: Any, recipe: Recipe, made: Sequence[Expression], firing: Firing | None, shape: tuple[int, ...]
    ) -> None:
        self._site, self._recipe, self._firing, self._steps = site, recipe, firing, len(made)
        generator = np.random.default_rng(0)
        most = firing.max_spikes if firing is not None else 1
        size = _size(recipe)
        self._values: dict[Key, Any] = {}
        for source in recipe.sources:
            for step in range(self._steps) if source.lag is not None else range(1):
                late = 0 if source.lag is None else source.lag
                self._values[key_of(source, step + late)] = size * generator.normal(size=(SAMPLES, *shape))
        self.spikes = generator.integers(0, most, (self._steps, SAMPLES, *shape), endpoint=True)
        known: dict[int, Any] = {}
        self._made: list[Any] = []
        for step, expression in enumerate(made):
            value = self._evaluated(expression, known)
            if recipe.is_clamped and firing is not None:  # where limits are depends on what fires
                self.spikes[step] = value > firing.threshold
            self._values |= {(STATE, site, step): value, (SPIKES, site, step): self.spikes[step].astype(float)}
            self._made.append(value)

    def _evaluated(self, expression: Expression, known: dict[int, Any]) -> Any:
        try:
            return expression.evaluate(self._values, np.asarray, known)
        except KeyError as error:
            raise _unlike(error.args[0], self._site) from error

    def first_difference(self, before: Before) -> int | None:
        """The first step at which the population does something else; None where there is none."""
        op, params, state = self._recipe.op, self._recipe.params, None
        sums = self._currents(self._recipe.currents, before)
        for step in range(self._steps):
            x = sums(step) + params.get("bias", 0.0)
            state = op.begin(x, params) if state is None else state
            state = op.integrate(state, x, params)
            ours, theirs = self._margin(op, state, params), self._made[step]
            theirs = (theirs - (0.0 if self._firing is None else self._firing.threshold)) / self._recipe.slope
            if self._recipe.is_clamped:
                ours, theirs = (self._near(op, margin, state, params) for margin in (ours, theirs))
            if not np.allclose(ours, theirs, rtol=TOLERANCE, atol=TOLERANCE):
                return step
            if isinstance(op, Lif):
                spikes = self.spikes[step]
                state = op.settle(state, spikes > 0 if op.max_spikes == 1 else spikes.astype(float), params)
        return None

    @staticmethod
    def _margin(op: Any, state: State, params: Mapping[str, Array]) -> Any:
        return state.v - op.level(state, params) if isinstance(op, Lif) else state.v

    @staticmethod
    def _near(op: Any, margin: Any, state: State, params: Mapping[str, Array]) -> Any:
        """Margins of a clamped membrane, where both have the same: below the threshold, and not below its floor."""
        low = op.constant("floor", params) - op.level(state, params) if isinstance(op, RectifiedLif) else None
        return np.clip(margin, low, 0.0)

    def _currents(self, currents: Sequence[WeightedInput], before: Before) -> Callable[[int], Any]:
        """Step -> the sum of currents at it."""
        parts = [(current.factor, self._current(current.of, before)) for current in currents]
        shape = (SAMPLES, *self.spikes.shape[2:])
        return lambda step: sum((factor * part(step) for factor, part in parts), np.zeros(shape))

    def _current(self, of: Afferent | FilterRecipe, before: Before) -> Callable[[int], Any]:
        if isinstance(of, Afferent):
            absent = before.get(of, 0.0)
            return lambda step: absent if step < of.start else self._values.get(key_of(of, step), absent)
        sums = self._currents(of.currents, before)
        state, rows = None, list[Any]()
        for step in range(self._steps):
            x = sums(step)
            state = of.op.integrate(of.op.begin(x, of.params) if state is None else state, x, of.params)
            rows.append(state.v)
        rows = [np.zeros_like(rows[0]), *rows] if of.late else rows
        return lambda step: rows[step]


def _size(recipe: Recipe) -> float:
    """Of random currents: neurons that fire by themselves must come to it."""
    if not recipe.is_clamped or not isinstance(recipe.op, Lif):
        return 1.0
    threshold, gain = (np.abs(recipe.op.constant(name, recipe.params)) for name in ("threshold", "gain"))
    return 2 * float(np.max(threshold / gain)) or 1.0


def _unlike(key: Key, site: Any) -> CompileError:
    """The error of a step that reads what the last one does not."""
    if key[0] == SPIKES and site is not None and key[1] is not site:
        return no_neuron("is reset by spikes that others were multiplied with", COPY_HINT)
    hint = "start from zero states; between a recurrent sum and its membrane only numbers and batch norms can stand: "
    read = f"%{key[1]}" if key[0] == CURRENT else "something else"
    return no_neuron(f"reads {read} at one step and not at others", hint + "weights and functions go before the sum")
