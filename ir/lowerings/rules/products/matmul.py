"""
Matrix products on a chip: a population with one neuron per product of elements, and unit synapses that add them up.

    (A B)[i, j] = sum_c A[i, c] B[c, j]:   pairs P[i, c, j] = A[i, c] B[c, j],   current[i, j] = sum_c P[i, c, j]

Two spike populations pair by AND (n c m neurons, 3 n c m synapses). A payload and spikes pair by gates of the same number;
a current is first sent as a payload (n c more neurons).
"""

from __future__ import annotations

from itertools import product

from ir.graph import Graph, Node, Provenance
from ir.lowerings.lowering import Lowering
from ir.lowerings.rules.logic import Literal, conjunction
from ir.lowerings.rules.products.gate import opened
from ir.lowerings.rules.routing import routed
from ir.lowerings.rules.scaled_spikes import without_factors
from ir.lowerings.values import Current, LoweredValue, PendingProduct, Spikes, Wire
from ir.ops import MatMul, Reshape, Scale, Sum
from ir.ops.membrane import ANALOG_BITS
from ir.types import SPIKE


def lower_matmul(lowering: Lowering, node: Node, provenance: Provenance) -> LoweredValue:
    """Pairs and sums; the inner product of an attention waits for the outer one, which knows the cheaper order."""
    left, right = (lowering.positive(value) for value in lowering.operands(node))
    if attention_above(lowering.graph, node) is not None:
        assert isinstance(left, Spikes)
        assert isinstance(right, Spikes)
        return PendingProduct(left.parts[0], right.parts[0], 1.0, node.name, provenance)
    (left, right), factor = without_factors(lowering, node, (left, right))
    a, b = _populations(lowering, node, left, right, provenance)
    wires = [
        wire for x, y in product(a.parts, b.parts) for wire in multiplied(lowering, x, y, node.name, provenance).wires
    ]
    return Current(node.type.shape, tuple(wires)).scaled(factor)


def attention_above(graph: Graph, node: Node) -> Node | None:
    """The matrix product that alone reads this one, a product of spikes, and multiplies it by spikes (attention)."""
    if any(kind.domain != SPIKE for kind in graph.args(node)):
        return None
    above = _only_user(graph, node)
    while above is not None and isinstance(above.op, Scale) and not above.params:
        node, above = above, _only_user(graph, above)
    if above is None or not isinstance(above.op, MatMul):
        return None
    factors = [name for name in above.inputs if name != node.name]
    return above if len(factors) == 1 and graph.nodes[factors[0]].type.domain == SPIKE else None


def _only_user(graph: Graph, node: Node) -> Node | None:
    users = graph.users()[node.name]
    return users[0] if len(users) == 1 and node.name not in graph.outputs.values() else None


def _populations(
    lowering: Lowering, node: Node, left: LoweredValue, right: LoweredValue, provenance: Provenance
) -> tuple[Spikes, Spikes]:
    """Both factors as populations: a current as the payload of a relay. One of them must be spikes."""
    if not lowering.is_binary(left) and not lowering.is_binary(right):
        hint = "let one of the factors fire spikes"
        lowering.refuse(node, "lower.product", "multiplies two analog matrices", hint=hint)
    name = f"{node.name}_relay"
    a = lowering.relay(left, name, provenance) if isinstance(left, Current) else left
    b = lowering.relay(right, name, provenance) if isinstance(right, Current) else right
    assert isinstance(a, Spikes)
    assert isinstance(b, Spikes)
    return a, b


def multiplied(
    lowering: Lowering, a: str, b: str, name: str, provenance: Provenance, bits: int = ANALOG_BITS
) -> Current:
    """A @ B of two populations (..., n, c) and (..., c, m), at most one of them graded, as a current (..., n, m)."""
    x, y = aligned(lowering, a, b, name, provenance)
    if lowering.is_graded(x) or lowering.is_graded(y):
        payload, by = (x, y) if lowering.is_graded(x) else (y, x)
        current = lowering.current(Spikes((payload,)), f"{name}_payload", provenance)
        pairs = opened(lowering, current, by, bits, f"{name}_gate", provenance)
    else:
        pairs = conjunction(lowering, Literal(x), Literal(y), f"{name}_and", provenance)
    return _summed(lowering, pairs, name, provenance)


def aligned(lowering: Lowering, a: str, b: str, name: str, provenance: Provenance) -> tuple[str, str]:
    """A and B spread over the shape of their pairs, (..., n, c, m)."""
    shape_a, shape_b = lowering.builder.type(a).shape, lowering.builder.type(b).shape
    pairs = (*shape_a, shape_b[-1])
    x = lowering.reshaped(a, (*shape_a, 1), f"{name}_left", provenance)
    y = lowering.reshaped(b, (*shape_b[:-2], 1, *shape_b[-2:]), f"{name}_right", provenance)
    return lowering.spread(x, pairs, f"{name}_left", provenance), lowering.spread(y, pairs, f"{name}_right", provenance)


def _summed(lowering: Lowering, pairs: str, name: str, provenance: Provenance) -> Current:
    """The sums of the pairs (..., n, c, m) over c."""
    shape = lowering.builder.type(pairs).shape
    wire = Wire(pairs, Sum((len(shape) - 2,)), f"{name}_sum", provenance)
    rows, result = (*shape[:-2], 1, shape[-1]), (*shape[:-2], shape[-1])
    return routed(Current(rows, (wire,)), Reshape(result), result)
