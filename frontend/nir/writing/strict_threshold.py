"""
Thresholds for readers that fire strictly above them (NIR's definition), such that `>=` neurons fire exactly as before.

Spiking attention is full of ties. Where every membrane value lies on a grid of powers of two, half a unit less is exact in any
arithmetic that holds the grid; elsewhere the next smaller float32 is exact for readers that compute in float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import numpy as np

from ir.graph import Array
from ir.ops import Lif

FLOAT32_BITS = 24
"""Binary digits of a float32."""


def strict_threshold(
    op: Lif, weights: Sequence[Array], steps: int, on_spikes: bool, dtype: str = "float32"
) -> tuple[float, str]:
    """
    The threshold for a strict comparison, and how far that is exact, in words.

    Args:
        op: the neuron, with comparator ">=" (">" is strict already).
        weights: all weights (targets x sources) and biases (targets,) of the population.
        steps: length of the window, 0 if it never ends.
        on_spikes: whether only spikes (integers) are weighted.
        dtype: in which the source computes.
    """
    if op.comparator == ">":
        return op.threshold, "strict in the source"
    unit = _membrane_unit(op, weights, steps) if on_spikes else None
    if unit is not None:
        return op.threshold - 2.0 ** (unit - 1), f"half a unit (2^{unit}) of the membrane's grid lower: exact"
    below = float(np.nextafter(np.asarray(op.threshold, dtype), np.asarray(-inf, dtype)))
    return below, f"the next smaller {dtype}, as weights or inputs lie on no grid: exact in {dtype}"


def _membrane_unit(op: Lif, weights: Sequence[Array], steps: int) -> int | None:
    """The exponent of the power of two of which every membrane value is a multiple; None if float32 cannot hold them all."""
    halvings = 0 if op.decay in (0, 1) else -np.log2(op.decay)
    if halvings != int(halvings) or (halvings and not steps):
        return None
    constants = [op.gain, op.leak, op.v_reset, op.threshold]
    unit = min(map(lowest_bit, (*weights, *(np.array([value]) for value in constants))))
    unit += min(0, lowest_bit(np.array([op.gain]))) - int(halvings) * max(steps, 1)
    reach = sum(np.abs(array).sum(axis=-1 if array.ndim > 1 else ()).max() for array in weights) * abs(op.gain)
    largest = max(reach, *map(abs, constants)) * (1 if halvings or op.decay == 1 else max(steps, 1))
    return unit if largest < 2.0 ** (unit + FLOAT32_BITS - 1) else None


def lowest_bit(array: Array) -> int:
    """The largest e such that every element is a multiple of 2^e (0 for zeros)."""
    values = np.asarray(array, dtype=np.float64)
    values = values[values != 0]
    if not values.size:
        return 0
    mantissas, exponents = np.frexp(values)
    integers = (np.abs(mantissas) * 2.0**53).astype(np.int64)
    trailing = np.log2((integers & -integers).astype(np.float64)).astype(int)
    return int((exponents - 53 + trailing).min())
