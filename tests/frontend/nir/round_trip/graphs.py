"""A graph that is written and read back."""

from __future__ import annotations

import numpy as np

from ir.graph import Graph, GraphBuilder, Provenance
from ir.ops import Add, Conv, Input, Lif, Linear, Reshape, Scale


def vector_graph() -> Graph:
    """Everything that standard NIR can say, and a sum that it cannot."""
    rng = np.random.default_rng(0)
    builder = GraphBuilder("vectors", 4)
    image = builder.add(Input("spike[2x6x6]"), name="image")
    kernel = builder.param("conv.weight", rng.normal(size=(4, 1, 3, 2)).astype(np.float32))
    value = builder.add(Conv((2, 1), (1, 0), (1, 2), 2), image, name="conv", params={"weight": kernel})
    value = builder.add(
        Lif(decay=0.3, threshold=0.7, comparator=">"), value, name="lif", provenance=Provenance("lif", ("fold",))
    )
    value = builder.add(Reshape((builder.type(value).size,)), value, name="flatten")
    weight = builder.param("fc.weight", rng.normal(size=(5, builder.type(value).size)).astype(np.float32))
    bias = builder.param("fc.bias", rng.normal(size=5).astype(np.float32))
    value = builder.add(Linear(), value, name="fc", params={"weight": weight, "bias": bias})
    value = builder.add(Scale(), value, name="gain", params={"weight": bias})
    value = builder.add(Lif(decay=0.0, form="sum", gain=0.5), value, name="if")
    twice = builder.add(Add(), value, value, name="twice")
    return builder.build({"twice": twice, "if": value})
