"""
A NIR network as plain data: validated, flattened, every shape known. Nothing here depends on `nir` or on HDF5.

Semantics (time step, integrator, reset) are not part of it: a NIR file does not say them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Shape = tuple[int, ...]
"""The axes of one value, without batch and time."""


@dataclass(frozen=True, eq=False)
class NirNode:
    """
    One primitive of NIR.

    `kind` is the class name in NIR. `params` holds read-only arrays of float32 or float64 (neuron parameters, scales,
    delays and thresholds of exactly `input_shape`: a scalar becomes a view without memory of its own), and whole numbers:

    * Conv1d, Conv2d: `weight` (O, I / groups, *kernel), `bias` (O), `groups`, and per spatial axis `stride`, `dilation`,
      `input_shape` and `padding`, whose entries are pairs (before, after); 'same' and 'valid' are resolved to them.
    * SumPool2d, AvgPool2d: `kernel_size`, `stride`, `padding` likewise; an average counts its padding.
    * Linear, Affine: `weight` (..., O, I) maps (..., I) to (..., O), `bias` (..., O).
    * Flatten: `start_dim` and `end_dim`, not negative, both included, counting feature axes.
    * Input, Output: `shape`.

    `metadata` is what the file says beside NIR: strings, numbers, arrays, tuples of strings and dictionaries of these.
    """

    kind: str
    params: Mapping[str, Any]
    metadata: Mapping[str, Any]
    input_shape: Shape
    output_shape: Shape


@dataclass(frozen=True, eq=False)
class NirNetwork:
    """
    A flat graph of primitives; several edges into a node add up, an edge that occurs twice counts twice.

    `nodes` are sorted by name (files do not keep their order), the node "b" of a subgraph "a" is called "a.b". `edges` keep
    the order of the file. `inputs` and `outputs` are the names of the Input and Output nodes, sorted. Nodes that cannot
    influence an output are left out. `metadata` is the top graph's; `version` the version of nir that wrote the file. `remarks`
    (node, text) tell what was read differently from what is written.
    """

    nodes: Mapping[str, NirNode]
    edges: tuple[tuple[str, str], ...]
    metadata: Mapping[str, Any]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    version: str = ""
    remarks: tuple[tuple[str, str], ...] = ()
