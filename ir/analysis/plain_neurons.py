"""
Which populations are the chip's plain neuron, which engines compute by kernels of their own.

The plain neuron is Lava's own LIF from zero state, with a reset to zero. All neurons of a population decay alike.
"""

from __future__ import annotations

from ir.graph import Node
from ir.ops.integer_neuron import IntegerLif


def plain_lif(node: Node) -> IntegerLif | None:
    """The constants of a population of plain neurons, which may have thresholds and biases of their own; None for any other."""
    op = node.op
    if not isinstance(op, IntegerLif) or not dict(node.params).keys() <= {"bias", "vth"}:
        return None
    is_plain = (op.reset, op.reset_at, op.max_spikes, op.u0, op.v0) == ("zero", "spike", 1, 0, 0)
    return op if is_plain else None


def remembers_current(op: IntegerLif) -> bool:
    """Whether a current outlasts its step."""
    return op.du != (1 << op.decay_bits) - 1


def forgets(op: IntegerLif, current: int) -> bool:
    """Whether nothing is left of a current, whole and without a bias, one step after it came and made no spike."""
    rest = (abs(current) << op.shift) * ((1 << op.decay_bits) - op.dv)
    return not remembers_current(op) and rest >> op.decay_bits == 0
