"""
The chip's neurons as netx has them: Lava's LIF with decays, threshold and bias of its own for every neuron or channel.

netx makes du = iDecay - 1 and dv = vDecay, fires above vThMant << 6, and adds bias << 6 to the voltage at every step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ir.errors import CompileError
from ir.graph import Array, Graph, Node
from ir.ops.integer_neuron import IntegerLeaky, IntegerLif

DECAY_BITS, STATE_BITS, SHIFT = 12, 24, 6
"""Of Lava's LIF: decays of 4096 parts, states of 24 bits, sums and thresholds << 6."""
MOST_THRESHOLD, NEVER = (1 << 17) - 2, (1 << 18) - 1
"""The largest threshold of a neuron that fires, and the one that lava-dl gives to those whose voltage is read."""
MOST_BIAS = (1 << 15) - 1
"""netx's biases are whole weight units of 16 bits."""
PROFILE_HINT = "compile with profile netx, which has no other neurons, biases and weights than such a file"


@dataclass(frozen=True)
class NetxNeurons:
    """A population's constants, one of each for every element (flat), in the units of a file."""

    i_decay: Array
    """Parts of 4096 that the current loses in a step."""
    v_decay: Array
    """Parts of 4096 that the voltage loses in a step."""
    threshold: Array
    bias: Array
    """In weight units."""


def neurons_of(graph: Graph, node: Node, shift: int = SHIFT) -> NetxNeurons:
    """
    The neurons of a population that fires, or of one that is read out.

    Args:
        shift: of the current; 0 for neurons at the input, which netx drives by their bias.

    Raises:
        CompileError: neurons that are not Lava's LIF, and numbers that a file cannot hold.
    """
    op = node.op
    if not isinstance(op, IntegerLif | IntegerLeaky):
        what = f"%{node.name} is a {op.kind} neuron, not Lava's LIF"
        raise CompileError("netx.neuron", what, hint=PROFILE_HINT)
    _check_widths(node, op, shift)
    constants = {name: _of_each(graph, node, name) for name in ("du", "dv", "u0", "v0", "bias")}
    if constants["u0"].any() or constants["v0"].any():
        what = f"%{node.name}: its state does not start at zero, as all states do in netx"
        raise CompileError("netx.start", what, hint="leave out the bias, or the synaptic current's decay")
    threshold = np.full(node.type.size, NEVER)
    if isinstance(op, IntegerLif):
        _check_firing(node, op)
        level = _of_each(graph, node, "vth") << op.shift
        threshold = level >> SHIFT
        if (threshold << SHIFT != level).any() or threshold.min() < 0 or threshold.max() > MOST_THRESHOLD:
            what = f"%{node.name}: thresholds of {threshold.min()}..{threshold.max()}, a file's are 0..{MOST_THRESHOLD}"
            raise CompileError("netx.threshold", what, hint=PROFILE_HINT)
    return NetxNeurons(constants["du"] + 1, constants["dv"], threshold, _bias(node, constants["bias"]))


def relays(size: int) -> NetxNeurons:
    """Neurons that fire once for every spike that arrives with a weight of more than 1."""
    one = np.ones(size, np.int64)
    return NetxNeurons(one << DECAY_BITS, 0 * one, one, 0 * one)


def _check_widths(node: Node, op: IntegerLif | IntegerLeaky, shift: int) -> None:
    """Require the integers in which Lava's LIF computes; what merely adds up may do so in other units."""
    adds_up = isinstance(op, IntegerLeaky) and op.du == (1 << DECAY_BITS) - 1 and op.dv in (0, 1 << DECAY_BITS)
    if (op.decay_bits, op.state_bits) != (DECAY_BITS, STATE_BITS) or (op.shift != shift and not adds_up):
        what = f"%{node.name} computes with other integers than netx's neurons"
        raise CompileError("netx.neuron", what, hint=PROFILE_HINT)


def _check_firing(node: Node, op: IntegerLif) -> None:
    """Require the threshold and the reset that Lava's LIF has."""
    hint = PROFILE_HINT
    if op.reset != "zero" or op.reset_at != "spike":
        what = f"resets by {op.reset}" if op.reset != "zero" else "resets one step late"
        hint = "use a neuron that a spike sets to zero (SpikingJelly: v_reset=0.0)"
    elif op.max_spikes > 1 or op.micro:
        what = "fires more than once in a step"
    elif op.comparator != ">":
        what = "fires at its threshold, too"
    else:
        return
    raise CompileError("netx.neuron", f"%{node.name} {what}, which no neuron of netx does", hint=hint)


def _of_each(graph: Graph, node: Node, name: str) -> Array:
    """A constant of every element, flat."""
    value = graph.arrays(node).get(name, np.array(getattr(node.op, name, 0)))
    return np.broadcast_to(value.astype(np.int64), node.type.shape).reshape(-1)


def _bias(node: Node, bias: Array) -> Array:
    """From units of the voltage to weight units."""
    unit = node.op.shift if isinstance(node.op, IntegerLeaky) else SHIFT
    whole = bias >> unit
    if (whole << unit != bias).any() or np.abs(whole).max(initial=0) > MOST_BIAS:
        what = f"%{node.name}: biases that are no whole weight units of 16 bits"
        raise CompileError("netx.bias", what, hint=PROFILE_HINT)
    return whole
