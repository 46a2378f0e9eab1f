"""
Membranes that a model writes out, as values: those of neurons that fire, leaky integrators, and sums of them.

A window of them is asked for where all steps are joined; a last one where it is an output.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from frontend.recording.layout import BATCH, Axis, View, feature_dims
from frontend.recording.recorder import Constant, Recorder
from frontend.tracing.written.expressions import Expression, Key
from frontend.tracing.written.loops.rolling import SPIKES, STATE, rolled
from frontend.tracing.written.sites import Site, from_steps
from ir.errors import CompileError
from ir.ops import Delay, Leaky, Lif, Op, Scale
from ir.ops.float_neurons.potential import potential_of
from ir.ops.population import State

Populated = tuple[Op, tuple[str, ...], Mapping[str, Constant]]
"""An operation, what it reads, and its parameters."""


@dataclass(eq=False)
class ReadOut:
    """A membrane as a value: `made` says what it is, at the step of each."""

    path: str
    value: str
    """Its node."""
    read: View
    made: dict[int, Expression]


def placeholder(recorder: Recorder, shape: tuple[int, ...], made: dict[int, Expression]) -> ReadOut:
    """A value of torch shape (B, ...) that `finish` makes what it is."""
    if len(shape) < 2 or shape[0] != recorder.batch:
        raise CompileError("import.state", f"a membrane of shape {shape} is not (B, ...)")
    label = f"{recorder.path}.membrane".lstrip(".")
    past = recorder.past(label, shape[1:])
    value = recorder.placeholder(Leaky(1.0, form="sum"), past, name=label)
    dims = ((Axis(BATCH, recorder.batch),), *feature_dims(shape[1:]))
    return ReadOut(recorder.path, value, View(value, dims, 0), made)


def site_of(made: dict[int, Expression]) -> Site | None:
    """The site whose membrane it is, at its own step; None for anything else."""
    keys: list[tuple[Key, int]] = []
    for step, expression in made.items():
        keys += [(symbol.key, step) for symbol in expression.symbols(lambda e: False) if symbol.key is not None]
    sites = {id(key[1]): key[1] for key, _ in keys if key[0] in (STATE, SPIKES)}
    own = all(key[0] in (STATE, SPIKES) and key[2] == step for key, step in keys)
    return next(iter(sites.values())) if own and len(sites) == 1 else None


def membrane(recorder: Recorder, site: Site, made: Mapping[int, Expression]) -> Populated:
    """The membrane of a neuron that fires, as an expression at each of some steps says."""
    op = _neuron(site)
    moments = {_moment(site, op, expression, step) for step, expression in made.items()}
    moment = moments.pop() if len(moments) == 1 else None
    if moment is None:
        raise _no_value("is scaled, or what a reset makes of it only in part", "scale it behind the loop")
    return potential(recorder, site, moment)


def potential(recorder: Recorder, site: Site, moment: str) -> Populated:
    """The membrane of a neuron that fires, before or after its reset: of one without where that is the same."""
    op = _neuron(site)
    late = (op.reset, op.reset_at) == ("subtract", "next") and not op.has_current and op.gain == 1 and not site.params
    if op.reset != "none" and not (late and op.max_spikes == 1):
        return potential_of(op, moment), site.currents, site.params
    plain = Leaky(**{name: getattr(op, name) for name in Leaky(1.0).attributes()})
    if op.reset == "none":
        return plain, site.currents, {key: value for key, value in site.params.items() if key != "threshold"}
    taken = recorder.emit(
        Scale(-op.threshold), recorder.emit(Delay(1), site.value), name=f"{site.path}.reset".lstrip(".")
    )
    return plain, (*site.currents, taken), {}


def shift(site: Site) -> float:
    """What is compared, less the membrane."""
    op = _neuron(site)
    assert site.recipe is not None
    if site.recipe.slope != 1.0 or "threshold" in site.params:
        raise _no_value("is scaled, or less a threshold of its own")
    return site.firing.threshold - op.threshold


def _neuron(site: Site) -> Lif:
    assert site.recipe is not None
    if type(site.recipe.op) is not Lif:
        raise _no_value("is no value where it has a floor, or its threshold moves")
    return site.recipe.op


def integrator(recorder: Recorder, made: Sequence[Expression], read: View) -> Populated:
    """A membrane that nothing fires, from what it is at all steps."""
    found, values, params = from_steps(recorder, None, made, None, read)
    return found.op, values, params


def history(last: Expression, steps: int) -> list[Expression] | None:
    """What an integrator was at every step, from what it is at the last one; None where there is no such row."""
    waiting: list[tuple[Expression, tuple[int, ...]]] = [(last, ())]
    while waiting:
        expression, path = waiting.pop(0)
        row = _row(last, path, steps) if path else None
        if row is not None and _is_state(row):
            return row
        if len(path) < 6:
            inner = [(arg, (*path, k)) for k, arg in enumerate(expression.args) if isinstance(arg, Expression)]
            waiting += inner
    return None


def _row(last: Expression, path: tuple[int, ...], steps: int) -> list[Expression] | None:
    row = [last]
    while len(row) < steps:
        found: Any = row[0]
        for place in path:
            found = found.args[place] if isinstance(found, Expression) and place < len(found.args) else None
        if not isinstance(found, Expression):
            return None
        row.insert(0, found)
    return row


def _is_state(row: Sequence[Expression]) -> bool:
    alike = all(a.name == b.name for a, b in pairwise(row[1:]))
    if not alike or len(row) < 3:
        return False
    loop = rolled(None, len(row) - 1, row[-1], row[-2])
    return loop.root in loop.states


def _moment(site: Site, op: Lif, expression: Expression, step: int) -> str | None:
    """Whether an expression is the membrane `before` or `after` the reset; None where it is neither."""
    assert site.recipe is not None
    params = site.recipe.params
    v = np.random.default_rng(0).normal(size=(4, *site.read.shape[1:]))
    compared = site.recipe.slope * (v - op.constant("threshold", params)) + site.firing.threshold
    theirs = [
        expression.evaluate({(STATE, site, step): compared, (SPIKES, site, step): np.full_like(v, s)}, np.asarray)
        for s in (0.0, 1.0)
    ]
    settled = op.settle(State(v), np.full(v.shape, True) if op.max_spikes == 1 else np.ones_like(v), params).v
    for moment, ours in (("before", v), ("after", settled)):
        if np.allclose(theirs[0], v) and np.allclose(theirs[1], ours):
            return moment
    return None


def _no_value(what: str, hint: str = "read out its spikes, or use a neuron of a framework") -> CompileError:
    return CompileError("import.state", f"the membrane of a neuron that is written out {what}", hint=hint)
