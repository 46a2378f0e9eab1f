"""
The population that a loop is: one neuron with constants that all share, or with some that differ from neuron to neuron.

Every neuron is decomposed by itself, those with the same constants once; what differs between them becomes a parameter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from typing import Any

import numpy as np

from frontend.tracing.written.chains import offsets_of
from frontend.tracing.written.expressions import Expression, exactly
from frontend.tracing.written.loops.clamps import with_limits
from frontend.tracing.written.loops.decomposition import Decomposition
from frontend.tracing.written.loops.parts import Parts, key_of
from frontend.tracing.written.loops.recognition import Firing, as_it_rounds, leaky, no_neuron, recognised
from frontend.tracing.written.loops.rolling import SPIKES, Afferent, Loop, equations
from ir.errors import CompileError
from ir.graph import Array
from ir.ops import Leaky, Lif
from ir.ops.float_neurons.moving_threshold import MovingThresholdLif
from ir.ops.membrane import Membrane

Factor = float | Array


@dataclass(frozen=True)
class WeightedInput:
    """What a population reads: a source, or what a filter makes of sources; `factor` times."""

    of: Afferent | FilterRecipe
    factor: Factor


@dataclass(frozen=True)
class FilterRecipe:
    """A synaptic current that is a membrane of its own."""

    op: Leaky
    params: Mapping[str, Array]
    currents: tuple[WeightedInput, ...]
    late: bool


@dataclass(frozen=True)
class Recipe:
    """A population."""

    op: Membrane
    params: Mapping[str, Array]
    currents: tuple[WeightedInput, ...]
    slope: Factor
    """What the loop computes is the membrane less its threshold, this often."""
    is_clamped: bool = False
    """Whether what lies far from the threshold may differ from what the loop computes."""

    @property
    def sources(self) -> list[Afferent]:
        """All that it reads from outside."""
        found: list[Afferent] = []
        for current in self.currents:
            below = [current.of] if isinstance(current.of, Afferent) else [c.of for c in current.of.currents]
            found += [source for source in below if isinstance(source, Afferent)]
        return list(dict.fromkeys(found))


def recipe(
    site: Any, loop: Loop, firing: Firing | None, made: Sequence[Expression], before: Mapping[Afferent, Array]
) -> Recipe:
    """
    The population of a loop.

    Args:
        site: whose spikes and membrane the loop may read.
        firing: how it fires; None for a membrane that is a value.
        made: what the loop computes, at every step.
        before: what late sources are before the first step, of one sample.

    Raises:
        CompileError: import.neuron, where it is no neuron of the family.
    """
    arrays = [e.constant for e in equations(loop.root) if isinstance(e.constant, np.ndarray)]
    arrays += [*made[0].constants(), *(values for values in before.values() if values.any())]
    shape = np.broadcast_shapes(*(array.shape for array in arrays)) if arrays else ()
    table = np.stack([np.broadcast_to(array, shape).ravel() for array in arrays], 1) if arrays else np.zeros((1, 0))
    _, places, back = np.unique(table, axis=0, return_index=True, return_inverse=True)
    found = [_at_place(site, loop, firing, made, before, int(place)) for place in places]

    def spread(values: Sequence[float]) -> Factor:
        return float(values[0]) if len(set(values)) == 1 else np.asarray(values)[back].reshape(shape)

    ops = [_inlined(op, parts) for op, parts, _ in found]
    return replace(_merged([parts for _, parts, _ in found], ops, found[0][2], spread), is_clamped=loop.is_clamped)


def _at_place(
    site: Any,
    loop: Loop,
    firing: Firing | None,
    made: Sequence[Expression],
    before: Mapping[Afferent, Array],
    place: int,
) -> tuple[Membrane, Parts, Callable[[Lif], Lif]]:
    """At one neuron: what it is, its parts, and what finds the form that rounds as the model."""

    def number(constant: Any) -> Fraction:
        return exactly(float(constant.ravel()[place] if isinstance(constant, np.ndarray) else constant))

    silent = {key_of(source, 0): Fraction(0) for source in loop.sources}
    silent |= {symbol.key: Fraction(0) for symbol in made[0].symbols(lambda e: False) if symbol.key is not None}
    start = Fraction(made[0].evaluate(silent, number))
    given = {source: number(values) for source, values in before.items()}
    parts = Decomposition(site, loop, number, start, given).parts(
        firing or Firing(0.0, ">"), offsets_of(made[-1], number)
    )
    if firing is None:
        return leaky(parts.update), parts, lambda op: op
    op, taken, bias = recognised(parts.update, parts.firing)
    if bias and _has_current(parts):
        raise no_neuron("drifts by a constant beside its synaptic current, and has no leak")
    parts = replace(parts, bias=bias)
    if taken:  # by a weight from each neuron to itself
        own = Afferent(SPIKES, (site,), 1)
        parts = replace(parts, taken={own: -taken})
    offset = op.threshold - parts.firing.threshold
    if loop.is_clamped:
        op = with_limits(op, parts.update, offset)
    return op, parts, lambda form: as_it_rounds(form, parts.update, offset)


def _inlined(op: Membrane, parts: Parts) -> Membrane:
    """The neuron with its adaptation, and with its filter where it has one, and nothing else."""
    if parts.adaptation is not None:
        if type(op) is not Lif:
            raise no_neuron("has a floor, and a threshold that moves")
        attributes: dict[str, Any] = {item.name: getattr(op, item.name) for item in fields(Lif)}
        found = parts.adaptation
        numbers = {"adapt_decay": 1 - found.keep, "adapt_jump": found.jump, "adapt_start": found.start}
        attributes |= {name: float(value) for name, value in numbers.items()}
        op = MovingThresholdLif(**attributes, adapt_reset=found.reset)
    if not _has_current(parts):
        return op
    (only,) = parts.filters
    gain, order = next(iter(only.gains.values())), "membrane_first" if only.late else "current_first"
    return replace(op, current_decay=float(1 - only.keep), current_gain=float(gain), order=order)


def _has_current(parts: Parts) -> bool:
    """Whether all that a neuron reads goes through one filter, which is its synaptic current."""
    return len(parts.filters) == 1 and not parts.direct and not parts.taken and bool(parts.filters[0].gains)


def _merged(
    parts: Sequence[Parts],
    ops: Sequence[Membrane],
    rounding: Callable[[Lif], Lif],
    spread: Callable[[Sequence[float]], Factor],
) -> Recipe:
    """One population of the neurons, of which all must be made alike."""
    op, params = _population(ops, spread)
    if isinstance(op, Lif) and not params and len(ops) == 1:
        op = rounding(op)
    if any(of.bias for of in parts):
        params["bias"] = np.asarray(spread([float(of.bias) for of in parts]))
    currents = _direct([of.direct for of in parts], [of.lead for of in parts], spread) if parts[0].direct else []
    currents += _direct([of.taken for of in parts], [of.lead for of in parts], spread) if parts[0].taken else []
    if _has_current(parts[0]):
        gains = [of.filters[0].gains for of in parts]
        currents = _direct(gains, [next(iter(each.values())) for each in gains], spread)
    else:
        for place, _ in enumerate(parts[0].filters):
            relative = [of.filters[place].factor / of.lead for of in parts]
            currents.append(WeightedInput(_filter(parts, place, spread), spread([float(f) for f in relative])))
    return Recipe(op, params, tuple(currents), spread([float(of.slope) for of in parts]))


def _direct(
    gains: Sequence[Mapping[Afferent, Fraction]], leads: Sequence[Fraction], spread: Callable[[Sequence[float]], Factor]
) -> list[WeightedInput]:
    """Sources, each relative to what the gain of the population is for."""
    sources = list(gains[0])
    if any(list(other) != sources for other in gains):
        raise CompileError("import.neuron", "neurons of a layer that is written out read different currents")
    relative = {s: [float(g[s] / lead) for g, lead in zip(gains, leads, strict=True)] for s in sources}
    return [WeightedInput(source, spread(factors)) for source, factors in relative.items()]


def _filter(parts: Sequence[Parts], place: int, spread: Callable[[Sequence[float]], Factor]) -> FilterRecipe:
    filters = [of.filters[place] for of in parts]
    gains = [f.gains for f in filters]
    leads = [next(iter(each.values()), Fraction(1)) for each in gains]
    ops = [Leaky(float(1 - f.keep), float(next(iter(f.gains.values()), 1)), "sum") for f in filters]
    op, params = _population(ops, spread)
    assert isinstance(op, Leaky)
    return FilterRecipe(op, params, tuple(_direct(gains, leads, spread)), filters[0].late)


def _population(
    ops: Sequence[Membrane], spread: Callable[[Sequence[float]], Factor]
) -> tuple[Membrane, dict[str, Array]]:
    """One operation for all neurons, and parameters for the constants that differ."""
    numbers = [name for name, value in ops[0].attributes().items() if isinstance(value, float)]
    shared = {name: 0.5 for name in numbers}
    if len({replace(op, **shared) for op in ops}) != 1:
        raise CompileError("import.neuron", "neurons of a layer that is written out do not all do the same")
    found = {name: spread([getattr(op, name) for op in ops]) for name in numbers}
    params = {name: values for name, values in found.items() if isinstance(values, np.ndarray)}
    return replace(ops[0], **dict.fromkeys(params, 0.5)), params
