"""With products M a row of errors e costs e M e': against the mean square of the currents that the operations themselves make of e."""

from __future__ import annotations

import numpy as np
import pytest

from ir.graph import Graph, GraphBuilder
from ir.interpreter import interpret
from ir.ops import Conv, Input, Lif, Linear, Op, Synapse
from ir.quantize.rounding import products
from ir.quantize.rounding.products import input_products, values_read

RNG = np.random.default_rng(0)


def layer(op: Op, shape: str, *weight: int, sources: int = 1) -> Graph:
    """Populations of spikes, each through a projection of the same weights, into one population."""
    b = GraphBuilder("net", 3, dtype="float64")
    matrix = {"weight": b.param("w", RNG.normal(size=weight))}
    inputs = [b.add(Input(f"count<3>[{shape}]"), name=f"x{place}") for place in range(sources)]
    return b.build({"y": b.add(Lif(0.5), *(b.add(op, x, name="fc", params=matrix) for x in inputs), name="y")})


def watched(graph: Graph) -> dict[str, np.ndarray]:
    """The values of all nodes, by name."""
    counts = {node.name: RNG.integers(0, 4, (3, 5, *node.type.shape)).astype(np.float64) for node in graph.inputs}
    values: dict[str, np.ndarray] = {}
    interpret(graph, counts, lambda node, value: values.__setitem__(node.name, value))
    return values


CASES = [
    (Linear(), "4x6", (5, 6)),
    (Conv((1, 1), (1, 1), (1, 1)), "2x5x4", (5, 2, 3, 3)),
    (Conv((2, 1), (0, 2), (1, 2)), "2x7x6", (5, 2, 3, 2)),
    (Conv((1,), (1,), (1,), spread=(2,), extra=(1,)), "3x6", (5, 3, 3)),
    (Conv((1, 1, 1), (1, 0, 0), (1, 1, 1)), "2x3x3x4", (5, 2, 2, 2, 3)),
]


@pytest.mark.parametrize(("op", "shape", "weight"), CASES)
@pytest.mark.parametrize("sources", [1, 2])
def test_a_row_of_errors_costs_the_mean_square_of_its_current(
    op: Op, shape: str, weight: tuple[int, ...], sources: int
):
    graph = layer(op, shape, *weight, sources=sources)
    values, node = watched(graph), graph.nodes["y"]
    found = input_products(graph, node, values)
    currents = sum(values[name] for name in node.inputs)
    rows = graph.params["w"].reshape(weight[0], -1)
    costs = np.einsum("oi,ij,oj->o", rows, found["w"], rows)
    axis = currents.ndim - 1 if isinstance(op, Linear) else 2
    means = np.moveaxis(currents**2, axis, 0).reshape(weight[0], -1).mean(axis=1)
    np.testing.assert_allclose(costs, means, rtol=1e-6)
    assert values_read(graph, node) == tuple(f"x{place}" for place in range(sources))


def test_of_many_places_some_are_looked_at_wherever_they_lie(monkeypatch: pytest.MonkeyPatch):
    """4,096 of 8,192 rows, every second of which is silent: a period would see all of one kind."""
    graph = layer(Linear(), "2x3", 4, 3)
    value = np.zeros((1, 4096, 2, 3))
    value[:, :, 1] = 1.0
    assert input_products(graph, graph.nodes["y"], {"x0": value})["w"] == pytest.approx(0.5, abs=0.01)
    monkeypatch.setattr(products, "PLACES", 1 << 13)
    assert input_products(graph, graph.nodes["y"], {"x0": value})["w"] == pytest.approx(0.5, abs=1e-9)


@pytest.mark.parametrize("name", ["grid", "wide", "groups", "unit"])
def test_what_is_not_rounded_or_too_wide_is_left_out(name: str):
    b = GraphBuilder("net", 3)
    x, wide = b.add(Input("spike[6x4]"), name="x"), b.add(Input("spike[1200]"), name="x2")
    current = {
        "grid": lambda: b.add(Linear(), x, name="fc", params={"weight": b.param("w", RNG.integers(-9, 9, (3, 4)) / 8)}),
        "wide": lambda: b.add(Linear(), wide, name="fc", params={"weight": b.param("w", RNG.normal(size=(3, 1200)))}),
        "groups": lambda: b.add(
            Conv((1,), (0,), (1,), 2), x, name="fc", params={"weight": b.param("w", RNG.normal(size=(6, 3, 2)))}
        ),
        "unit": lambda: b.add(Synapse(0.3), x, name="fc"),
    }[name]()
    graph = b.build({"y": b.add(Lif(0.5), current, name="y")})
    assert values_read(graph, graph.nodes["y"]) == ()
    assert input_products(graph, graph.nodes["y"], {}) == {}
