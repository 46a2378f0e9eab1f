"""Random graphs over every operation that needs no special operands."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import strategies as st

from ir.graph import Graph, GraphBuilder, Where
from ir.ops import Add, Concat, Expand, Function, Input, Lif, Linear, Mul, Pad, Permute, Reshape, Scale, Slice, Sum


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
    where = Where(
        draw(st.sampled_from(["", "block.0.attn", "a b"])), draw(st.sampled_from([(), ("fold",), ("a", "b")]))
    )
    weight = builder.param(f"w{index}", np.random.default_rng(index).integers(-4, 5, (2, columns)).astype(np.float32))
    unit = 1 if rows == 1 else rows
    choices = {
        "linear": lambda: builder.add(Linear(), value, name="l", params={"weight": weight}, where=where),
        "lif": lambda: builder.add(Lif(0.5, threshold=draw(st.floats(0.1, 9))), value, name="s.lif", where=where),
        "reshape": lambda: builder.add(Reshape((columns, rows)), value, name="r", where=where),
        "permute": lambda: builder.add(Permute((1, 0)), value, name="p", where=where),
        "slice": lambda: builder.add(Slice(1, 0, columns), value, name="c", where=where),
        "concat": lambda: builder.add(Concat(0), value, value, name="cat", where=where),
        "sum": lambda: builder.add(Sum((0,), weight=0.125), value, name="sum", where=where),
        "expand": lambda: builder.add(Expand((unit, columns)), value, name="e", where=where),
        "add": lambda: builder.add(Add(), value, value, name="a", where=where),
        "mul": lambda: builder.add(Mul(), value, value, name="m", where=where),
        "scale": lambda: builder.add(Scale(draw(st.floats(-2, 2))), value, name="k", where=where),
        "pad": lambda: builder.add(Pad(1, 1, 0), value, name="pad", where=where),
        "square": lambda: builder.add(Function("square"), value, name="f", where=where),
    }
    return choices[draw(st.sampled_from(sorted(choices)))]()


@pytest.fixture(scope="session")
def random_graphs() -> st.SearchStrategy[Graph]:
    """The strategy, as a fixture, because test folders are not packages."""
    return graphs()
