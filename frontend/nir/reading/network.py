"""
A NIR network as plain data: validated, flattened, every shape known. Nothing here depends on `nir` or on HDF5.

Semantics (time step, integrator, reset) are not part of it: a NIR file does not say them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ir.graph import Array

Shape = tuple[int, ...]
"""The axes of one value, without batch and time."""


@dataclass(frozen=True, eq=False)
class NirNode:
    """One primitive of NIR."""

    kind: str
    """Name of its class in NIR."""
    params: Mapping[str, Any]
    """
    Whole numbers, and read-only arrays of float32 or float64; neuron parameters, scales, delays and thresholds have exactly
    `input_shape` (a scalar becomes a view without memory of its own).

    * Conv1d, Conv2d: `weight` (O, I / groups, *kernel), `bias` (O), `groups`, and per spatial axis `stride`, `dilation`,
      `input_shape` and `padding`, whose entries are pairs (before, after); 'same' and 'valid' are resolved to them.
    * SumPool2d, AvgPool2d: `kernel_size`, `stride`, `padding` likewise; an average counts its padding.
    * Linear, Affine: `weight` (..., O, I) maps (..., I) to (..., O), `bias` (..., O).
    * Flatten: `start_dim` and `end_dim`, not negative, both included, counting feature axes.
    * Input, Output: `shape`.
    """
    metadata: Mapping[str, Any]
    """What the file says beside NIR: strings, numbers, arrays, tuples of strings and dictionaries of these."""
    input_shape: Shape
    output_shape: Shape


def float64_constant(array: Array) -> Array:
    """A parameter in float64; without axes where all elements share one value."""
    first = array.reshape(-1)[:1]
    shared = not any(array.strides) or bool((array == first).all())
    return (first.reshape(()) if shared else array).astype(np.float64)


@dataclass(frozen=True, eq=False)
class NirNetwork:
    """A flat graph of primitives, without the nodes that cannot influence an output."""

    nodes: Mapping[str, NirNode]
    """Sorted by name, as files do not keep their order; the node "b" of a subgraph "a" is called "a.b"."""
    edges: tuple[tuple[str, str], ...]
    """In the order of the file; several edges into a node add up, an edge that occurs twice counts twice."""
    metadata: Mapping[str, Any]
    """Of the top graph."""
    inputs: tuple[str, ...]
    """Names of the Input nodes, sorted."""
    outputs: tuple[str, ...]
    """Names of the Output nodes, sorted."""
    version: str = ""
    """The version of nir that wrote the file; "" where that is not known."""
    remarks: tuple[tuple[str, str, str], ...] = ()
    """(rule, node, text): what was read differently from what is written, or looks forgotten."""
