"""
Spiking attention Q K^T V: three spike matrices A B C multiplied, A (..., n, d), B (..., d, m), C (..., m, e).

However the model associates the product, integers make (A B) C = A (B C) exact, so the order is the compiler's choice.
With N query tokens, M keys, D channels in h heads of d = D / h:

    graded-a    S = A B by ANDs, sent as payloads, gated by C, summed      2 N M D + N M h neurons,  6 N M D synapses
    graded-b    S = B C by ANDs, sent as payloads, gated by A, summed      (N + M + 1) D d neurons,  3 (N + M) D d synapses
    time-coded  as graded-a, but S is sent as S unit spikes over d micro-steps and paired with C by ANDs
"""

from __future__ import annotations

from math import prod

from ir.graph import Node, Provenance
from ir.lowerings.cost import Cost
from ir.lowerings.lowering import Lowering
from ir.lowerings.rules.logic import Literal, conjunction
from ir.lowerings.rules.products.matmul import aligned, multiplied
from ir.lowerings.rules.routing import routed
from ir.lowerings.values import Current, LoweredValue, PendingProduct, Spikes, Wire
from ir.ops import Burst, Reshape, Sum


def lower_graded_a(lowering: Lowering, node: Node, provenance: Provenance) -> LoweredValue:
    """(A B) C with graded scores."""
    a, b, c, inner = _factors(lowering, node)
    scores = multiplied(lowering, a, b, inner.name, provenance)
    bits = _payload_bits(lowering, a)
    payload = lowering.relay(scores, f"{inner.name}_score", provenance, bits)
    return multiplied(lowering, payload.parts[0], c, node.name, provenance, bits).scaled(inner.factor)


def lower_graded_b(lowering: Lowering, node: Node, provenance: Provenance) -> LoweredValue:
    """A (B C) with graded counters."""
    a, b, c, inner = _factors(lowering, node)
    counts = multiplied(lowering, b, c, inner.name, provenance)
    bits = _payload_bits(lowering, b)
    payload = lowering.relay(counts, f"{inner.name}_count", provenance, bits)
    return multiplied(lowering, a, payload.parts[0], node.name, provenance, bits).scaled(inner.factor)


def lower_time_coded(lowering: Lowering, node: Node, provenance: Provenance) -> LoweredValue:
    """(A B) C with scores as bursts; one micro-step per unit that a score can reach."""
    a, b, c, inner = _factors(lowering, node)
    micro = lowering.builder.type(a).shape[-1]
    scores = multiplied(lowering, a, b, inner.name, provenance)
    burst = lowering.neuron(Burst(micro), scores, f"{inner.name}_score", provenance)
    rows = lowering.reshaped(c, (1, *lowering.builder.type(c).shape), f"{node.name}_micro", provenance)
    shape = (micro, *lowering.builder.type(c).shape)
    repeated = lowering.spread(rows, shape, f"{node.name}_micro", provenance)
    x, y = aligned(lowering, burst, repeated, node.name, provenance)
    pairs = conjunction(lowering, Literal(x), Literal(y), f"{node.name}_and", provenance, micro)
    return _summed_bursts(lowering, pairs, micro, node, provenance).scaled(inner.factor)


def _summed_bursts(lowering: Lowering, pairs: str, micro: int, node: Node, provenance: Provenance) -> Current:
    """The sums of pairs (micro, ..., n, m, e) over the micro-steps and over m."""
    shape = lowering.builder.type(pairs).shape
    wire = Wire(pairs, Sum((0, len(shape) - 2), micro=micro), f"{node.name}_sum", provenance)
    rows, result = (1, *shape[1:-2], 1, shape[-1]), (*shape[1:-2], shape[-1])
    return routed(Current(rows, (wire,)), Reshape(result), result)


def _factors(lowering: Lowering, node: Node) -> tuple[str, str, str, PendingProduct]:
    """A, B, C and the inner product as the model associates it."""
    left, right = (lowering.positive(value) for value in lowering.operands(node))
    if isinstance(left, PendingProduct):
        assert isinstance(right, Spikes)
        return left.left, left.right, right.parts[0], left
    assert isinstance(left, Spikes)
    assert isinstance(right, PendingProduct)
    return left.parts[0], right.left, right.right, right


def _payload_bits(lowering: Lowering, matrix: str) -> int:
    """Bits of a signed payload that holds the length of the summed axis, the last one of the left factor."""
    return lowering.builder.type(matrix).shape[-1].bit_length() + 1


def _sizes(lowering: Lowering, node: Node) -> tuple[int, int, int, int, int]:
    """Heads and the four lengths of A (h, n, d), B (h, d, m), C (h, m, e)."""
    a, _, c, _ = _factors(lowering, node)
    *heads, n, d = lowering.builder.type(a).shape
    *_, m, e = lowering.builder.type(c).shape
    return prod(heads), n, d, m, e


def cost_graded_a(lowering: Lowering, node: Node) -> Cost:
    """Of the order (A B) C."""
    h, n, d, m, e = _sizes(lowering, node)
    synapses = 3 * h * n * m * (d + e)
    return Cost(neurons=h * n * m * (d + e + 1), synapses=synapses, events=synapses)


def cost_graded_b(lowering: Lowering, node: Node) -> Cost:
    """Of the order A (B C)."""
    h, n, d, m, e = _sizes(lowering, node)
    synapses = 3 * h * d * e * (n + m)
    return Cost(neurons=h * d * e * (n + m + 1), synapses=synapses, events=synapses)


def cost_time_coded(lowering: Lowering, node: Node) -> Cost:
    """As graded-a, over as many micro-steps as a score can count; the synapses behind the scores work in each of them."""
    h, n, d, m, e = _sizes(lowering, node)
    scores = cost_graded_a(lowering, node)
    return Cost(scores.neurons, scores.synapses, events=3 * h * n * m * d * (1 + e), steps=d)
