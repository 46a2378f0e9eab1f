"""
The rounding of neurons that we wrote: NIR's equations are one, the floating-point forms in which a step computes them several.

    euler  v <- v + a ((v_leak - v) + r i)          sum  v <- (1 - a) v + (a r) i + a v_leak

are the same numbers but for their last bits. A node that says `membrane_form` or `current_form` = sum in its metadata was
written from the second form; whoever does not know this reads the same neuron.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ir.graph import Array
from ir.ops import Op
from ir.ops.membrane import Membrane

FORMS = {"membrane_form": ("form", "decay", "gain"), "current_form": ("current_form", "current_decay", "current_gain")}
"""Entry of a node's metadata -> the attributes of the IR's neuron that it is about."""


def in_form(
    op: Op, arrays: Mapping[str, Array], metadata: Mapping[str, Any], dtype: str
) -> tuple[Op, dict[str, Array]]:
    """A neuron in the form that the metadata of its NIR node asks for; itself where it asks for none."""
    found = dict(arrays)
    if not isinstance(op, Membrane):
        return op, found
    for entry, (form, decay, gain) in FORMS.items():
        if metadata.get(entry) != "sum" or getattr(op, form) != "euler":
            continue
        product = np.asarray(found.get(decay, getattr(op, decay)), np.float64) * np.asarray(
            found.get(gain, getattr(op, gain))
        )
        if product.ndim:
            found[gain] = product.astype(dtype)
        op = replace(op, **{form: "sum", gain: float(product) if not product.ndim else getattr(op, gain)})
    return op, found
