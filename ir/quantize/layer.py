"""What quantisation did to one population, from its integers and weights."""

from __future__ import annotations

from fractions import Fraction
from math import prod

from ir.graph import Node
from ir.quantize.membrane import Integers
from ir.quantize.report import LayerReport
from ir.quantize.weights import QuantizedArray


def layer_report(
    node: Node,
    unit: Fraction,
    integers: Integers,
    weights: tuple[QuantizedArray, ...],
    currents: tuple[int, int],
    room: int,
) -> LayerReport:
    """
    What rounding did to a population.

    Args:
        weights: every stored weight that feeds it, once. currents: the proven and the seen magnitude, in weight units. room: the
            magnitude at which the chip wraps.
    """
    clipped = sum(part.saturated for part in weights) + integers.bias.saturated
    error = max((part.error for part in weights), default=0.0)
    proven, seen = currents
    return LayerReport(
        name=node.name,
        module=node.provenance.module,
        unit=float(unit),
        threshold=integers.threshold,
        weights=sum(prod(part.integers.shape) for part in weights),
        saturated=clipped,
        weight_error=error,
        bias_error=integers.bias.error,
        decay_error=integers.decay_error,
        proven=proven,
        seen=seen,
        room=room,
        exact=integers.exact and not (clipped or error or integers.bias.error or integers.decay_error),
    )
