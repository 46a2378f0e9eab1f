"""One attempt at a graph: sums in the order of the file, delay lines and back edges shared, zero where nothing comes in."""

from __future__ import annotations

from typing import Any

import nir
import numpy as np
import pytest

from frontend.nir.meaning.emit import DiscreteNetwork, build
from frontend.nir.meaning.neurons import population
from frontend.nir.meaning.projections import projection
from frontend.nir.meaning.recurrence import lags
from frontend.nir.meaning.semantics import Semantics
from frontend.nir.reading.reader import network_of
from ir.graph import Graph
from ir.interpreter import interpret
from ir.ops import Delay, Past, Synapse

ONE = np.ones(2, np.float32)
MAKE: dict[str, Any] = {
    "n": lambda: nir.IF(ONE, ONE),
    "w": lambda: nir.Linear(np.array([[1, 2], [3, 4]], np.float32)),
    "d": lambda: nir.Delay(2 * ONE),
}


def discrete(*edges: tuple[str, str], values: Any = (), latency: int = 0, **inputs: str) -> DiscreteNetwork:
    """A network of x, y and what the edges name, by the first letter; `values`: other names of values."""
    names = dict.fromkeys(name for edge in edges for name in edge)
    ends = {"x": nir.Input({"input": np.array([2])}), "y": nir.Output({"output": np.array([2])})}
    nodes = {**ends, **{name: MAKE[name[0]]() for name in names if name not in ends}}
    network = network_of(nir.NIRGraph(nodes, list(edges), type_check=False))
    semantics = Semantics(dt=1.0, if_gain="step", latency=latency)
    edge_lags = lags(network, semantics, {name: 2 for name in network.nodes if name.startswith("d")})
    ops: dict[str, Any] = {}
    for name, node in network.nodes.items():
        if name.startswith("n"):
            ops[name] = [population(node, semantics, "float32", False)]
        elif name.startswith("w"):
            ops[name] = projection(node, "float32")
        elif name.startswith("d"):
            ops[name] = [] if name in edge_lags.moved else [(Delay(2), {})]
        else:
            ops[name] = []
    named = {name: name for name in network.nodes} | dict(values)
    return DiscreteNetwork(network, edge_lags, ops, named, {"x": "spike", **inputs}, "net", 5, "float32")


def built(network: DiscreteNetwork, **types: str) -> Graph:
    graph, actual = build(network, types)
    assert actual == types
    return graph


def kinds(graph: Graph) -> dict[str, str]:
    return {name: node.op.kind for name, node in graph.nodes.items()}


def test_a_chain() -> None:
    graph = built(discrete(("x", "w"), ("w", "n"), ("n", "y"), values={"n": "renamed"}))
    assert kinds(graph) == {"x": "input", "w": "linear", "renamed": "lif"}
    assert graph.outputs == {"y": "renamed"}
    assert (graph.name, graph.steps, graph.dtype) == ("net", 5, "float32")
    assert graph.nodes["renamed"].provenance.module == "n"
    assert list(graph.params) == ["w.weight"]
    assert str(graph.nodes["x"].type) == "spike[2]"


def test_edges_add_up_in_the_order_of_the_file() -> None:
    graph = built(discrete(("x", "w"), ("w", "n"), ("x", "n"), ("x", "n"), ("n", "y")))
    assert graph.nodes["n_sum"].inputs == ("w", "x", "x")
    assert graph.nodes["n"].inputs == ("n_sum",)


def test_spikes_that_arrive_late_share_a_delay_line() -> None:
    graph = built(discrete(("x", "n1"), ("n1", "n2"), ("n1", "n3"), ("n2", "y"), ("n3", "y"), latency=2))
    lines = {name: node for name, node in graph.nodes.items() if isinstance(node.op, Delay)}
    assert {name: (node.op, node.inputs) for name, node in lines.items()} == {
        "n1_late": (Delay(2), ("n1",)),
        "n2_late": (Delay(2), ("n2",)),
        "n3_late": (Delay(2), ("n3",)),
    }
    assert graph.nodes["n2"].inputs == graph.nodes["n3"].inputs == ("n1_late",)


def test_a_loop_is_closed_by_the_past_of_its_value() -> None:
    graph = built(discrete(("x", "n"), ("n", "n"), ("n", "w"), ("w", "y")), n="spike[2]")
    assert graph.nodes["n_past"].op == Past("n", "spike[2]", 1)
    assert graph.nodes["n_sum"].inputs == ("x", "n_past")


def test_assumed_types_at_back_edges_are_corrected() -> None:
    graph, actual = build(discrete(("x", "n"), ("n", "n"), ("n", "y")), {"n": "real[2]"})
    assert actual == {"n": "spike[2]"}
    assert str(graph.nodes["n_past"].type) == "real[2]"


def test_a_delay_in_a_loop_is_the_back_edge_itself() -> None:
    graph = built(discrete(("x", "n"), ("n", "d"), ("d", "n"), ("d", "y")), n="spike[2]")
    assert graph.nodes["d"].op == Past("n", "spike[2]", 2)
    assert graph.outputs == {"y": "d"}


def test_a_population_without_input_gets_none() -> None:
    graph = built(discrete(("x", "y"), ("n", "y")), n="spike[2]")
    assert graph.nodes["n_zero"].op == Synapse(0.0)
    assert graph.nodes["n"].inputs == ("n_zero",)
    x = np.ones((5, 1, 2), np.float32)
    np.testing.assert_array_equal(interpret(graph, {"x": x})["y"], x)


def test_names_that_the_network_has_are_not_used_again() -> None:
    graph = built(discrete(("x", "n"), ("x", "n"), ("n", "w"), ("w", "y"), values={"w": "n_sum"}))
    assert kinds(graph) == {"x": "input", "n_sum_2": "add", "n": "lif", "n_sum": "linear"}


@pytest.mark.parametrize("domain", ["spike", "real"])
def test_inputs_have_the_domain_that_is_stated(domain: str) -> None:
    graph = built(discrete(("x", "w"), ("w", "y"), x=domain))
    assert str(graph.nodes["x"].type) == f"{domain}[2]"
