"""Random graphs over every operation that needs no special operands."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import strategies as st

from ir.graph import Graph, GraphBuilder, Provenance
from ir.ops import (
    Add,
    Concat,
    Expand,
    Function,
    Gather,
    Input,
    Lif,
    Linear,
    Mul,
    Pad,
    Permute,
    Reshape,
    Scale,
    Slice,
    Sum,
)


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """A random valid graph of up to a dozen nodes."""
    builder = GraphBuilder("random", draw(st.integers(1, 3)))
    domain = draw(st.sampled_from(["spike", "real", "graded<8>"]))
    value = builder.add(Input(f"{domain}[{draw(st.integers(1, 3))}x{draw(st.integers(1, 3))}]"), name="x")
    for index in range(draw(st.integers(1, 12))):
        value = _grow(draw, builder, value, index)
    return builder.build({"out": value, "again": value})


def _grow(draw: st.DrawFn, builder: GraphBuilder, value: str, index: int) -> str:
    kind = builder.type(value)
    rows, columns = kind.shape
    provenance = Provenance(
        draw(st.sampled_from(["", "block.0.attn", "a b"])), draw(st.sampled_from([(), ("fold",), ("a", "b")]))
    )
    weight = builder.param(f"w{index}", np.random.default_rng(index).integers(-4, 5, (2, columns)).astype(np.float32))
    unit = 1 if rows == 1 else rows
    choices = {
        "linear": lambda: builder.add(Linear(), value, name="l", params={"weight": weight}, provenance=provenance),
        "lif": lambda: builder.add(
            Lif(0.5, threshold=draw(st.floats(0.1, 9))), value, name="s.lif", provenance=provenance
        ),
        "reshape": lambda: builder.add(Reshape((columns, rows)), value, name="r", provenance=provenance),
        "permute": lambda: builder.add(Permute((1, 0)), value, name="p", provenance=provenance),
        "slice": lambda: builder.add(Slice(1, 0, columns), value, name="c", provenance=provenance),
        "concat": lambda: builder.add(Concat(0), value, value, name="cat", provenance=provenance),
        "sum": lambda: builder.add(Sum((0,), weight=0.125), value, name="sum", provenance=provenance),
        "expand": lambda: builder.add(Expand((unit, columns)), value, name="e", provenance=provenance),
        "add": lambda: builder.add(Add(), value, value, name="a", provenance=provenance),
        "mul": lambda: builder.add(Mul(), value, value, name="m", provenance=provenance),
        "scale": lambda: builder.add(Scale(draw(st.floats(-2, 2))), value, name="k", provenance=provenance),
        "gather": lambda: builder.add(Gather(1, (-1, columns - 1, 0)), value, name="g", provenance=provenance),
        "pad": lambda: builder.add(Pad(1, 1, 0), value, name="pad", provenance=provenance),
        "square": lambda: builder.add(Function("square"), value, name="f", provenance=provenance),
    }
    return choices[draw(st.sampled_from(sorted(choices)))]()


@pytest.fixture(scope="session")
def random_graphs() -> st.SearchStrategy[Graph]:
    """The strategy, as a fixture, because test folders are not packages."""
    return graphs()
