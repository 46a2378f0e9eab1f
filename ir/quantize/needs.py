"""What a population asks of its unit: when it fires, and what its integer fields must hold."""

from __future__ import annotations

from math import inf

import numpy as np

from ir.errors import CompileError
from ir.graph import Array, Node
from ir.ops.neuron import Lif
from ir.quantize.calibration import ValueStatistics
from ir.quantize.kinds import Kinds
from ir.quantize.neuron import fractions_fit
from ir.quantize.units import HEADROOM, Firing, Needs
from ir.target import Arithmetic


def firing_of(node: Node, kinds: Kinds | None, steps: int, arithmetic: Arithmetic) -> Firing | None:
    """The thresholds of a population, and what resets take; None for one without threshold."""
    op = node.op
    if kinds is None or not isinstance(op, Lif):
        return None
    takes = op.reset == "subtract" or op.max_spikes != 1
    amounts = {of.threshold for of in kinds.members} | {of.theta for of in kinds.members if takes}
    first, *others = sorted(amounts)
    whole = not takes and all(of.is_whole and not of.start for of in kinds.members) and not node.param("bias")
    held = all(of.is_whole or fractions_fit(of, steps, arithmetic.activation_shift) for of in kinds.members)
    return Firing(first, whole, tuple(others), halves=not held)


def needs_of(node: Node, kinds: Kinds | None, seen: ValueStatistics, bias: Array, steps: int) -> Needs:
    """
    The largest values of a population, in real current units.

    Args:
        bias: of the float network. steps: window length, 0 for streaming.

    Raises:
        CompileError: nothing bounds the state.
    """
    if kinds is None:
        return Needs(seen.current, 1.0, 0.0, 0.0)
    current = seen.current * kinds.most(lambda of: abs(float(of.factor)))
    window = kinds.most(lambda of: of.window_factor(steps))
    if current and window > HEADROOM and seen.membrane is not None:
        window = min(window, _outgrown(kinds, seen.membrane, current, steps))
    if current and window == inf:
        what = "a synaptic current that never decays has no bound in a network without windows"
        raise CompileError(
            "quantize.range", what, where=f"%{node.name}  {node.provenance}", hint="let it decay, or set the steps"
        )
    constant = np.abs(kinds.each(lambda of: float(of.factor / (of.current_decay or 1))) * bias)
    constant = constant + np.abs(kinds.each(lambda of: float(of.drift)))
    largest = kinds.most(lambda of: float(max(of.threshold, of.theta, abs(of.start))))
    return Needs(current, window if current else 1.0, largest, float(constant.max(initial=0.0)))


def _outgrown(kinds: Kinds, membrane: Array, current: float, steps: int) -> float:
    """How many times the current the state can become: the membrane as calibration showed, J as its decay allows."""
    shown = float(np.max(membrane / kinds.each(lambda of: float(of.size))))
    steady = kinds.most(lambda of: 1 / float(of.current_decay) if of.current_decay else inf)
    return max(HEADROOM * shown / current, min(steady, steps or steady))
