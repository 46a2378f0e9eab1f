"""
Bursts of a time-coded attention in plain NIR: micro-steps become space.

NIR has no time within a step. What a burst and the neurons behind it do at micro-step m does not depend on the other micro-steps,
so that every micro-step gets neurons of its own: y[m] = [n > m] is a threshold neuron on n - m.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ir.graph import Array
from ir.ops import Burst, Lif

HALF = 0.5
"""Threshold of whole numbers: it does not matter whether a reader fires at it."""


def in_space(
    op: Burst, sources: Mapping[str, Array | float], bias: Array | None, size: int, whole: bool, dtype: str
) -> tuple[Lif, Mapping[str, Array], Array]:
    """
    A memoryless neuron for every micro-step of a burst of `size` counts, one micro-step after another, and what reaches it.

    Args:
        sources: population -> matrix (size x source) or factor, as for the counts. bias: (size,), likewise.
        whole: whether the populations emit whole numbers.
    """
    tables = {
        name: weight if isinstance(weight, np.ndarray) else np.eye(size, dtype=dtype) * weight
        for name, weight in sources.items()
    }
    counts = np.zeros(size) if bias is None else bias
    exact = whole and all((array == np.rint(array)).all() for array in (*tables.values(), counts))
    late = np.repeat(np.arange(op.micro), size)
    shifted = np.asarray(np.tile(counts, op.micro) - late, dtype)
    copies = {name: np.tile(np.asarray(table, dtype), (op.micro, 1)) for name, table in tables.items()}
    return Lif(decay=1.0, form="sum", threshold=HALF if exact else 0.0, comparator=">"), copies, shifted
